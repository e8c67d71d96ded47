"""Names: cells are called as the kernel writes what they hold."""

from actors.machine.xstate.components import SSE
from actors.system.kernel.data import Fpstate, Task
from protocol.handles import Cell, Program

FPSTATE = Fpstate("task->fpstate", SSE, SSE, 576)


def test_an_fpstate_is_two_cells_and_what_never_changes():
    assert FPSTATE.xfd.cell == Cell("task->fpstate.xfd")
    assert FPSTATE.regs == Cell("task->fpstate.regs")
    assert (FPSTATE.xfeatures, FPSTATE.user_xfeatures, FPSTATE.size) == (SSE, SSE, 576)


def test_a_task_is_known_by_its_program():
    task = Task(Program("task"))
    assert task.name == "task"
    assert task == Task(Program("task"))
    assert not task.idle
    assert [one.cell.name for one in (task.flags, task.fpstate, task.last_cpu, task.perm)] == [
        "task->flags",
        "task->fpu.fpstate",
        "task->fpu.last_cpu",
        "task->fpu.perm",
    ]


def test_threads_share_the_permissions_of_their_leader_and_nothing_else():
    leader, thread = Task(Program("task")), Task(Program("thread"), leader=Program("task"))
    assert thread.perm == leader.perm
    assert {thread.flags, thread.fpstate, thread.last_cpu}.isdisjoint(
        {leader.flags, leader.fpstate, leader.last_cpu}
    )


def test_the_same_name_is_the_same_variable():
    assert Task(Program("task")).flags is Task(Program("task")).flags
    assert FPSTATE.xfd is Fpstate("task->fpstate", 0, 0, 0).xfd
