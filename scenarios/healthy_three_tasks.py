"""Three user tasks on one CPU: registers that pass from each to each."""

from actors.machine.model import TILEDATA, CpuName, Tracking, XfdErr, XfdSetting
from actors.runtime import scenario
from actors.system import Machine
from actors.system.invariants.happened import reallocated
from actors.system.kernel.data import Task
from actors.system.kernel.mutants import Mutant
from actors.system.tasks import tile_task, vector_task
from actors.system.xstate.kernel_fpu import use_fpu
from scenarios.healthy import TILE, A, B, C, caught, expects, guards, proved

WITH_AMX = [
    proved(states=57_899),
    proved(timer=1, softirq=1, states=74_617),
    proved(timer=1, tracking="architectural", states=9_072),
    caught("switch_unsaved", "I6: registers valid for A are its", states=299, steps=23),
    caught("need_load_unset", "I3: A's registers are loaded", states=2_552, steps=48),
    caught(
        "owner_not_set",
        "I3: B's registers are loaded",
        states=395,
        steps=26,
    ),
    caught(
        "last_cpu_alone",
        "I3: A's registers are loaded",
        "I9: A finds nobody else's value in registers",
        states=4_077,
        steps=54,
    ),
    caught("own_features_only", "I9: C finds nobody else's value in registers", states=17_679, steps=82),
    caught("flags_read_once", "I6: registers valid for A are its", states=2_560, steps=48),
    caught("published_unlocked", "I3: B's registers are loaded", states=1_432, steps=41),
]

WITHOUT_AMX = [
    proved(amx=False, states=28_957),
    proved(amx=False, timer=1, softirq=1, states=37_782),
    proved(amx=False, timer=1, tracking="architectural", states=5_803),
    proved(amx=False, timer=1, softirq=1, tracking="architectural", states=159_603),
    caught("switch_unsaved", "I6: registers valid for A are its", amx=False, states=299, steps=23),
    caught("need_load_unset", "I3: A's registers are loaded", amx=False, states=2_813, steps=48),
    caught(
        "last_cpu_not_set",
        "I3: B's registers are loaded",
        amx=False,
        states=395,
        steps=26,
    ),
    caught(
        "last_cpu_alone",
        "I3: A's registers are loaded",
        "I9: A finds nobody else's value in registers",
        amx=False,
        states=4_481,
        steps=54,
    ),
    caught("flags_read_once", "I6: registers valid for A are its", amx=False, states=2_821, steps=48),
    caught(
        "owner_read_once",
        "I3: A's registers are loaded",
        "I9: A finds nobody else's value in registers",
        amx=False,
        states=4_625,
        steps=58,
    ),
    caught(
        "owner_kept", "I6: registers valid for A are its", amx=False, timer=1, softirq=1, states=492, steps=20
    ),
]


@scenario(cases=[*WITH_AMX, *WITHOUT_AMX])
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
    with what the manual leaves open (`tracking=architectural`), one tick; with tiles not both of these.
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
