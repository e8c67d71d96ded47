import pytest
from actors.system.interrupts import LoadBalancer

from actors.machine.state import Frame, Kind, Placement
from actors.runtime import RunQueue
from actors.runtime.devices.run_queue import Move
from actors.system.machine import Machine
from actors.system.sched import preempt_disable, preempt_enable
from actors.system.tasks import busy_task
from protocol.handles import Cell, Program


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
    assert story.of("irq0") == [
        "external interrupt 0xec",
        "this_cpu store need_resched True",
        "iret, leaving resched",
    ]


async def in_the_kernel(cpu, closed):
    await cpu.syscall()
    if closed:
        await preempt_disable(cpu)
    await cpu.nop()
    if closed:
        await preempt_enable(cpu)
    await cpu.iret()


async def open_kernel(cpu):
    await in_the_kernel(cpu, closed=False)


async def closed_kernel(cpu):
    await in_the_kernel(cpu, closed=True)


@pytest.mark.trio
@pytest.mark.parametrize(
    ("code", "leaves"), [(open_kernel, "iret, leaving resched"), (closed_kernel, "iret")]
)
async def test_in_the_kernel_the_handler_leaves_work_only_if_preempt_count_is_zero(
    tell, before_message, code, leaves
):
    story = await tell(with_interrupts(1, code), before_message("irq0", "task", "nop"))
    assert story.of("irq0") == [
        "external interrupt 0xec",
        "this_cpu store need_resched True",
        "this_cpu load preempt_count",
        leaves,
    ]


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
    counts = {len(story.of("migration")) for story in await sample(world, 40)}
    assert counts == {0, 1}, "there is no way back, so one move is all"
