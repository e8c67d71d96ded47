"""The mail's first line before the entry, left out: the guest goes on with the host's XFD."""

from actors.machine.model import TILEDATA, CpuName, Tracking, XfdErr, XfdSetting
from actors.machine.state import cpu_cell
from actors.runtime import case, scenario
from actors.system import Machine
from actors.system.guest import armed_guest, strict_exception
from actors.system.invariants import exit_while, is_set, unset
from actors.system.kvm import FULL, NOT_LOADED

ESCAPED = "a guest task never uses AMX that its XFD disables"


@scenario(
    cases=[
        case(load=False, expect="violated", violated=(ESCAPED,), states=550, steps=44),
        case(load=True, expect="proved", states=882),
    ]
)
def xfd_not_loaded(
    load: bool = False,
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "recorded",
) -> Machine:
    """What happens in the guest if XFD is not written before a VM-entry?

    The guest's kernel arms XFD because its task has no permission for AMX, and expects a #NM. The vCPU thread may use AMX, so
    the host's XFD is 0. An interrupt between the guest's WRMSR and the task's first tile instruction brings the host's value
    into force; entered again without `wrmsrl(XFD, guest->xfd)`, the guest runs with it. The tile instruction executes, the
    #NM never comes, and the task has got what its kernel forbids.
    """
    world = Machine(cpus=1, cpu=cpu, xfd_err=xfd_err, xfd_set=xfd_set, tracking=tracking)
    guest = world.guest(
        armed_guest,
        TILEDATA,
        b"\x55" * 1024,
        dynamic_features=TILEDATA,
        exception=strict_exception,
        name="guest",
    )
    world.vcpu_thread(guest, FULL if load else NOT_LOADED, name="vcpu")
    world.interrupts(external=2)
    world.always(
        ESCAPED, unset, guest.guest.label("escaped"), words="guest: tile instruction executed under XFD"
    )
    world.sometimes(
        "the guest is left with its XFD armed", exit_while, cpu_cell(0), guest.guest.label("armed")
    )
    world.sometimes("the guest's #NM ends its task", is_set, guest.guest.label("denied"))
    return world
