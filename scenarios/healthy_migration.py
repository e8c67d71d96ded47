"""A task that leaves a CPU and comes back to it: what the two halves of fpregs_state_valid() are for."""

from actors.machine.model import CpuName, Tracking, XfdErr, XfdSetting
from actors.machine.state import Placement
from actors.runtime import routine, scenario, set_label
from actors.system import Machine
from actors.system.entry.common import syscall
from actors.system.invariants import is_set, runs_on_other
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.mutants import Mutant
from actors.system.sched import schedule
from protocol.handles import Program
from scenarios.healthy import A, B, C, caught, expects, proved


@routine
async def yields(cpu: HostCpu, *values: int) -> None:
    """Load an XMM register, let others run, and find it; with each of these values."""
    kept = True
    for value in values:
        await cpu.movq(0, value)
        await syscall(cpu, schedule)  # sched_yield(2)
        kept = kept and await cpu.movq_from(0) == value
    set_label("found", kept)


def owned_elsewhere(placement: Placement, owner: Program | None, mine: Program | None) -> bool:
    """A task runs on CPU 0, and is noted as the owner of both CPUs' registers."""
    return placement.cpu == 0 and owner is not None and owner == mine


@scenario(
    cases=[
        proved(states=21_985),
        proved(back=False, tracking="architectural", states=14_120),
        caught("owner_alone", "I3: A's registers are loaded (CPU 0)", states=10_316, steps=80),
        caught("last_cpu_alone", "I3: A's registers are loaded (CPU 0)", states=1_990, steps=42),
        caught("last_cpu_not_set", "I3: A's registers are loaded (CPU 1)", states=2_563, steps=46),
        caught("owner_not_set", "I3: A's registers are loaded (CPU 0)", states=2_717, steps=47),
        caught("need_load_unset", "I3: A's registers are loaded (CPU 0)", states=1_178, steps=35),
        caught("switch_unsaved", "I6: registers valid for A are its (CPU 0)", states=157, steps=16),
    ]
)
def healthy_migration(
    back: bool = True,
    mutant: Mutant = "none",
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "recorded",
) -> Machine:
    """Does a task that comes back to a CPU find what it left on the other one?

    A runs on CPU 0 with a kernel thread that leaves the registers alone, so that they keep A's state, and CPU 0's owner is A,
    whatever happens to A elsewhere. B runs on CPU 1. A lets others run twice, and may be moved to CPU 1 and back while it waits.
    On CPU 1 it loads another value. Back on CPU 0, the owner alone would say that the registers are A's: they are, as A left
    them. That they were loaded somewhere else since is what last_cpu says. If A was not moved, both say that they are valid, and
    nothing is loaded.

    B is the other way round: its last_cpu is CPU 1 all the time, and the owner says that A was there.

    What is covered: all orders of the two tasks, the kernel thread, and one move there and back. Without the way `back` A lets
    others run once, and may be moved once: that is little enough to be proved with what the manual leaves open
    (`tracking=architectural`). Not covered: interrupts, which `healthy_two_tasks` has.
    """
    machine = Machine(2, cpu, xfd_err, xfd_set, tracking, mutant=mutant)
    values = (A, C) if back else (A,)
    a = machine.host_task(yields, *values, name="A")
    machine.kernel_thread(schedule, name="kthread")
    b = machine.host_task(yields, B, cpu=1, name="B")
    machine.secret(a, *values)
    machine.secret(b, B)
    machine.migrations(a, to=1, back=back, count=1 + back)
    for task in (a, b):
        expects(machine, task)
    machine.sometimes("A runs on CPU 1", runs_on_other, a.placement)
    if back:
        owners = machine.kernel.owner.each
        machine.sometimes("A is back, and is the owner on both CPUs", owned_elsewhere, a.placement, *owners)
    machine.sometimes(
        "A finds its registers valid, and loads nothing", is_set, a.label("registers found valid")
    )
    machine.invariants()
    return machine
