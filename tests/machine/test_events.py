"""External interrupts, returns from them, and changes of context."""

import pytest

from actors.machine.handle import Cpu
from actors.machine.model import cpu_model
from actors.machine.processor import Processor
from actors.machine.state import CpuState, Frame, Kind, Placement, Ring, Saved, cpu_cell
from actors.machine.xstate.registers import XState
from actors.runtime import RETRY, World
from actors.runtime.errors import Divergence
from actors.runtime.schedule import FollowLog
from protocol import instructions as op
from protocol.handles import Program
from protocol.registers import ExitReason, Work
from protocol.replies import Done, Interrupted, Value, VmExit

ENTER = op.Vmenter("vcpu")
ARRIVES = op.ExternalInterrupt()


@pytest.mark.parametrize("ring", list(Ring))
def test_an_interrupt_pushes_what_it_found_and_tells_its_handler_the_privilege_level(bench, ring):
    cpu = bench(ring=ring)
    below = cpu.cpu.top
    assert cpu.do(ARRIVES, cpu.irq) == Value(ring.cpl)
    assert cpu.cpu.frames == (below, Frame(cpu.irq, Kind.HARDIRQ, Ring.KERNEL, (Saved(ring, True),)))
    assert not cpu.cpu.interrupt_flag


def test_no_interrupt_with_interrupts_off(bench):
    cpu = bench()
    cpu.do(op.Cli())
    assert not cpu.enabled(ARRIVES, cpu.irq)


def test_sti_opens_one_instruction_late(bench):
    cpu = bench()
    cpu.do(op.Cli())
    cpu.do(op.Sti())
    assert not cpu.enabled(ARRIVES, cpu.irq)
    cpu.do(op.Nop())
    assert cpu.enabled(ARRIVES, cpu.irq)


def test_the_interrupted_program_waits_for_iret_and_then_goes_on_as_it_was(bench):
    cpu = bench()
    before = cpu.cpu
    cpu.do(ARRIVES, cpu.irq)
    assert not cpu.enabled(op.Nop(), cpu.task)
    cpu.do(op.Iret(), cpu.irq)
    assert cpu.cpu == before
    assert cpu.enabled(op.Nop(), cpu.task)


@pytest.mark.parametrize("ring", list(Ring))
def test_work_is_done_first_in_the_program_that_was_interrupted_in_the_kernel_with_interrupts_off(
    bench, ring
):
    cpu = bench(ring=ring)
    before = cpu.cpu
    cpu.do(ARRIVES, cpu.irq)
    cpu.do(op.Iret(Work.RESCHED), cpu.irq)
    assert (cpu.cpu.top.ring, cpu.cpu.interrupt_flag) == (Ring.KERNEL, False)
    assert cpu.do(op.Store(cpu.word, 8)) == Interrupted(Work.RESCHED)
    assert cpu.cells[cpu.word] == 7, "its own instruction has not run"
    assert not cpu.enabled(ARRIVES, cpu.irq)
    assert cpu.do(op.Nop()) == Done(), "work is told once"
    cpu.do(op.Iret())
    assert cpu.cpu == before
    cpu.do(op.Store(cpu.word, 8))
    assert cpu.cells[cpu.word] == 8


def test_interrupts_nest_where_a_handler_lets_them(bench):
    cpu = bench()
    other = Program("irq2")
    cpu.cells[other.placement] = Placement(0)
    before = cpu.cpu
    cpu.do(ARRIVES, cpu.irq)
    assert not cpu.enabled(ARRIVES, other)
    cpu.do(op.Sti(), cpu.irq)
    cpu.do(op.Nop(), cpu.irq)
    assert cpu.do(ARRIVES, other) == Value(0)
    assert [frame.program.name for frame in cpu.cpu.frames] == ["task", "irq", "irq2"]
    assert not cpu.enabled(op.Iret(), cpu.irq)
    cpu.do(op.Iret(), other)
    assert cpu.cpu.interrupt_flag, "the first handler had them on"
    cpu.do(op.Iret(), cpu.irq)
    assert cpu.cpu == before


def test_an_exception_in_a_handler_returns_to_the_handler(bench):
    cpu = bench()
    cpu.do(ARRIVES, cpu.irq)
    cpu.do(op.Rdmsr(0x10), cpu.irq)
    cpu.do(op.Iret(), cpu.irq)
    assert cpu.cpu.top.program == cpu.irq
    cpu.do(op.Iret(), cpu.irq)
    assert cpu.cpu.top.program == cpu.task


def test_iret_takes_back_one_level_at_a_time(bench):
    cpu = bench(ring=Ring.USER)
    cpu.do(op.Syscall())
    cpu.do(op.Cli())
    cpu.do(op.Rdmsr(0x10))
    cpu.do(op.Iret())
    assert (cpu.cpu.top.ring, cpu.cpu.interrupt_flag) == (Ring.KERNEL, False)
    cpu.do(op.Iret())
    assert (cpu.cpu.top.ring, cpu.cpu.interrupt_flag) == (Ring.USER, True)


def test_a_return_from_nothing_is_an_error_of_the_program(bench):
    cpu = bench()
    cpu.do(op.Iret())
    with pytest.raises(RuntimeError, match="task returns from an interrupt, but is in none"):
        bench().set(frames=(Frame(cpu.task, Kind.TASK),)).do(op.Iret())


# In guest mode.


@pytest.mark.parametrize("guest_if", [False, True])
def test_in_a_guest_an_interrupt_is_a_vm_exit_whatever_its_if_and_stays_pending(bench, guest_if):
    cpu = bench()
    cpu.do(ENTER)
    cpu.set(interrupt_flag=guest_if)
    assert cpu.do(ARRIVES, cpu.irq) is RETRY
    assert not cpu.cpu.in_guest
    assert cpu.cpu.pending == (cpu.irq,)
    assert cpu.vmcs.exit == VmExit(ExitReason.EXTERNAL_INTERRUPT)


def test_what_is_pending_is_taken_when_the_host_opens_interrupts_before_anything_else(bench):
    cpu = bench()
    cpu.do(ENTER)
    cpu.do(ARRIVES, cpu.irq)
    assert cpu.enabled(op.Nop(), cpu.task), "with IF=0 the host goes on"
    assert not cpu.enabled(ARRIVES, cpu.irq)
    cpu.do(op.Sti())
    assert not cpu.enabled(ARRIVES, cpu.irq), "in the shadow of STI"
    cpu.do(op.Nop())
    assert not cpu.enabled(op.Nop(), cpu.task)
    assert cpu.do(ARRIVES, cpu.irq) == Value(0)
    assert cpu.cpu.pending == ()
    cpu.do(op.Iret(), cpu.irq)
    assert cpu.enabled(op.Nop(), cpu.task)


def test_entering_with_an_interrupt_pending_exits_before_the_guest_does_anything(bench):
    cpu = bench()
    cpu.do(ENTER)
    cpu.do(ARRIVES, cpu.irq)
    cpu.do(ENTER)
    assert not cpu.enabled(op.Nop(), cpu.guest)
    assert cpu.do(ARRIVES, cpu.irq) is RETRY
    assert cpu.cpu.pending == (cpu.irq,), "it is still one interrupt"
    assert not cpu.cpu.in_guest


def test_another_source_waits_until_the_pending_one_is_taken(bench):
    cpu = bench()
    other = Program("irq2")
    cpu.cells[other.placement] = Placement(0)
    cpu.do(ENTER)
    cpu.do(ARRIVES, cpu.irq)
    cpu.do(op.Sti())
    cpu.do(op.Nop())
    assert not cpu.enabled(ARRIVES, other)
    cpu.do(ARRIVES, cpu.irq)
    cpu.do(op.Iret(), cpu.irq)
    assert cpu.enabled(ARRIVES, other)


# switch_to.


def with_two_tasks(cpu):
    """Let another task wait, with a frame of its own."""
    resting = Frame(Program("next"), Kind.TASK, Ring.KERNEL, (Saved(Ring.USER, True),))
    cpu.cells[resting.program.placement] = Placement(None, resting)
    return cpu, resting


def test_switch_to_takes_the_frame_along_and_leaves_cpu_registers_alone(bench):
    cpu, resting = with_two_tasks(bench().set_x(xfd=1 << 18))
    leaving, registers = cpu.cpu.top, cpu.x
    assert cpu.do(op.SwitchTo(resting.program)) == Done()
    assert cpu.cpu.frames == (resting,)
    assert cpu.x == registers
    assert cpu.cells[cpu.task.placement] == Placement(None, leaving)
    assert cpu.cells[resting.program.placement] == Placement(0)


def test_a_task_that_is_off_cpu_does_nothing_until_it_is_switched_to(bench):
    cpu, resting = with_two_tasks(bench())
    leaving = cpu.cpu.top
    cpu.do(op.SwitchTo(resting.program))
    assert not cpu.enabled(op.Nop(), cpu.task)
    cpu.do(op.SwitchTo(cpu.task))
    assert cpu.cpu.top == leaving
    assert cpu.enabled(op.Nop(), cpu.task)


def test_a_task_cannot_run_on_two_cpus_at_once(bench):
    cpu, resting = with_two_tasks(bench())
    rest = cpu.cells[resting.program.placement]
    cpu.cells[resting.program.placement] = Placement(1)
    with pytest.raises(
        RuntimeError, match="task on CPU 0 switches to next, which runs on CPU 1: a task cannot"
    ):
        cpu.do(op.SwitchTo(resting.program))
    cpu.cells[resting.program.placement] = rest
    assert cpu.enabled(op.SwitchTo(resting.program))


def test_nor_twice_on_one(bench):
    cpu = bench()
    with pytest.raises(RuntimeError, match="switches to task, which runs on CPU 0"):
        cpu.do(op.SwitchTo(cpu.task))


def test_what_was_never_on_a_cpu_has_no_context_to_switch_to(bench):
    cpu = bench()
    assert not cpu.enabled(op.SwitchTo(cpu.guest))


def test_a_handler_does_not_switch_tasks(bench):
    cpu, resting = with_two_tasks(bench())
    cpu.do(ARRIVES, cpu.irq)
    with pytest.raises(RuntimeError, match="irq calls switch_to outside a task's own context"):
        cpu.do(op.SwitchTo(resting.program), cpu.irq)


# Run on Trio: an interrupt lands between any two instructions but in the shadow.


async def critical(cpu):
    async with cpu.irqs_off():
        await cpu.wrmsr(0x1C4, 1 << 18)
    await cpu.nop()


async def handler(cpu):
    await cpu.external_interrupt()
    await cpu.iret()


def world_with_an_interrupt():
    world = World()
    processor = Processor("cpu", cpu_model("sapphire_rapids"))
    task = world.program(critical, Cpu(processor), name="task")
    irq = world.program(handler, Cpu(processor), name="irq", background=True)
    world.cell(cpu_cell(0), CpuState((Frame(task, Kind.TASK),), XState(xcr0=0x600E7)))
    world.cell(task.placement, Placement(0))
    world.cell(irq.placement, Placement(0))
    return world


@pytest.mark.trio
async def test_the_interrupt_lands_everywhere_but_between_cli_and_the_end_of_the_shadow(run):
    landed = []
    for place in range(5):
        try:
            _, steps = await run(world_with_an_interrupt(), FollowLog([("task", 0)] * place + [("irq", 0)]))
        except Divergence:
            continue
        assert steps[place] == ("irq", ARRIVES, Value(0))
        landed.append([type(message).__name__ for _, message, _ in steps[:place]])
    assert landed == [[], ["Cli", "Wrmsr", "Sti", "Nop"]]
