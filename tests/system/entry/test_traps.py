"""The host's exceptions: #NM resolved in the kernel's order, signals for users, and the kernel's own last words."""

import msgspec
import pytest

from actors.machine.model import HYPOTHETICAL, TILEDATA
from actors.machine.state import cpu_cell
from actors.machine.xstate.tiles import config
from actors.runtime import set_label
from actors.system.entry.traps import exception
from actors.system.kernel.warnings import CR0_TS_SET
from actors.system.machine import Machine
from actors.system.tasks import amx_task
from protocol.registers import Component, Msr, Vector
from protocol.replies import Fault
from tests.system.orders import Failing

TILE = b"\x55" * 1024
PERMITTED = ["cli", "task->siglock.acquire", "load task->fpu.perm", "task->siglock.release", "sti"]


def one_task(code, *args, perm=0, buffer=0, irq=0, **choices):
    world = Machine(**choices)
    world.host_task(code, *args, perm=perm, buffer=buffer, name="task")
    world.interrupts(external=irq)
    return world


@pytest.mark.trio
async def test_nm_reads_xfd_err_then_clears_it_before_interrupts_go_on_and_tries_again(tell):
    story = await tell(one_task(amx_task, TILE, perm=TILEDATA))
    texts = story.of("task")
    first = texts.index("ldtilecfg") + 1
    assert texts[first].startswith("tileloadd tmm0")
    assert texts[first + 1 : first + 24] == [
        "rdmsr XFD_ERR",
        "wrmsr XFD_ERR 0x0",
        "sti",
        *PERMITTED,
        "load task->fpu.fpstate",
        "vzalloc task->fpstate[0x40000]",
        "this_cpu add preempt_count 512",
        "read the flags of task",
        "load task->fpstate.xfd",
        "store task->fpstate[0x40000].xfd 0",
        "store task->fpu.fpstate task->fpstate[0x40000]",
        "load task->fpstate[0x40000].xfd",
        "this_cpu load xfd_state",
        "wrmsr XFD 0x0",
        "this_cpu store xfd_state 0",
        "this_cpu add preempt_count -512",
        "read the flags of task",
        "cli",
        "read the flags of task",
    ]
    assert texts[first + 24 : first + 26] == ["iret", texts[first]]
    assert story.labels("task") == {"nm": True, "loaded": True}


@pytest.mark.trio
async def test_no_interrupt_is_taken_between_the_fault_and_the_clearing_of_xfd_err(sample):
    taken = set()
    for story in await sample(one_task(amx_task, TILE, perm=TILEDATA, irq=2), 100):
        last = ""
        for name, _, _, text in story.steps:
            if name == "irq0" and text.startswith("external"):
                taken.add(last)
            if name == "task":
                last = text.split(" 0")[0]
    assert "rdmsr XFD_ERR" not in taken
    assert "wrmsr XFD_ERR" not in taken, (
        "STI's shadow not counted: the instruction behind it is still to come"
    )
    assert "ldtilecfg" in taken


@pytest.mark.trio
async def test_without_permission_amx_is_sigill_and_the_bit_is_cleared_all_the_same(tell):
    story = await tell(one_task(amx_task, TILE))
    texts = story.of("task")
    assert story.labels("task") == {"nm": True, "signal": "SIGILL"}
    assert texts.count("wrmsr XFD_ERR 0x0") == 1
    assert "wrmsr XFD 0x0" not in texts
    assert story.execution.ending == "finished", "the task ends, the kernel goes on"
    assert texts[-1] == "switch_to idle0"


@pytest.mark.trio
async def test_without_memory_it_is_sigsegv_and_the_bit_is_cleared_all_the_same(tell):
    world = one_task(amx_task, TILE, perm=TILEDATA, vmalloc_fails=True)
    story = await tell(world, Failing())
    assert story.labels("task") == {"nm": True, "signal": "SIGSEGV"}
    texts = story.of("task")
    assert texts.count("wrmsr XFD_ERR 0x0") == 1
    assert "wrmsr XFD 0x0" not in texts
    assert texts[texts.index("sti") + 1 :][:7] == [
        *PERMITTED,
        "vmalloc.choose (True, False)",
        "set PF_EXITING of task",
    ]
    assert story.execution.ending == "finished"
    given = await tell(one_task(amx_task, TILE, perm=TILEDATA, vmalloc_fails=True))
    assert given.labels("task")["loaded"] is True


@pytest.mark.trio
async def test_a_bit_that_the_task_did_not_cause_kills_it_where_permission_for_that_is_missing(tell):
    world = one_task(uses_the_second, perm=HYPOTHETICAL, cpu="mail_2021", xfd_err="accumulate")
    state = world.cells[cpu_cell(0)]
    world.cells[cpu_cell(0)] = msgspec.structs.replace(
        state, x=msgspec.structs.replace(state.x, xfd_err=TILEDATA)
    )
    story = await tell(world)
    assert story.labels("task")["signal"] == "SIGILL"


async def uses_the_second(cpu):
    await cpu.touch(Component.APX)


async def user(cpu, instruction):
    if instruction == "gp":
        await cpu.rdmsr(Msr.XFD)
    if instruction == "ud":
        await cpu.tilezero(0)
    if instruction == "bad config":
        await cpu.ldtilecfg(config(17))
    set_label("survived")


@pytest.mark.trio
@pytest.mark.parametrize(
    ("instruction", "signal"), [("gp", "SIGSEGV"), ("ud", "SIGILL"), ("bad config", "SIGSEGV")]
)
async def test_a_user_programs_fault_is_a_signal_that_ends_it(tell, instruction, signal):
    story = await tell(one_task(user, instruction))
    assert story.labels("task") == {"signal": signal}
    assert story.execution.ending == "finished"


@pytest.mark.trio
@pytest.mark.parametrize("instruction", ["gp", "ud", "bad config"])
async def test_the_signal_is_taken_with_interrupts_on_and_so_the_task_exits(tell, instruction):
    story = await tell(one_task(user, instruction))
    texts = story.of("task")
    exits = texts.index("set PF_EXITING of task")
    assert texts[exits - 1] == "sti"
    at = next(n for n, (name, *_, text) in enumerate(story.steps) if text == "set PF_EXITING of task")
    assert story.states[at][cpu_cell(0)].interrupt_flag


async def kernel(cpu, instruction):
    await cpu.syscall()
    if instruction == "nm":
        await cpu.ldtilecfg(config(16))
        await cpu.tilezero(0)
    await user(cpu, instruction if instruction != "gp" else "unknown msr")
    await cpu.rdmsr(0x10)


@pytest.mark.trio
@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        ("gp", "general protection fault"),
        ("ud", "invalid opcode"),
        ("nm", "unexpected #NM exception"),
    ],
)
async def test_the_kernel_dies_of_its_own_fault_in_its_own_words(tell, instruction, words):
    story = await tell(one_task(kernel, instruction, perm=TILEDATA))
    assert (story.failure.type, story.failure.text) == ("Die", words)
    assert story.execution.ending == "violated"


@pytest.mark.trio
async def test_a_kernel_that_dies_of_nm_has_read_and_cleared_xfd_err_and_does_nothing_more(tell):
    texts = (await tell(one_task(kernel, "nm", perm=TILEDATA))).of("task")
    assert texts[-3:] == ["rdmsr XFD_ERR", "wrmsr XFD_ERR 0x0", "read CR0"]


async def with_ts(cpu, ring):
    if ring == "kernel":
        await cpu.syscall()
    set_label("configuration", await cpu.sttilecfg())


@pytest.mark.trio
@pytest.mark.parametrize("ring", ["user", "kernel"])
async def test_nm_of_cr0_ts_is_warned_of_and_mended_and_the_instruction_tried_again(tell, ring):
    world = one_task(with_ts, ring)
    world.cells[cpu_cell(0)] = msgspec.structs.replace(world.cells[cpu_cell(0)], cr0_ts=True)
    story = await tell(world)
    labels = {"nm": True, "warning": CR0_TS_SET.words, "configuration": bytes(64)}
    assert story.labels("task") == labels | ({"#NM in the kernel": True} if ring == "kernel" else {})
    texts = story.of("task")
    first = texts.index("sttilecfg")
    way_back = ["read the flags of task"] if ring == "user" else []
    assert texts[first : first + 6 + len(way_back)] == [
        "sttilecfg",
        "rdmsr XFD_ERR",
        "read CR0",
        "clts",
        *way_back,
        "iret",
        "sttilecfg",
    ], "nothing is cleared that was not set, and no buffer is enlarged"


async def spurious(cpu):
    await cpu.syscall()
    await exception(cpu, Fault(Vector.NM))


@pytest.mark.trio
async def test_nm_without_a_bit_in_xfd_err_and_without_cr0_ts_clears_nothing_before_the_kernel_dies(tell):
    story = await tell(one_task(spurious))
    assert story.of("task")[-2:] == ["rdmsr XFD_ERR", "read CR0"]
    assert story.failure.text == "unexpected #NM exception"
