"""Two user tasks and everything that may come between them: what the kernel owes to them, and to which of its lines."""

from typing import Literal

from actors.machine.model import TILEDATA, CpuName, Tracking, XfdErr, XfdSetting
from actors.machine.state import cpu_cell
from actors.runtime import scenario
from actors.system import Machine
from actors.system.invariants import runs_on_other
from actors.system.invariants.happened import PreemptedByInterrupt, reallocated
from actors.system.kernel.data import Task
from actors.system.kernel.mutants import Mutant
from actors.system.tasks import tile_task, vector_task
from actors.system.xstate.kernel_fpu import use_fpu
from scenarios.healthy import TILE, A, B, caught, expects, guards, proved

ONE_CPU = [
    proved(states=18_106),
    proved(tracking="architectural", states=51_007),
    proved(timer=2, softirq=0, states=8_426),
    proved(timer=2, softirq=0, tracking="architectural", states=27_793),
    proved(amx=False, timer=2, states=44_111),
    proved(amx=False, timer=2, tracking="architectural", states=208_400),
    caught("owner_kept", "I6: registers valid for A are its", states=451, steps=20),
    caught("kernel_fpu_unsaved", "A finds its values", states=1_768, steps=40),
    caught("xfd_state_not_written", "I2: xfd_state is XFD", states=3_015, steps=50),
    caught("xfd_err_kept", "I1: XFD_ERR is clear", states=1_361, steps=32),
    caught("no_fpregs_lock", "I3: B's registers are loaded", states=2_254, steps=44),
    caught(
        "softirq_in_lock",
        "xfd_validate_state: softirq0, in B, saves under its XFD",
        states=5_413,
        steps=61,
    ),
    caught("realloc_unrestored", "B is not killed", states=13_404, steps=93),
    caught(
        "owner_read_once",
        "I3: B's registers are loaded",
        "I9: B finds nobody else's value in registers",
        states=8_383,
        steps=78,
    ),
]

TWO_CPUS = [
    proved(cpus=2, states=169_176),
    proved(cpus=2, amx=False, states=86_950),
    proved(cpus=2, softirq=0, tracking="architectural", states=51_840),
    proved(cpus=2, amx=False, softirq=0, tracking="architectural", states=28_249),
    proved(cpus=2, timer=0, tracking="architectural", states=38_814),
    proved(cpus=2, amx=False, timer=0, tracking="architectural", states=19_532),
    proved(cpus=2, timer=0, softirq=0, tracking="architectural", states=2_114),
    proved(cpus=2, amx=False, timer=0, softirq=0, tracking="architectural", states=1_273),
    caught(
        "owner_kept", "I6: registers valid for B are its (CPU 1)", cpus=2, timer=0, states=5_050, steps=45
    ),
    caught("switch_unsaved", "I6: registers valid for A are its (CPU 0)", cpus=2, states=3_976, steps=25),
    caught(
        "need_load_unset", "I3: A's registers are loaded (CPU 1)", cpus=2, softirq=0, states=1_948, steps=36
    ),
    caught("last_cpu_not_set", "I3: B's registers are loaded (CPU 0)", cpus=2, states=4_354, steps=26),
    caught(
        "xfd_not_updated",
        "xfd_validate_state: A restores under its XFD (CPU 0)",
        cpus=2,
        softirq=0,
        states=13_508,
        steps=82,
    ),
    caught("preempted_in_lock", "B: Bug", cpus=2, states=29_404, steps=53),
    caught("flags_read_once", "A finds its values", cpus=2, softirq=0, states=2_910, steps=42),
]


@scenario(cases=[*ONE_CPU, *TWO_CPUS])
def healthy_two_tasks(
    cpus: Literal[1, 2] = 1,
    amx: bool = True,
    timer: int = 1,
    softirq: int = 1,
    mutant: Mutant = "none",
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "recorded",
) -> Machine:
    """Do two tasks keep their registers through preemption, softirqs, migration and a first use of tiles?

    A loads an XMM register and looks at it again. So does B, which loads a tile in between (`amx`): its first tile instruction
    raises #NM, and the kernel gives it a larger fpstate. Each also has to live. All invariants of `actors.system.invariants`
    are on, and each task's values are its own (I9).

    What is covered: both tasks begin on CPU 0, A in user mode with its registers loaded, B off CPU. At most `timer` ticks that
    ask for a reschedule hit CPU 0, and at most `softirq` interrupts raise a softirq that uses the FPU, anywhere that IF allows:
    on CPU 0, or with `cpus=2` on CPU 1. There one task, A, may be moved from CPU 0 to the idle CPU 1 once, after it was
    preempted with its state in CPU 0's registers, in user mode or, by preempt_schedule_irq(), in the kernel; without a `timer`
    it is B, which moves before it has run. What the manual leaves open (`tracking=architectural`) multiplies all this, so on
    two CPUs it is proved with a tick or with a softirq, and not with both.
    Not covered: a task that comes back to a CPU that it has left, ksoftirqd, and handlers of hard interrupts that use the FPU.

    `mutant` changes one line of the kernel (see `actors.system.kernel.mutants`): what catches it says what the line is for.
    """
    machine = Machine(
        cpus, cpu, xfd_err, xfd_set, tracking, softirq=use_fpu if softirq else None, mutant=mutant
    )
    a = machine.host_task(vector_task, A, name="A")
    if amx:
        b = machine.host_task(tile_task, B, TILE, perm=TILEDATA, name="B")
        machine.secret(b, TILE)
    else:
        b = machine.host_task(vector_task, B, name="B")
    machine.secret(a, A)
    machine.secret(b, B)
    machine.interrupts(0, external=timer, softirq=softirq if cpus == 1 else 0)
    if cpus > 1:
        machine.interrupts(1, softirq=softirq)
        moved = a if timer else b
        machine.migrations(moved, to=1)
        machine.sometimes(f"{moved.name} runs on another CPU", runs_on_other, moved.placement)
        if timer:
            machine.sometimes(
                f"{moved.name}, preempted in the kernel where an interrupt ended, runs on another CPU",
                PreemptedByInterrupt(moved),
                cpu_cell(1),
            )
    for task in (a, b):
        expects(machine, task)
    guards(machine, (a, b), timer=timer, softirq=softirq, cpu=cpus - 1)
    if amx:
        machine.sometimes("B's #NM gets it a larger fpstate", reallocated, Task(b).fpstate)
    machine.invariants()
    return machine
