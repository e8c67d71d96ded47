"""Two questions about one swap: may interrupts be on while it is done, and may preemption?"""

from actors.machine.model import TILEDATA, CpuName, Tracking, XfdErr, XfdSetting
from actors.machine.state import cpu_cell
from actors.runtime import case, scenario
from actors.system import Machine
from actors.system.guest import amx_guest
from actors.system.invariants import exit_while, host_if_set, is_set, unset, xfd_err_clear
from actors.system.kvm import FULL, Window
from actors.system.tasks import amx_task

HYGIENE = "hygiene: XFD_ERR is clear in host mode with IF=1"
S1 = "S1: the guest's #NM handler finds its bit"


@scenario(
    cases=[
        case(window="closed", expect="proved", states=16_959),
        case(window="irqs_on", expect="violated", violated=(HYGIENE,), states=70, steps=14),
        case(window="preemptible", expect="violated", violated=(HYGIENE,), states=48, steps=13),
    ]
)
def swap_window(
    window: Window = "preemptible",
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "recorded",
) -> Machine:
    """What may happen between a VM-exit and the host's half of the swap of XFD and XFD_ERR?

    `irqs_on` enables interrupts before the mail's lines below vmenter(), with preemption off. An interrupt's
    handler then runs with the
    guest's XFD_ERR in the register: the rule is broken, but nobody is harmed, since no handler here looks at it.
    `preemptible` leaves preemption on as well. Now a host task can run in the middle of the swap and take its own #NM; its
    handler clears XFD_ERR before it has been saved, and the guest's handler reads 0 (S1). `closed` is the mail's form.
    """
    world = Machine(cpus=1, cpu=cpu, xfd_err=xfd_err, xfd_set=xfd_set, tracking=tracking)
    guest = world.guest(amx_guest, TILEDATA, b"\x55" * 1024, dynamic_features=TILEDATA, name="guest")
    thread = world.vcpu_thread(guest, FULL, window=window, name="vcpu")
    task = world.host_task(amx_task, b"\xaa" * 1024, perm=TILEDATA, name="task")
    world.interrupts(external=2)
    world.always(HYGIENE, xfd_err_clear, at=host_if_set, kind="hygiene")
    world.always(S1, unset, guest.guest.label("oops"), words="guest: unexpected #NM exception")
    nm_window = guest.guest.label("in_nm_window")
    world.sometimes("an exit lands inside the guest's #NM window", exit_while, cpu_cell(0), nm_window)
    world.sometimes("the host task takes #NM", is_set, task.label("nm"))
    if window != "closed":
        world.sometimes("the thread is inside the swap", is_set, thread.label("swapping"))
    return world
