"""The table of mutants: each is at a line of the kernel, and is caught by a healthy world or changes nothing."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import actors.system
from actors.explore.sampling import Wanted, explore
from actors.explore.tables.coverage import VARIANT
from actors.explore.verification import Demand, verify
from actors.machine.model import TILEDATA
from actors.machine.state import Kind, cpu_cell
from actors.machine.xstate.tiles import config
from actors.runtime import scenario, set_label
from actors.runtime.devices.run_queue import Add
from actors.runtime.errors import VmraceError
from actors.system import Machine
from actors.system.entry.common import exit_to_user_mode_prepare
from actors.system.fpu.switch import switch_fpu_finish, switch_fpu_prepare
from actors.system.invariants import known, not_false, unset
from actors.system.kernel import mutants
from actors.system.kernel.mutants import EQUIVALENT, MUTANTS, Mutant, check_mutant
from actors.system.sched.count import preempt_disable, preempt_enable_no_resched
from actors.system.tasks import xmm_task
from actors.system.xstate.kernel_fpu import kernel_fpu_begin, use_fpu
from protocol.handles import Program
from scenarios.healthy_migration import healthy_migration
from scenarios.healthy_two_tasks import healthy_two_tasks
from tests.system.calling import inside, one_task

SOURCES = sorted(Path(actors.system.__path__[0]).rglob("*.py"))
CALLED = re.compile(r"\.(?:keeps|is_mutant)\(([^)]*)\)")
OF_IDLE = {"idle_owner_kept"}
"""Caught where a CPU idles with a task's tiles in its registers: in the healthy worlds no task sleeps."""
OF_A_TASK_THAT_COMES_BACK = {"owner_alone"}
"""Caught where a task comes back to a CPU that it has left, in `healthy_migration`."""


async def sleeper(cpu, tile):
    """Sleep in a system call, with tiles in use; wake on the same CPU, and find them."""
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, tile)
    await cpu.syscall()
    await preempt_disable(cpu)
    await cpu.cli()
    await switch_fpu_prepare(cpu)
    await cpu.through(cpu.kernel.runqueue, Add(cpu.me.program))
    await cpu.switch_to(await cpu.this_cpu_read(cpu.kernel.idle))
    await switch_fpu_finish(cpu)
    await preempt_enable_no_resched(cpu)
    await exit_to_user_mode_prepare(cpu)
    await cpu.iret()
    set_label("found", await cpu.tilestored(0) == tile)


@scenario()
def asleep(mutant: Mutant = "none") -> Machine:
    """Does a task that sleeps keep its tiles?"""
    machine = Machine(mutant=mutant)
    task = machine.host_task(sleeper, b"\xb1" * 1024, perm=TILEDATA, name="A")
    machine.always("A finds its tile", not_false, task.label("found"))
    machine.always("A is not killed", unset, task.label("signal"))
    machine.sometimes("A wakes", known, task.label("found"))
    machine.invariants()
    return machine


UNSEEN = {"cleared_before_load": {"a task finds its registers valid, and loads nothing"}}
"""What cannot be seen of a mutant: the label of that stands until the flag is cleared, which is done already."""


def named() -> set[str]:
    """Return the mutants that the kernel's routines name."""
    calls = [call for path in SOURCES for call in CALLED.findall(path.read_text())]
    return {name for call in calls for name in re.findall(r'"(\w+)"', call)}


def test_the_table_has_the_mutants_that_lines_name_and_no_others():
    assert named() == set(MUTANTS)
    assert get_args(Mutant) == ("none", *MUTANTS)


def only_in_mutants(tree: ast.AST) -> Iterator[ast.Await]:
    """Yield the awaits that stand behind an `is_mutant(...)`: in the body of an `if`, or later in an `and`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and asks(node.test):
            inside = node.body
        elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And) and asks(node.values[0]):
            inside = node.values[1:]
        else:
            continue
        for part in inside:
            yield from (one for one in ast.walk(part) if isinstance(one, ast.Await))


def asks(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and test.func.attr == "is_mutant"
    )


def test_a_step_that_only_a_mutant_has_says_so_and_no_other():
    marked, found = set(), set()
    for path in SOURCES:
        lines = path.read_text().splitlines()
        marked |= {(path, at) for at, line in enumerate(lines, 1) if line.endswith(VARIANT)}
        found |= {(path, one.end_lineno) for one in only_in_mutants(ast.parse(path.read_text()))}
    assert marked == found
    assert len(found) >= 5


def test_what_is_equivalent_is_in_the_docstrings_table_with_its_reason():
    table = mutants.__doc__.split("=\n")[2]
    rows = {line.split()[0] for line in table.splitlines() if re.match(r"\w", line)}
    assert rows == EQUIVALENT


def test_an_unknown_mutant_is_refused_with_the_nearest():
    assert check_mutant("none") == check_mutant("") == ""
    assert check_mutant("owner_kept") == "owner_kept"
    with pytest.raises(VmraceError, match="no mutant is called 'owner_keeps'; did you mean owner_kept"):
        Machine(mutant="owner_keeps")
    with pytest.raises(VmraceError, match="there are owner_kept, need_load_after_save"):
        Machine(mutant="?")


def test_a_kernel_is_one_mutant_at_a_time_or_none():
    kernel = Machine(mutant="owner_kept").kernel
    assert kernel.is_mutant("owner_kept")
    assert not kernel.keeps("owner_kept")
    assert not kernel.keeps("switch_unsaved", "owner_kept")
    assert kernel.keeps("switch_unsaved")
    assert not any(map(Machine(mutant="none").kernel.is_mutant, MUTANTS))


@pytest.mark.full
@pytest.mark.parametrize("mutant", sorted(set(MUTANTS) - EQUIVALENT - OF_IDLE - OF_A_TASK_THAT_COMES_BACK))
def test_each_mutant_is_caught(mutant):
    assert verify(healthy_two_tasks, {"mutant": mutant}, Demand()).verdict == "violated"


@pytest.mark.full
@pytest.mark.parametrize("mutant", sorted(OF_A_TASK_THAT_COMES_BACK))
def test_a_mutant_is_caught_where_a_task_comes_back(mutant):
    assert verify(healthy_two_tasks, {"mutant": mutant, "cpus": 2}, Demand()).verdict == "proved"
    assert verify(healthy_migration, {"mutant": mutant}, Demand()).verdict == "violated"


def test_an_idle_cpu_gives_the_registers_up_with_the_tiles():
    assert verify(asleep, {}, Demand()).verdict == "proved"
    found = verify(asleep, {"mutant": "idle_owner_kept"}, Demand())
    assert found.recorded is not None
    assert found.recorded.names == ("A is not killed",), "without its configuration a tile is #UD"


def lands_between(cpu, saving):
    return saving is not None and cpu.top.kind is Kind.HARDIRQ and cpu.top.program == Program("fpuirq0")


@scenario()
def between(mutant: Mutant = "none") -> Machine:
    """Does it matter which is first, the flag or the save, if an interrupt that would use the FPU comes between them?"""
    machine = Machine(softirq=use_fpu, mutant=mutant)
    task = machine.host_task(xmm_task, 0xAA, name="A")
    machine.secret(task, 0xAA)
    machine.interrupts(softirq=1, fpu=1)
    machine.always("A finds its value", not_false, task.label("found"))
    machine.sometimes(
        "an interrupt lands before the save", lands_between, cpu_cell(0), Program("softirq0").label("xsaves")
    )
    machine.invariants()
    return machine


@pytest.mark.parametrize(
    ("mutant", "verdict"),
    [
        ("none", "proved"),
        ("need_load_after_save", "proved"),
        ("kernel_fpu_unsaved", "violated"),
        ("kernel_fpu_flag_kept", "violated"),
    ],
)
def test_nobody_sees_whether_the_flag_or_the_save_is_first(mutant, verdict):
    found = verify(between, {"mutant": mutant}, Demand())
    assert found.verdict == verdict
    assert verdict == "violated" or all(found.sometimes.values())


@pytest.mark.parametrize(
    "mutant", ["switch_unsaved", "owner_not_set", "last_cpu_alone", "published_unlocked"]
)
def test_a_mutant_that_is_no_case_is_caught(mutant):
    assert (
        explore(healthy_two_tasks, {"mutant": mutant}, Wanted(executions=400, seed=1)).verdict == "violated"
    )


@pytest.mark.full
@pytest.mark.parametrize("mutant", sorted(EQUIVALENT))
@pytest.mark.parametrize("given", [{}, {"amx": False, "timer": 2}, {"timer": 2, "softirq": 0}])
def test_an_equivalent_one_is_proved(mutant, given):
    found = verify(healthy_two_tasks, {"mutant": mutant, **given}, Demand())
    unmet = {name for name, met in found.sometimes.items() if not met}
    assert unmet == UNSEEN.get(mutant, set()) & found.sometimes.keys()
    assert found.verdict == ("vacuous" if unmet else "proved")


@pytest.mark.parametrize("mutant", sorted(EQUIVALENT))
def test_no_execution_tells_an_equivalent_one(mutant):
    assert (
        explore(healthy_two_tasks, {"mutant": mutant}, Wanted(executions=60, seed=1)).verdict == "not found"
    )


SAVED = [
    "set TIF_NEED_FPU_LOAD of task",
    "load task->fpu.fpstate",
    "xsaves SSE|TILECFG",
    "this_cpu store fpu_fpregs_owner_ctx None",
]


@pytest.mark.trio
@pytest.mark.parametrize(
    ("mutant", "end"),
    [
        ("", SAVED),
        ("owner_kept", SAVED[:-1]),
        ("need_load_after_save", [*SAVED[1:3], SAVED[0], SAVED[3]]),
        ("no_fpregs_lock", SAVED),
    ],
)
async def test_two_of_them_change_one_line_of_kernel_fpu_begin(tell, mutant, end):
    texts = inside(await tell(one_task(kernel_fpu_begin_and_end, mutant=mutant)))
    start = texts.index("this_cpu store in_kernel_fpu True") + 2
    assert texts[start : texts.index("this_cpu store in_kernel_fpu False")] == [*end, "ldmxcsr 0x1f80"]


async def kernel_fpu_begin_and_end(cpu):
    await kernel_fpu_begin(cpu)
    await cpu.this_cpu_write(cpu.kernel.in_kernel_fpu, False)
    await cpu.this_cpu_add(cpu.kernel.preempt_count, -1)


@pytest.mark.trio
@pytest.mark.parametrize(("mutant", "found"), [("", True), ("owner_kept", False)])
async def test_an_owner_that_is_kept_makes_the_task_go_on_with_the_kernels_registers(
    tell, before_message, mutant, found
):
    world = Machine(mutant=mutant, softirq=use_fpu)
    world.host_task(xmm_task, 0xAAAA, name="task")
    world.interrupts(softirq=1)
    story = await tell(world, before_message("softirq0", "task", "nop"))
    assert story.labels("task")["found"] is found
