"""Mutants: one line of the kernel each, asked for by name."""

import pytest

from actors.runtime.errors import VmraceError
from actors.system.kernel.mutants import MUTANTS, check_mutant
from actors.system.machine import Machine
from actors.system.tasks import xmm_task
from actors.system.xstate.kernel_fpu import kernel_fpu_begin, use_fpu
from tests.system.calling import inside, one_task
from tests.system.sources import calls_of


def test_each_says_what_it_does_and_some_routine_asks_for_it():
    assert all(MUTANTS.values())
    assert calls_of("is_mutant") == set(MUTANTS)


@pytest.mark.parametrize("name", ["", *MUTANTS])
def test_a_kernel_is_one_mutant_or_none(name):
    kernel = Machine(mutant=name).kernel
    assert check_mutant(name) == name
    assert [one for one in MUTANTS if kernel.is_mutant(one)] == [one for one in MUTANTS if one == name]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("owner_keep", "no mutant is called 'owner_keep'; did you mean owner_kept"),
        ("zzz", "no mutant is called 'zzz'; there are owner_kept, "),
    ],
)
def test_another_name_is_refused_with_the_nearest(name, says):
    with pytest.raises(VmraceError, match=says):
        Machine(mutant=name)


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
    assert texts[start : texts.index("this_cpu store in_kernel_fpu False")] == end


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
