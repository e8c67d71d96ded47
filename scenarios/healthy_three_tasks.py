"""Three user tasks on one CPU: registers that pass from each to each."""

from actors.machine.model import TILEDATA, CpuName, Tracking, XfdErr, XfdSetting
from actors.runtime import case, scenario
from actors.system import Machine
from actors.system.invariants.happened import reallocated
from actors.system.kernel.data import Task
from actors.system.kernel.mutants import Mutant
from actors.system.tasks import tile_task, vector_task
from actors.system.xstate.kernel_fpu import use_fpu
from scenarios.healthy_two_tasks import TILE, A, B, expects, guards

C = 0xCCCC_CCCC_CCCC_CCCC


@scenario(
    cases=[
        case(expect="proved", states=37_261),
        case(timer=1, tracking="architectural", expect="proved", states=7_428),
        case(amx=False, expect="proved", states=15_721),
        case(amx=False, timer=1, softirq=1, expect="proved", states=22_551),
        case(amx=False, timer=1, tracking="architectural", expect="proved", states=4_718),
        case(
            mutant="switch_unsaved",
            expect="violated",
            violated=("I6: registers valid for A are its",),
            states=178,
            steps=22,
        ),
        case(
            mutant="need_load_unset",
            expect="violated",
            violated=("I3: A's registers are loaded",),
            states=1_004,
            steps=43,
        ),
        case(
            mutant="owner_not_set",
            expect="violated",
            violated=("I3: B's registers are loaded",),
            states=220,
            steps=25,
        ),
        case(
            mutant="last_cpu_alone",
            expect="violated",
            violated=("I3: A's registers are loaded", "I9: A finds nobody else's value in registers"),
            states=1_799,
            steps=49,
        ),
        case(
            mutant="own_features_only",
            expect="violated",
            violated=("I9: C finds nobody else's value in registers",),
            states=9_962,
            steps=75,
        ),
        case(
            mutant="flags_read_once",
            expect="violated",
            violated=("I9: A finds nobody else's value in registers",),
            states=1_979,
            steps=50,
        ),
        case(
            mutant="published_unlocked",
            expect="violated",
            violated=("I3: B's registers are loaded",),
            states=490,
            steps=36,
        ),
    ]
)
def healthy_three_tasks(
    amx: bool = True,
    timer: int = 2,
    softirq: int = 0,
    mutant: Mutant = "none",
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "recorded",
) -> Machine:
    """Do three tasks on one CPU keep their registers, whichever of them comes next?

    As `healthy_two_tasks`, with a third task: the registers that one finds need not be those of the task that it was preempted
    for. So B's tiles may be in them when C returns to user mode, which has no room for any and has XFD set: XRSTORS covers all
    features nevertheless, and C's restore puts them to their initial state.

    What is covered: A runs on CPU 0, B and C wait; who is next is the run queue's choice. At most `timer` ticks ask for a
    reschedule, and at most `softirq` interrupts raise a softirq that uses the FPU, anywhere that IF allows. With softirqs, and
    with what the manual leaves open (`tracking=architectural`), one tick.
    """
    machine = Machine(1, cpu, xfd_err, xfd_set, tracking, softirq=use_fpu if softirq else None, mutant=mutant)
    a = machine.host_task(vector_task, A, name="A")
    if amx:
        b = machine.host_task(tile_task, B, TILE, perm=TILEDATA, name="B")
        machine.secret(b, TILE)
        machine.sometimes("B's #NM gets it a larger fpstate", reallocated, Task(b).fpstate)
    else:
        b = machine.host_task(vector_task, B, name="B")
    c = machine.host_task(vector_task, C, name="C")
    for task, value in ((a, A), (b, B), (c, C)):
        machine.secret(task, value)
        expects(machine, task)
    machine.interrupts(external=timer, softirq=softirq)
    guards(machine, (a, b, c), timer=timer, softirq=softirq)
    machine.invariants()
    return machine
