"""Functions called on other CPUs: by an IPI, in a hard interrupt there, with a caller who may wait."""

import pytest

from actors.explore.verification import Demand, verify
from actors.machine.state import Kind, cpu_cell
from actors.runtime import routine, scenario, set_label
from actors.runtime.errors import ModelError
from actors.system.kernel.errno import Errno
from actors.system.machine import Machine
from actors.system.sched.smp import (
    call_single_queue,
    cpu_online,
    csd_flags,
    smp_call_function,
    smp_call_function_many,
    smp_call_function_single,
    smp_send_reschedule,
)
from actors.system.tasks import busy_task


@routine
async def writes(cpu, where, value):
    await cpu.write(where, value)


async def calls(cpu, target, where, wait=True):
    await cpu.syscall()
    set_label("error", await smp_call_function_single(cpu, target, writes, where, 7, wait=wait))
    set_label("seen", await cpu.read(where))
    await cpu.iret()


def two_cpus(code, *args, ipi=2):
    world = Machine(cpus=2)
    where = world.variable("where", 0)
    world.host_task(code, *args, where, name="caller")
    world.interrupts(1, ipi=ipi)
    return world, where


@pytest.mark.trio
async def test_the_function_runs_in_a_hard_interrupt_on_the_target_before_the_caller_goes_on(sample):
    world, _ = two_cpus(calls, 1)
    for story in await sample(world, 40):
        assert story.execution.ending == "finished", story.execution.violation
        assert (story.labels("caller").get("error"), story.labels("caller")["seen"]) == (None, 7)
        stored = next(n for n, step in enumerate(story.steps) if step[0] == "ipi1" and "where" in step[3])
        assert story.states[stored][cpu_cell(1)].top.kind is Kind.HARDIRQ
        assert story.execution.cells[call_single_queue(1).cell] == ()
        assert story.execution.cells[csd_flags(0, 1).cell] is False


async def does_not_wait(cpu, target, where):
    await calls(cpu, target, where, False)


@pytest.mark.trio
async def test_a_caller_that_does_not_wait_goes_on_at_once(sample):
    world, _ = two_cpus(does_not_wait, 1)
    seen = {story.labels("caller")["seen"] for story in await sample(world, 60)}
    assert seen == {0, 7}


@pytest.mark.trio
async def test_on_its_own_cpu_the_function_is_called_with_interrupts_off(tell):
    world, _ = two_cpus(calls, 0)
    story = await tell(world)
    texts = story.of("caller")
    assert (story.labels("caller").get("error"), story.labels("caller")["seen"]) == (None, 7)
    assert texts.index("cli", 3) < texts.index("store where 7") < texts.index("sti")
    assert story.of("ipi1") == []


@pytest.mark.trio
async def test_a_cpu_that_is_offline_is_not_called(tell):
    world, _ = two_cpus(calls, 1)
    world.cells[cpu_online(1).cell] = False
    story = await tell(world)
    assert story.labels("caller") == {"error": Errno.ENXIO, "seen": 0}
    assert story.of("ipi1") == []


@routine
async def adds(cpu, where):
    await cpu.write(where, await cpu.read(where) + 1)


async def calls_all(cpu, where):
    await cpu.syscall()
    await smp_call_function(cpu, adds, where)
    set_label("seen", await cpu.read(where))
    await cpu.iret()


@pytest.mark.trio
async def test_all_others_are_called_and_waited_for(sample):
    world = Machine(cpus=3)
    where = world.variable("where", 0)
    world.host_task(calls_all, where, name="caller")
    for number in range(3):
        world.interrupts(number, ipi=1)
    seen = {story.labels("caller")["seen"] for story in await sample(world, 60)}
    assert seen == {1, 2}, "the two run at once, and an addition can be lost"


# All orders.


async def asks(cpu, target, where):
    await cpu.syscall()
    await smp_call_function_single(cpu, target, writes, where, target)
    set_label("answered", await cpu.read(where) == target)
    await cpu.iret()


@scenario()
def two_that_call_each_other() -> Machine:
    """Can two CPUs that call each other wait for ever?

    Each spins with interrupts on, so each serves the other.
    """
    world = Machine(cpus=2)
    for number in range(2):
        where = world.variable(f"where{number}", None)
        task = world.host_task(asks, 1 - number, where, cpu=number, name=f"caller{number}")
        world.interrupts(number, ipi=1)
        world.always(f"caller{number} is answered", lambda label: label is not False, task.label("answered"))
        world.sometimes(f"caller{number} has its answer", bool, task.label("answered"))
    return world


def test_two_that_call_each_other_are_both_answered():
    assert verify(two_that_call_each_other, {}, Demand()).verdict == "proved"


@routine
async def notes(cpu, where, value):
    await cpu.write(where, (*await cpu.read(where), value))


async def asks_twice(cpu, target, where, second_waits):
    await cpu.syscall()
    await smp_call_function_single(cpu, target, notes, where, 1, wait=False)
    await smp_call_function_single(cpu, target, notes, where, 2, wait=second_waits)
    await cpu.iret()


@scenario()
def two_calls(second_waits: bool = False) -> Machine:
    """Does a second call overtake the first?

    There is one csd for a pair of CPUs, and it is locked until the first function is about to run.
    """
    world = Machine(cpus=2)
    where = world.variable("where", ())
    world.host_task(asks_twice, 1, where, second_waits, name="caller")
    world.interrupts(1, ipi=2)
    world.always("they are made in order", lambda made: made == (1, 2)[: len(made)], where)
    world.sometimes("both are made", lambda made: len(made) == 2, where)
    return world


@pytest.mark.parametrize("second_waits", [False, True])
def test_calls_of_one_cpu_are_made_in_their_order(second_waits):
    assert verify(two_calls, {"second_waits": second_waits}, Demand()).verdict == "proved"


# Wrong use.


async def calls_with_interrupts_off(cpu, target, where):
    await cpu.syscall()
    await cpu.cli()
    await smp_call_function_single(cpu, target, writes, where, 7)


@pytest.mark.trio
@pytest.mark.parametrize("target", [0, 1])
async def test_a_call_with_interrupts_off_could_wait_for_ever_and_is_found(tell, target):
    world, _ = two_cpus(calls_with_interrupts_off, target)
    failure = (await tell(world)).failure
    assert (failure.type, failure.text) == (
        "Bug",
        "WARNING: smp_call_function_single() can deadlock when called with interrupts disabled",
    )


@routine
async def calls_back(cpu, where):
    await smp_call_function_many(cpu, (0,), writes, where, 1)


async def calls_one_that_calls_back(cpu, where):
    await cpu.syscall()
    await smp_call_function_single(cpu, 1, calls_back, where)


@pytest.mark.trio
async def test_a_handler_must_not_call_others(tell):
    world, _ = two_cpus(calls_one_that_calls_back)
    failure = (await tell(world)).failure
    assert (failure.type, failure.text) == (
        "Bug",
        "WARNING: smp_call_function_many_cond() in an interrupt's handler",
    )


async def kicks(cpu, target, where):
    await cpu.syscall()
    await smp_send_reschedule(cpu, target)
    await cpu.iret()


@pytest.mark.trio
async def test_a_cpu_is_kicked_by_an_ipi_that_calls_nothing(tell, when):
    world, _ = two_cpus(kicks, 1)
    story = await tell(world, when("ipi1", lambda _: True))
    assert story.of("ipi1")[0] == "IPI 0xfb"
    assert story.execution.ending == "finished"


@pytest.mark.trio
async def test_an_ipi_to_a_cpu_that_is_offline_is_found(tell):
    world, _ = two_cpus(kicks, 1)
    world.cells[cpu_online(1).cell] = False
    failure = (await tell(world)).failure
    assert (failure.type, failure.text) == ("Bug", "sched: Unexpected reschedule of offline CPU#1!")


def test_with_one_cpu_there_is_nobody_to_call():
    world = Machine()
    world.host_task(busy_task)
    with pytest.raises(ModelError, match="IPIs go from one CPU to another, and this machine has 1"):
        world.interrupts(ipi=1)


def test_a_cpu_that_can_go_offline_has_to_be_asked_for_its_ipis_first():
    world = Machine(cpus=2)
    world.host_task(busy_task)
    world.hotplug(1)
    with pytest.raises(ModelError, match=r"say interrupts\(1, ipi=\.\.\.\) before hotplug\(1\)"):
        world.interrupts(1, ipi=1)


# A target that goes offline.


@scenario()
def a_call_while_a_cpu_goes(wait: bool = True) -> Machine:
    """Can a caller wait for a CPU that has gone offline?

    It looks whether the CPU is online with preemption off, and keeps it off until the call has been made.
    """
    world = Machine(cpus=2)
    where = world.variable("where", 0)
    task = world.host_task(calls if wait else does_not_wait, 1, where, name="caller")
    world.interrupts(1, ipi=1)
    world.hotplug(1)
    error, seen = task.label("error"), task.label("seen")
    world.always("a call that was made is seen", made_and_seen if wait else anything, error, seen)
    world.sometimes("the CPU is offline", lambda error: error is Errno.ENXIO, error)
    world.sometimes("the call is made", lambda seen: seen == 7, seen)
    return world


def made_and_seen(error, seen):
    return seen is None or (seen == 7) == (error is None)


def anything(error, seen):
    del error, seen
    return True


@pytest.mark.parametrize("wait", [True, False])
def test_a_call_is_made_or_refused_while_its_target_goes_and_comes(wait):
    found = verify(a_call_while_a_cpu_goes, {"wait": wait}, Demand())
    assert (found.verdict, found.states < 20_000) == ("proved", True)
