import pytest

from actors.machine.state import Frame, Kind, Placement, cpu_cell
from actors.runtime import RunQueue
from actors.runtime.devices.run_queue import Move
from actors.runtime.errors import ModelError
from actors.system.entry.common import syscall_exit_to_user_mode
from actors.system.entry.interrupts import LoadBalancer
from actors.system.kernel.flags import Flags
from actors.system.kvm import FULL
from actors.system.machine import Machine
from actors.system.sched import preempt_disable, preempt_enable
from actors.system.tasks import busy_task
from protocol.handles import Cell, Program

HANDLED = [
    "external interrupt 0xec",
    "this_cpu add preempt_count 65536",
    "this_cpu load current_task",
    "set TIF_NEED_RESCHED of task",
    "this_cpu add preempt_count -65536",
]
"""What a tick does, up to its return."""

SCHEDULES = "this_cpu add preempt_count 1"


def with_interrupts(count, code=busy_task):
    world = Machine()
    world.host_task(code, name="task")
    world.interrupts(external=count)
    return world


@pytest.mark.trio
@pytest.mark.parametrize("budget", [0, 1, 3])
async def test_a_source_sends_as_many_interrupts_as_its_budget_and_no_more(tell, when, budget):
    story = await tell(with_interrupts(budget), when("irq0", lambda execution: execution.steps >= 0))
    assert story.of("irq0").count("external interrupt 0xec") == budget


@pytest.mark.trio
async def test_a_world_ends_though_interrupts_are_left(tell):
    story = await tell(with_interrupts(5))
    assert story.execution.ending == "finished"
    assert story.of("irq0") == []


@pytest.mark.trio
async def test_in_user_mode_the_handler_asks_for_a_reschedule_without_looking_at_preempt_count(
    tell, before_message
):
    story = await tell(with_interrupts(1), before_message("irq0", "task", "nop"))
    assert story.of("irq0") == [*HANDLED, "iret by way of exit_to_user_mode"]
    assert story.of("task")[3:7] == ["nop", "read the flags of task", "sti", SCHEDULES], "work first"


async def in_the_kernel(cpu, closed):
    await cpu.syscall()
    if closed:
        await preempt_disable(cpu)
    await cpu.nop()
    if closed:
        await preempt_enable(cpu)
    await syscall_exit_to_user_mode(cpu)


async def open_kernel(cpu):
    await in_the_kernel(cpu, closed=False)


async def closed_kernel(cpu):
    await in_the_kernel(cpu, closed=True)


@pytest.mark.trio
@pytest.mark.parametrize(
    ("code", "leaves"),
    [
        (open_kernel, ["this_cpu load current_task", "read the flags of task", "iret, leaving resched"]),
        (closed_kernel, ["iret"]),
    ],
)
async def test_in_the_kernel_the_handler_leaves_work_only_if_preempt_count_is_zero(
    tell, before_message, code, leaves
):
    story = await tell(with_interrupts(1, code), before_message("irq0", "task", "nop"))
    assert story.of("irq0") == [*HANDLED, *leaves]


async def resets_resched(cpu):
    await cpu.syscall()
    await cpu.clear_flag(cpu.me, Flags.TIF_NEED_RESCHED)
    await cpu.nop()
    await syscall_exit_to_user_mode(cpu)


@pytest.mark.trio
async def test_a_device_that_asks_for_nothing_leaves_nothing_to_be_done_in_the_kernel(tell, before_message):
    world = Machine(softirq=busy_task)
    world.host_task(resets_resched, name="task")
    world.interrupts(softirq=1)
    story = await tell(world, before_message("softirq0", "task", "nop"))
    assert story.of("softirq0")[-3:] == ["this_cpu load current_task", "read the flags of task", "iret"]


@pytest.mark.trio
async def test_in_a_guest_an_interrupt_is_taken_by_the_host_when_it_has_left(tell, when):
    world = Machine()
    guest = world.guest(idles, name="guest")
    world.vcpu_thread(guest, FULL, name="vcpu")
    world.interrupts(external=1)
    story = await tell(world, when("irq0", lambda execution: execution.cells[cpu_cell(0)].in_guest))
    order = [(name, text) for name, _, _, text in story.steps]
    arrivals = [at for at, one in enumerate(order) if one == ("irq0", "external interrupt 0xec")]
    assert len(arrivals) == 2, "it leaves the guest, and is delivered with IF=1"
    assert ("vcpu", "sti") in order[arrivals[0] : arrivals[1]]
    assert "set TIF_NEED_RESCHED of vcpu" in story.of("irq0")


async def idles(cpu):
    await cpu.nop()
    await cpu.hlt()


def test_a_softirq_that_the_kernel_has_not_is_refused():
    with pytest.raises(ModelError, match=r"this machine's kernel has no softirq; say what it does"):
        Machine().interrupts(softirq=1)


def test_each_class_of_event_has_a_source_a_name_and_a_budget_of_its_own():
    world = Machine(cpus=2, softirq=busy_task)
    world.interrupts(0, external=2, softirq=1)
    world.interrupts(1, softirq=3)
    assert world.sources == {
        "irq0": "external interrupt",
        "softirq0": "softirq",
        "softirq1": "softirq",
    }
    assert world.budgets == {"external interrupt": 2, "softirq": 4}


# The load balancer.

HERE, THERE = RunQueue("here"), Cell("there")
A, B, STRANGER = Program("a"), Program("b"), Program("stranger")
OFF = Placement(None, Frame(A, Kind.TASK))


def moves(waiting, placements):
    balancer = LoadBalancer("load balancer", HERE)
    message = Move(THERE, (A, B))
    values = {HERE.cell: waiting, THERE: (STRANGER,)} | {p.placement: at for p, at in placements.items()}
    footprint = balancer.footprint(Program("migration"), message, values.__getitem__)
    assert set(values) == set(footprint.reads)
    return balancer.handle(Program("migration"), message, values)


def test_the_balancer_offers_each_waiting_task_that_is_off_cpu_and_may_move():
    outcomes = moves((A, STRANGER, B), {A: OFF, B: OFF})
    assert [outcome.label for outcome in outcomes] == ["a", "b"]
    assert dict(outcomes[0].writes) == {HERE.cell: (STRANGER, B), THERE: (STRANGER, A)}


@pytest.mark.parametrize(
    ("waiting", "placements"),
    [
        pytest.param((A,), {A: Placement(0), B: OFF}, id="it is still on its CPU"),
        pytest.param((STRANGER,), {A: OFF, B: OFF}, id="it does not wait here"),
        pytest.param((), {A: OFF, B: OFF}, id="nobody waits"),
    ],
)
def test_the_balancer_waits(waiting, placements):
    assert moves(waiting, placements) == ()


def test_the_balancer_reads_as_the_queue_does():
    assert LoadBalancer("load balancer", HERE).describe(Move(THERE, ())) == "move from here to there"


@pytest.mark.trio
async def test_migrations_end_with_their_budget(sample):
    world = Machine(cpus=2)
    world.host_task(busy_task, name="first")
    moved = world.host_task(busy_task, name="moved")
    world.migrations(moved, to=1, count=2)
    moves = [story.of("migration") for story in await sample(world, 60)]
    assert {len(one) for one in moves} <= {0, 1}, "there is no way back, so one move is all"
    assert ["move from cpu0.runqueue to cpu1.runqueue"] in moves
