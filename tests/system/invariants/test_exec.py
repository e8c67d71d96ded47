"""execve(2) of a task that has used AMX: what it breaks for a few steps nobody can see, but for a kernel that checks itself."""

import pytest

from actors.explore.verification import Demand, verify
from actors.machine.model import TILEDATA
from actors.runtime import scenario, set_label
from actors.system import Machine
from actors.system.fork import execve
from actors.system.invariants import SHIPPED, is_set, not_false, off_cpu_while
from actors.system.kernel.xstate_op import RESETS
from actors.system.tasks import amx_task, busy_task
from actors.system.xstate.kernel_fpu import use_fpu

TILE = b"\xb1" * 1024
WARNS = "xfd_validate_state"


async def new_program(cpu):
    await cpu.movq(1, 7)
    set_label("new", await cpu.movq_from(0) == 0)


async def execs(cpu, amx):
    if amx:
        await amx_task(cpu, TILE)
    await cpu.movq(0, 9)
    await execve(cpu, new_program)


@scenario()
def exec_of_a_user(amx: bool = True, preemption: int = 1, softirq: int = 0, which: str = "all") -> Machine:
    """Does exec keep the rules?"""
    machine = Machine(softirq=use_fpu if softirq else None)
    task = machine.host_task(execs, amx, perm=TILEDATA, buffer=TILEDATA if amx else 0, name="T")
    machine.permissions(task)
    machine.host_task(busy_task, name="O")
    machine.interrupts(preemption=preemption, softirq=softirq)
    machine.invariants(*([] if which == "all" else which.split()))
    machine.always("T finds initial registers", not_false, task.label("new"))
    machine.sometimes("T's new program runs", is_set, task.label("new"))
    if preemption:
        machine.sometimes("T is preempted in the window", off_cpu_while, task.placement, task.label(RESETS))
    return machine


def found(**given):
    report = verify(exec_of_a_user, given, Demand())
    assert report.limit is None
    return report.verdict, report.recorded.names if report.recorded else ()


ALL_BUT_ITS_OWN_CHECK = " ".join(name for name in SHIPPED if name != WARNS)


@pytest.mark.parametrize(("preemption", "softirq"), [(1, 0), (0, 1)])
def test_the_window_of_exec_is_no_finding(preemption, softirq):
    given = {"preemption": preemption, "softirq": softirq, "which": ALL_BUT_ITS_OWN_CHECK}
    assert found(**given) == ("proved", ())


def test_a_kernel_that_checks_itself_warns_there_as_linux_does():
    assert found(which=WARNS) == ("violated", (f"{WARNS}: T saves under its XFD",))
    assert found(which=WARNS, preemption=0) == ("proved", ())


def test_it_does_not_if_xfd_is_the_default_one():
    assert found(amx=False) == ("proved", ())
