"""What is there before the first step: per-CPU variables, init_fpstate, and each task's own cells."""

import pytest

from actors.machine.model import HYPOTHETICAL, TILECFG, TILEDATA
from actors.machine.state import cpu_cell
from actors.machine.xstate.components import COMPACTED, SSE
from actors.system.kernel.data import Fpstate, Task
from actors.system.kernel.flags import NONE, Flags
from actors.system.machine import Machine
from actors.system.signals.delivery import arch_do_signal_or_restart
from actors.system.tasks import busy_task
from protocol.handles import Program
from protocol.instructions import XsaveArea
from tests.system.calling import TASK

OWN = Fpstate("task->fpstate", SSE | TILECFG, SSE | TILECFG, 640)


def empty(features):
    """An area that says that nothing is there, with MXCSR as it is at reset."""
    return XsaveArea(0, COMPACTED | features, (24,), ((0x1F80).to_bytes(8, "little"),))


def value(world, variable, cpu=0):
    return world.cells[variable.each[cpu].cell]


@pytest.mark.parametrize(
    ("cpu", "capable"), [("sapphire_rapids", TILEDATA), ("mail_2021", TILEDATA | HYPOTHETICAL)]
)
def test_the_kernel_manages_sse_and_what_xfd_can_disable_with_what_that_needs(cpu, capable):
    kernel = Machine(cpu=cpu).kernel
    assert kernel.features == SSE | TILECFG | capable
    assert kernel.dynamic == capable
    assert kernel.init_fpstate.xfeatures == SSE | TILECFG
    assert kernel.init_fpstate.name == "init_fpstate"


def test_init_fpstate_is_empty_and_has_xfd_armed():
    world = Machine()
    init = world.kernel.init_fpstate
    assert world.cells[init.xfd.cell] == TILEDATA
    assert world.cells[init.regs] == empty(SSE | TILECFG)


def test_each_cpu_has_its_variables_and_its_own_number():
    world = Machine(cpus=3)
    kernel = world.kernel
    for number in range(3):
        assert value(world, kernel.cpu_number, number) == number
        assert value(world, kernel.idle, number) == Program(f"idle{number}")
        assert value(world, kernel.preempt_count, number) == 1, "the idle task's"
        assert value(world, kernel.owner, number) is None
        assert value(world, kernel.in_kernel_fpu, number) is False
        assert value(world, kernel.softirq_pending, number) is False
        assert value(world, kernel.runqueue, number) == ()
    assert kernel.smp
    assert not Machine().kernel.smp


def test_a_cpus_first_task_is_in_the_registers_and_a_waiting_one_is_in_memory():
    world = Machine()
    world.host_task(busy_task, name="task")
    later = Task(world.host_task(busy_task, name="later"))
    assert value(world, world.kernel.owner) == TASK.program
    assert (world.cells[TASK.flags.cell], world.cells[TASK.last_cpu.cell]) == (NONE, 0)
    assert world.cells[later.flags.cell] == Flags.TIF_NEED_FPU_LOAD
    assert world.cells[later.last_cpu.cell] == -1


def test_on_another_cpu_it_was_last_there():
    world = Machine(cpus=2)
    world.host_task(busy_task, cpu=1, name="task")
    assert world.cells[TASK.last_cpu.cell] == 1
    assert value(world, world.kernel.owner, 1) == TASK.program
    assert value(world, world.kernel.owner, 0) is None


@pytest.mark.parametrize(
    ("buffer", "features", "xfd"), [(0, SSE | TILECFG, TILEDATA), (TILEDATA, SSE | TILECFG | TILEDATA, 0)]
)
def test_a_tasks_buffer_has_room_for_what_its_xfd_lets_it_use(buffer, features, xfd):
    world = Machine()
    world.host_task(busy_task, perm=TILEDATA, buffer=buffer, name="task")
    own = world.cells[TASK.fpstate.cell]
    assert own.xfeatures == features
    assert world.cells[own.xfd.cell] == xfd == world.cells[cpu_cell(0)].x.xfd
    assert world.cells[own.regs] == empty(features)
    assert world.cells[TASK.perm.cell] == TILEDATA
    assert buffer or own == OWN


def test_the_kernel_is_built_as_it_is_asked_for():
    kernel = Machine(softirq=busy_task, vmalloc_fails=True, fixes="none,+10e4b5166df9").kernel
    assert kernel.softirq is busy_task
    assert kernel.vmalloc_fails
    assert kernel.has("10e4b5166df9")
    assert not kernel.has("388eff894d6b")
    plain = Machine().kernel
    assert (plain.softirq, plain.vmalloc_fails, plain.mutant) == (None, False, "")
    assert plain.do_signal is arch_do_signal_or_restart
