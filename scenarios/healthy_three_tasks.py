"""Three user tasks on one CPU: registers that pass from each to each."""

from actors.machine.model import TILEDATA, CpuName, Tracking, XfdErr, XfdSetting
from actors.runtime import case, scenario
from actors.system import Machine
from actors.system.invariants.happened import reallocated
from actors.system.kernel.data import Task
from actors.system.tasks import tile_task, vector_task
from actors.system.xstate.kernel_fpu import use_fpu
from scenarios.healthy_two_tasks import TILE, A, B, expects, guards

C = 0xCCCC_CCCC_CCCC_CCCC


@scenario(cases=[
case(expect="proved"),
case(expect="violated", mutant="owner_kept"),
])
def healthy_three_tasks(
    amx: bool = True,
    timer: int = 1,
    softirq: int = 0,
    mutant: str = "",
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "recorded",
) -> Machine:
    """Do three tasks keep their registers?

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
