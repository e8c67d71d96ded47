"""Windows that preempt_disable() or local_bh_disable() closes are never reported; the same ones, left open, are.

Two kinds. In one, code relies on what it has read: that its registers are loaded. In the other, code leaves the registers, or
what is noted of them, inconsistent for a few steps, as the kernel's own routines do. Everything that could look is let loose.
"""

import pytest

from actors.explore.verification import Demand, verify
from actors.runtime import scenario, set_label
from actors.system import Machine
from actors.system.fpu.registers import fpregs_activate, fpregs_deactivate
from actors.system.fpu.xfd import xfd_set_state
from actors.system.invariants import not_false, unset
from actors.system.kernel.flags import Flags
from actors.system.sched import local_bh_disable, local_bh_enable, preempt_disable, preempt_enable
from actors.system.tasks import vector_task
from actors.system.xstate.kernel_fpu import use_fpu

A, B = 0xAAAA_AAAA_AAAA_AAAA, 0xBBBB_BBBB_BBBB_BBBB


async def nothing(cpu):
    """No section at all."""


SECTIONS = {
    "none": (nothing, nothing),
    "preempt": (preempt_disable, preempt_enable),
    "bh": (local_bh_disable, local_bh_enable),
}


async def reads_a_register(cpu, section):
    """Like an emulator of SSE instructions: if the registers are loaded, use one."""
    begin, end = SECTIONS[section]
    await cpu.movq(0, A)
    await cpu.syscall()
    await begin(cpu)
    if not await cpu.read_flags(cpu.me) & Flags.TIF_NEED_FPU_LOAD:
        set_label("loaded", True)
        set_label("right", await cpu.movq_from(0) == A)
    await end(cpu)


async def disowns(cpu, section):
    """Say for a moment that the registers are nobody's."""
    begin, end = SECTIONS[section]
    await cpu.syscall()
    await begin(cpu)
    if not await cpu.read_flags(cpu.me) & Flags.TIF_NEED_FPU_LOAD:
        await fpregs_deactivate(cpu)
        await fpregs_activate(cpu, cpu.me)
        set_label("loaded", True)
    await end(cpu)


async def switches_xfd(cpu, section):
    """Have another XFD for a moment."""
    begin, end = SECTIONS[section]
    await cpu.syscall()
    await begin(cpu)
    if not await cpu.read_flags(cpu.me) & Flags.TIF_NEED_FPU_LOAD:
        await xfd_set_state(cpu, 0)
        await xfd_set_state(cpu, cpu.kernel.dynamic)
        set_label("loaded", True)
    await end(cpu)


CODE = {one.__name__: one for one in (reads_a_register, disowns, switches_xfd)}


@scenario()
def window(
    code: str = "reads_a_register", section: str = "none", timer: int = 1, softirq: int = 0
) -> Machine:
    """Is the window closed?"""
    machine = Machine(softirq=use_fpu if softirq else None)
    a = machine.host_task(CODE[code], section, name="A")
    b = machine.host_task(vector_task, B, name="B")
    machine.secret(a, A)
    machine.secret(b, B)
    machine.interrupts(external=timer, softirq=softirq)
    machine.always("A reads its own register", not_false, a.label("right"))
    machine.always("B finds its value", not_false, b.label("found"))
    machine.always("nobody is killed", unset, a.label("signal"))
    machine.sometimes("A is in the window with its registers loaded", lambda label: label, a.label("loaded"))
    machine.invariants()
    return machine


def found(**given):
    report = verify(window, given, Demand())
    assert report.limit is None
    return report.verdict, report.recorded.names if report.recorded else ()


@pytest.mark.parametrize(
    ("section", "timer", "softirq", "closed"),
    [
        ("none", 1, 0, False),
        ("none", 0, 1, False),
        ("preempt", 1, 0, True),
        ("preempt", 0, 1, False),
        ("bh", 1, 0, True),
        ("bh", 0, 1, True),
        ("bh", 1, 1, True),
    ],
)
def test_who_relies_on_loaded_registers_has_to_keep_those_off_who_take_them(section, timer, softirq, closed):
    verdict, names = found(section=section, timer=timer, softirq=softirq)
    assert verdict == ("proved" if closed else "violated")
    assert names == (() if closed else ("A reads its own register",)), "and no invariant is broken by it"


@pytest.mark.parametrize(
    ("code", "broken"),
    [
        ("disowns", ("I3: A's registers are loaded",)),
        ("switches_xfd", ("I2: xfd_state is XFD", "I3: A's registers are loaded")),
    ],
)
def test_what_is_inconsistent_under_local_bh_disable_is_not_reported(code, broken):
    assert found(code=code, section="bh", timer=1, softirq=1) == ("proved", ())
    verdict, names = found(code=code, section="none", timer=1, softirq=1)
    assert verdict == "violated"
    assert names == broken


@pytest.mark.parametrize("code", ["disowns", "switches_xfd"])
def test_a_handler_that_may_use_the_fpu_looks_into_a_section_with_preemption_off_alone(code):
    assert found(code=code, section="preempt", timer=0) == ("proved", ()), "nobody is there to look"
    assert found(code=code, section="preempt", timer=1)[0] == "violated"
