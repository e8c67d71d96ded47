"""The last third of the 2021 design mail: who clears XFD_ERR when a VM-exit lands inside the guest's #NM?"""

from actors.machine.model import HYPOTHETICAL, TILEDATA, CpuName, Tracking, XfdErr, XfdSetting
from actors.machine.state import cpu_cell
from actors.runtime import case, scenario
from actors.system import Machine
from actors.system.guest import amx_guest, reader_guest
from actors.system.invariants import (
    exit_while,
    host_if_set,
    is_set,
    known,
    none_or_zero,
    unset,
    xfd_err_clear,
)
from actors.system.kvm import SwapName, form
from actors.system.tasks import dynamic_task
from protocol.registers import Component

HYGIENE = "hygiene: XFD_ERR is clear in host mode with IF=1"
S1 = "S1: the guest's #NM handler finds its bit"
S2 = "S2: another VM never reads the bit"
S3 = "S3: no task is killed for a feature that it did not use"

GUEST_TILE = b"\x55" * 1024
TASK_TILE = b"\xaa" * 1024


@scenario(
    cases=[
        case(swap="none", expect="violated", violated=(HYGIENE,), states=40, steps=9),
        case(swap="xfd", expect="violated", violated=(HYGIENE,), states=103, steps=16),
        case(swap="full", expect="proved", states=102_831),
        case(swap="conditional", expect="proved", states=97_043),
        case(swap="msr_lists", expect="proved", states=89_966),
        case(
            swap="xfd",
            cpu="mail_2021",
            xfd_err="load",
            expect="violated",
            violated=(HYGIENE,),
            states=103,
            steps=16,
        ),
        case(
            swap="xfd",
            cpu="mail_2021",
            xfd_err="accumulate",
            expect="violated",
            violated=(HYGIENE,),
            states=103,
            steps=16,
        ),
        case(swap="full", cpu="mail_2021", xfd_err="accumulate", expect="proved", states=93_548),
        case(swap="full", tracking="architectural", expect="proved", states=1_139_144),
    ],
    fix="1df4fd834e8e, ec5be88ab29f",
)
def xfd_err_leak(
    swap: SwapName = "xfd",
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "recorded",
) -> Machine:
    """Can a guest's XFD_ERR be seen, or lost, outside that guest?

    The guest's kernel has armed XFD[18]; its task's first tile instruction raises #NM, and the CPU loads XFD_ERR with bit 18.
    Before the guest's handler can read it, an external interrupt leaves the guest. XFD_ERR is not in the VMCS: unless
    vcpu_run saves and clears it, the bit stays in the register of the host's CPU, where a host task uses a dynamic
    feature of its own, and another VM, to which XFD_ERR is not intercepted, reads the register.

    `swap` is which lines of the mail's vcpu_run are there (see `actors.system.kvm`). With `cpu=mail_2021` there is a second
    dynamic feature, bit 19, which the host task uses instead. Who is harmed, and where nobody on the host is:

    ===========  =======  ==========  =======  ===  ===  ===
    swap         dynamic  xfd_err     hygiene  S1   S2   S3
    ===========  =======  ==========  =======  ===  ===  ===
    none         1        load        yes      yes  yes  no
    none         1        accumulate  yes      yes  yes  no
    none         2        load        yes      yes  yes  no
    none         2        accumulate  yes      yes  yes  yes
    xfd          1        load        yes      yes  yes  no
    xfd          1        accumulate  yes      yes  yes  no
    xfd          2        load        yes      yes  yes  no
    xfd          2        accumulate  yes      yes  yes  yes
    full         1, 2     either      no       no   no   no
    conditional  1, 2     either      no       no   no   no
    msr_lists    1, 2     either      no       no   no   no
    ===========  =======  ==========  =======  ===  ===  ===

    Hygiene is the rule itself: XFD_ERR is 0 in host mode with IF=1. S1: the host task's #NM handler clears the bit, the
    guest's handler reads 0, and the guest dies of an "unexpected #NM exception". S2: the other VM sees the bit. S3: the host
    task, permitted 19 but not 18, takes #NM for 19; the handler reads 18|19 and kills it by SIGILL. S3 is the only symptom on
    the host, and it needs both a CPU that adds to XFD_ERR and a second feature: with bit 18 alone, or with a CPU that loads
    XFD_ERR as the manual says, no host symptom tells the buggy forms from the right ones. The harm is the guests'.
    """
    world = Machine(cpus=1, cpu=cpu, xfd_err=xfd_err, xfd_set=xfd_set, tracking=tracking)
    second = Component.APX if HYPOTHETICAL & world.cpu_model.xfd_capable else Component.TILEDATA
    guest = world.guest(amx_guest, TILEDATA, GUEST_TILE, dynamic_features=TILEDATA, name="guest")
    other = world.guest(reader_guest, name="guest2")
    world.vcpu_thread(guest, form(swap, guest.dynamic_features), name="vcpu")
    task = world.host_task(dynamic_task, second, TASK_TILE, perm=1 << second, name="task")
    world.vcpu_thread(other, form(swap, other.dynamic_features), name="vcpu2")
    world.interrupts(external=2)
    nm_window = guest.guest.label("in_nm_window")
    world.always(HYGIENE, xfd_err_clear, at=host_if_set, kind="hygiene")
    world.always(S1, unset, guest.guest.label("oops"), words="guest: unexpected #NM exception")
    world.always(
        S2, none_or_zero, other.guest.label("xfd_err"), words="guest2 reads the guest's bit in XFD_ERR"
    )
    world.always(S3, unset, task.label("signal"), words="task: killed by SIGILL for the guest's feature")
    world.sometimes("an exit lands inside the guest's #NM window", exit_while, cpu_cell(0), nm_window)
    world.sometimes("the host task takes #NM", is_set, task.label("nm"))
    world.sometimes("the other VM reads XFD_ERR", known, other.guest.label("xfd_err"))
    return world
