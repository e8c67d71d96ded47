"""The mail's first line after the exit, left out: the host goes on with the guest's XFD."""

from actors.machine.model import TILEDATA, CpuName, Tracking, XfdErr, XfdSetting
from actors.machine.state import cpu_cell
from actors.runtime import case, scenario
from actors.system import Machine
from actors.system.guest import amx_guest
from actors.system.invariants import exit_while, host_user, is_set, xfd_is_cached
from actors.system.kvm import FULL, NOT_RESTORED
from actors.system.tasks import amx_task

HYGIENE = "hygiene: host user mode runs with the XFD that the kernel wrote"


@scenario(
    cases=[
        case(restore=False, expect="violated", violated=(HYGIENE,), states=10_395, steps=83),
        case(restore=True, expect="proved", states=38_615),
    ]
)
def xfd_not_restored(
    restore: bool = False,
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "recorded",
) -> Machine:
    """What happens on the host if XFD is not written back after a VM-exit?

    A host task uses AMX: its fpstate has the tile data, its XFD is 0, and so is the vCPU thread's, since its guest may use
    AMX as well. The guest arms XFD and is left by an interrupt. Without the line `wrmsrl(XFD, host->xfd)` the register keeps
    the guest's bit, while the kernel's per-CPU copy says 0. The next switch to the task compares the copy with the task's 0,
    writes nothing, and XRSTORS of an area with XSTATE_BV[18]=1 raises #NM in the kernel, which dies of it.
    """
    world = Machine(cpus=1, cpu=cpu, xfd_err=xfd_err, xfd_set=xfd_set, tracking=tracking)
    task = world.host_task(amx_task, b"\xaa" * 1024, perm=TILEDATA, buffer=TILEDATA, name="task")
    guest = world.guest(amx_guest, TILEDATA, b"\x55" * 1024, dynamic_features=TILEDATA, name="guest")
    world.vcpu_thread(guest, FULL if restore else NOT_RESTORED, name="vcpu")
    world.interrupts(external=3)
    world.always(
        HYGIENE, xfd_is_cached, cpu_cell(0), world.kernel.xfd_state.each[0], at=host_user, kind="hygiene"
    )
    world.sometimes(
        "the guest is left inside its #NM window", exit_while, cpu_cell(0), guest.guest.label("in_nm_window")
    )
    world.sometimes("the host task has read its tile back", is_set, task.label("loaded"))
    return world
