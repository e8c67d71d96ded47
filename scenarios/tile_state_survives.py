"""The mail's "Ergo it does not matter at all": guest tile data that is live while the guest's XFD disables it."""

from actors.machine.model import TILEDATA, CpuName, Tracking, XfdErr, XfdSetting
from actors.machine.state import cpu_cell
from actors.runtime import case, scenario
from actors.system import Machine
from actors.system.guest import live_tile_guest
from actors.system.invariants import exit_while, is_set, known, not_false
from actors.system.kvm import SwapName, form
from actors.system.tasks import amx_task

SURVIVES = "no tile value differs from that of the same guest without exits"


@scenario(
    cases=[
        case(xfd_set="keep", expect="proved", states=12_843),
        case(xfd_set="undefined", expect="violated", violated=(SURVIVES,), states=58, steps=13),
        case(swap="none", expect="violated", violated=(SURVIVES,), states=6_115, steps=86),
        case(tracking="architectural", expect="violated", violated=(SURVIVES,), states=58, steps=13),
        case(tracking="architectural", xfd_set="keep", expect="proved", states=79_591),
    ]
)
def tile_state_survives(
    swap: SwapName = "full",
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "recorded",
) -> Machine:
    """Does a live tile survive exits while the guest's XFD[i]=1 and the host's XFD[i]=0?

    Setting XFD[i] does not initialise component i. The guest loads a tile, sets XFD, is left, and the host, whose XFD is 0,
    context-switches to a task with tiles of its own: XSAVES finds the guest's component in use and saves it, XRSTORS brings
    it back, and VM-entry restores the guest's XFD. When the guest clears XFD the tile is what it was: the mail's argument,
    on the mail's premise `xfd_set=keep`. The manual promises less: with `undefined`, which `tracking=architectural`
    implies, setting XFD may lose the data; what else it leaves open (in-use bits, what a save may skip) does no harm. And the
    argument needs the host's XFD at the host's XSAVES: with `swap=none` the guest's is in force there, and the data is lost.
    """
    world = Machine(cpus=1, cpu=cpu, xfd_err=xfd_err, xfd_set=xfd_set, tracking=tracking)
    guest = world.guest(live_tile_guest, TILEDATA, b"\x55" * 1024, dynamic_features=TILEDATA, name="guest")
    world.vcpu_thread(guest, form(swap, guest.dynamic_features), name="vcpu")
    task = world.host_task(amx_task, b"\xaa" * 1024, perm=TILEDATA, name="task")
    world.interrupts(external=2)
    live = guest.guest.label("live and disabled")
    world.always(SURVIVES, not_false, guest.guest.label("survived"), words="guest: tile data lost")
    world.sometimes("the guest is left with a live tile that its XFD disables", exit_while, cpu_cell(0), live)
    world.sometimes("the guest reads its tile back", known, guest.guest.label("survived"))
    world.sometimes("the host task takes #NM", is_set, task.label("nm"))
    return world
