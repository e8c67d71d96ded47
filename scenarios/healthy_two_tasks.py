"""Two user tasks and everything that may come between them: what the kernel owes to them, and to which of its lines."""

from typing import Literal

from actors.machine.model import TILEDATA, CpuName, Tracking, XfdErr, XfdSetting
from actors.runtime import case, scenario
from actors.system import Machine
from actors.system.invariants import is_set, not_false, runs_on_other, unset
from actors.system.invariants.happened import any_set, off_cpu_with_registers, reallocated
from actors.system.kernel.data import Task
from actors.system.kernel.mutants import Mutant
from actors.system.tasks import tile_task, vector_task
from actors.system.xstate.kernel_fpu import use_fpu
from protocol.handles import Program

A, B = 0xAAAA_AAAA_AAAA_AAAA, 0xBBBB_BBBB_BBBB_BBBB
TILE = b"\xb1" * 1024


def expects(machine: Machine, task: Program) -> None:
    """Say what a task wants of the kernel: its values, and its life; and that it was preempted with its state in registers."""
    machine.always(
        f"{task.name} finds its values",
        not_false,
        task.label("found"),
        words=f"{task.name}: registers are not what they were",
    )
    machine.always(f"{task.name} is not killed", unset, task.label("signal"), words=f"{task.name}: killed")


def guards(machine: Machine, tasks: tuple[Program, ...], *, timer: int, softirq: int, cpu: int = 0) -> None:
    """Say what must have happened, for a proof to be worth something: by the sources that there are."""
    for place, task in enumerate(map(Task, tasks)):
        if timer > place:
            machine.sometimes(
                f"{task.name} is preempted with its state in registers",
                off_cpu_with_registers,
                task.program.placement,
                task.flags,
            )
    if timer > 1:
        found = (task.label("registers found valid") for task in tasks)
        machine.sometimes("a task finds its registers valid, and loads nothing", any_set, *found)
    if softirq:
        label = Program(f"softirq{cpu}").label("xsaves")
        machine.sometimes("a softirq saves a task's live registers", is_set, label)


@scenario(
    cases=[
        case(expect="proved", states=13_529),
        case(tracking="architectural", expect="proved", states=40_291),
        case(timer=2, softirq=0, expect="proved", states=5_927),
        case(timer=2, softirq=0, tracking="architectural", expect="proved", states=21_160),
        case(amx=False, timer=2, expect="proved", states=21_045),
        case(amx=False, timer=2, tracking="architectural", expect="proved", states=118_360),
        case(cpus=2, expect="proved", states=113_455),
        case(cpus=2, amx=False, expect="proved", states=57_571),
        case(cpus=2, timer=0, softirq=0, tracking="architectural", expect="proved", states=382_602),
        case(
            cpus=2, amx=False, timer=0, softirq=0, tracking="architectural", expect="proved", states=358_594
        ),
        case(
            mutant="owner_kept",
            expect="violated",
            violated=("I6: registers valid for A are its",),
            states=322,
            steps=19,
        ),
        case(
            mutant="kernel_fpu_unsaved",
            expect="violated",
            violated=("A finds its values",),
            states=1_140,
            steps=39,
        ),
        case(
            mutant="xfd_state_not_written",
            expect="violated",
            violated=("I2: xfd_state is XFD",),
            states=1_771,
            steps=45,
        ),
        case(
            mutant="xfd_err_kept", expect="violated", violated=("I1: XFD_ERR is clear",), states=887, steps=31
        ),
        case(
            mutant="no_fpregs_lock",
            expect="violated",
            violated=("I3: B's registers are loaded",),
            states=1_216,
            steps=39,
        ),
        case(
            mutant="softirq_in_lock",
            expect="violated",
            violated=("xfd_validate_state: softirq0, in B, saves under its XFD",),
            states=3_937,
            steps=56,
        ),
        case(
            mutant="realloc_unrestored",
            expect="violated",
            violated=("B is not killed",),
            states=9_842,
            steps=86,
        ),
        case(
            mutant="owner_read_once",
            expect="violated",
            violated=("I3: A's registers are loaded", "I9: A finds nobody else's value in registers"),
            states=9_253,
            steps=85,
        ),
        case(
            cpus=2,
            mutant="owner_kept",
            expect="violated",
            violated=("I6: registers valid for A are its (CPU 1)",),
            states=41_868,
            steps=63,
        ),
        case(
            cpus=2,
            mutant="switch_unsaved",
            expect="violated",
            violated=("I6: registers valid for A are its (CPU 0)",),
            states=3_073,
            steps=24,
        ),
        case(
            cpus=2,
            mutant="need_load_unset",
            expect="violated",
            violated=("I3: A's registers are loaded (CPU 1)",),
            states=5_721,
            steps=31,
        ),
        case(
            cpus=2,
            mutant="last_cpu_not_set",
            expect="violated",
            violated=("I3: B's registers are loaded (CPU 0)",),
            states=3_345,
            steps=25,
        ),
        case(
            cpus=2,
            mutant="xfd_not_updated",
            expect="violated",
            violated=("xfd_validate_state: A restores under its XFD (CPU 0)",),
            states=65_350,
            steps=75,
        ),
        case(
            cpus=2,
            mutant="preempted_in_lock",
            expect="violated",
            violated=("B: Bug",),
            states=18_549,
            steps=47,
        ),
        case(
            cpus=2,
            mutant="flags_read_once",
            expect="violated",
            violated=("A finds its values",),
            states=11_536,
            steps=40,
        ),
    ]
)
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
    preempted with its state in CPU 0's registers; without a `timer` it is B, which moves before it has run. What the manual
    leaves open (`tracking=architectural`) multiplies all this, so on two CPUs it is proved without ticks and softirqs.
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
    for task in (a, b):
        expects(machine, task)
    guards(machine, (a, b), timer=timer, softirq=softirq, cpu=cpus - 1)
    if amx:
        machine.sometimes("B's #NM gets it a larger fpstate", reallocated, Task(b).fpstate)
    machine.invariants()
    return machine
