"""I9 on states made by hand."""

import pytest

from actors.explore.verification import Demand, verify
from actors.machine.xstate.components import TILEDATA
from actors.runtime import scenario, set_label
from actors.runtime.errors import ModelError, VmraceError
from actors.system import Machine
from actors.system.entry.common import syscall
from actors.system.fork import kernel_clone
from actors.system.invariants import INVARIANTS, SHIPPED
from actors.system.invariants.taint import NotForeign, OnlyOwn, Untainted, word
from actors.system.kernel.data import Sigaction, Task
from actors.system.signals.uabi import frame_with
from actors.system.signals.uaccess import put_user
from actors.system.signals.users import amx_handler
from actors.system.tasks import xmm_task
from actors.system.xstate.kernel_fpu import KERNEL_VALUE
from protocol.handles import Cell, Program
from tests.system.invariants.states import A, B, cpu, guest, hardirq, holding, in_user, kernel, saved, user

SMALL = user(A).fpstates[0]
OWN, FOREIGN = 7, 0xB00B00B
CHECK = OnlyOwn(A.program, (word(FOREIGN),))


def test_a_foreign_value_is_readable_in_user_mode_alone():
    for frames, readable in (
        ((in_user(A),), True),
        ((kernel(A),), False),
        ((in_user(A), hardirq()), False),
        ((in_user(B),), False),
        ((kernel(A), guest("A")), False),
    ):
        assert CHECK(holding(cpu(*frames), FOREIGN)) != readable
        assert CHECK(holding(cpu(*frames), OWN))


def test_a_register_that_xfd_disables_counts():
    tile = b"\xb1" * 1024
    tiles = {"live": TILEDATA, "xinuse": TILEDATA, "contents": (tile.ljust(8192, b"\0"),)}
    check = OnlyOwn(A.program, (tile,))
    assert not check(cpu(in_user(A), xfd=TILEDATA, **tiles))
    assert check(cpu(in_user(A), **{**tiles, "contents": (b"\xb2" * 8192,)}))


def test_a_bit_in_xfd_err_is_somebodys_too():
    assert not CHECK(cpu(in_user(A), xfd_err=TILEDATA))
    assert CHECK(cpu(kernel(A), xfd_err=TILEDATA))


def test_a_buffer_is_tainted_by_what_lies_there_whatever_xstate_bv_says():
    check = Untainted((word(FOREIGN),))
    assert check(None)
    assert check(saved(SMALL, OWN), None)
    assert not check(None, saved(SMALL, FOREIGN))
    assert not check(saved(SMALL, FOREIGN, xstate_bv=0))


def two(**invariants):
    machine = Machine()
    a, b = machine.host_task(xmm_task, 7, name="A"), machine.host_task(xmm_task, 8, name="B")
    return machine, a, b


def test_what_is_foreign_to_a_task_are_the_others_values_and_the_kernels():
    machine, a, b = two()
    machine.secret(a, OWN)
    machine.secret(b, FOREIGN, b"\xb1" * 1024)
    machine.invariants("I9")
    checks = {condition.name: condition.predicate for condition in machine.conditions}
    assert set(checks["I9: A finds nobody else's value in registers"].foreign) == {
        word(FOREIGN),
        b"\xb1" * 1024,
        word(KERNEL_VALUE),
    }
    assert set(checks["I9: B's fpstate holds nobody else's value"].foreign) == {word(OWN), word(KERNEL_VALUE)}


PARENTS, CHILDS = 0x9A9A_9A9A, 0xC4C4_C4C4


def is_parents(value):
    return value == PARENTS


async def child_code(cpu, value):
    """Look at what the parent left, then load a value of its own, and let others run."""
    set_label("inherited", await cpu.movq_from(0))
    await cpu.movq(0, value)
    await cpu.nop()


async def forks(cpu, child, value, childs):
    await cpu.movq(0, value)
    await syscall(cpu, kernel_clone, child, child_code, childs)
    await cpu.nop()


async def loads_its_childs(cpu, child, value, childs):
    """A bug, if it were one: a parent that has its child's value."""
    await forks(cpu, child, value, childs)
    await cpu.movq(0, childs)
    await cpu.nop()


@scenario()
def family(bad: bool = False, thread: bool = False) -> Machine:
    """Does a child that has its parent's registers raise an alarm?"""
    machine = Machine()
    child = Task(Program("P.c"), Program("P") if thread else None)
    code = loads_its_childs if bad else forks
    parent = machine.host_task(code, child, PARENTS, CHILDS, name="P")
    machine.permissions(parent)
    machine.child(parent, "c", thread=thread)
    machine.secret(parent, PARENTS)
    machine.secret(child.program, CHILDS)
    machine.interrupts(external=1)
    machine.sometimes("the child has the parent's value", is_parents, child.program.label("inherited"))
    machine.invariants()
    return machine


@pytest.mark.parametrize("thread", [False, True])
def test_a_child_may_hold_what_was_its_parents(thread):
    assert verify(family, {"thread": thread}, Demand()).verdict == "proved"


def test_a_parent_may_not_hold_what_is_its_childs():
    found = verify(family, {"bad": True}, Demand())
    assert found.verdict == "violated"
    assert found.recorded.names == ("I9: P finds nobody else's value in registers",)


def test_whose_child_a_task_is_its_name_says():
    assert user(Task(Program("A.c"))).descends_from(A.program)
    assert user(Task(Program("A.c.d"))).descends_from(A.program)
    assert not user(Task(Program("AB.c"))).descends_from(A.program)
    assert not user(A).descends_from(A.program)


def test_a_word_in_memory_is_foreign_if_it_is_the_value():
    check = NotForeign((word(FOREIGN), b"\xb1" * 1024))
    assert check(OWN)
    assert not check(FOREIGN)


async def writes_anothers(cpu, frame, value):
    """A system call that stores a value in user memory that is somebody else's."""
    await cpu.syscall()
    await put_user(cpu, frame, frame.area, frame_with(cpu.processor.model, value))


@scenario()
def frames(value: int = OWN, signal: bool = False) -> Machine:
    """Is user memory looked at?"""
    machine = Machine()
    frame = machine.user_frame("frame")
    if signal:
        a = machine.host_task(xmm_task, OWN, name="A", sigaction=Sigaction(amx_handler, frame))
        machine.host_task(writes_anothers, machine.user_frame("other"), value, name="C")
    else:
        a = machine.host_task(writes_anothers, frame, value, name="A")
    b = machine.host_task(xmm_task, FOREIGN, name="B")
    machine.secret(a, OWN)
    machine.secret(b, FOREIGN)
    machine.invariants("I9")
    return machine


def test_a_frame_holds_no_value_of_those_that_were_not_given_it():
    assert verify(frames, {}, Demand()).verdict == "proved"
    found = verify(frames, {"value": FOREIGN}, Demand())
    assert found.verdict == "violated"
    assert found.recorded.names == ("I9: frame holds nobody else's value",)


def test_a_frame_is_of_those_that_were_given_it_by_an_argument_or_for_a_signal():
    machine = frames(signal=True)
    checks = {one.name: one.predicate for one in machine.conditions if "holds nobody" in one.name}
    assert set(checks["I9: frame holds nobody else's value"].foreign) == {word(FOREIGN), word(KERNEL_VALUE)}
    assert word(OWN) in checks["I9: other holds nobody else's value"].foreign


def test_a_value_that_two_have_is_no_secret_nor_is_zero():
    machine, a, b = two()
    machine.secret(a, 7)
    machine.secret(a, 7)
    with pytest.raises(ModelError, match="B: A has the value 0700000000000000 too"):
        machine.secret(b, 7)
    with pytest.raises(ModelError, match="B: zeros are no secret"):
        machine.secret(b, 0)


def test_an_unknown_invariant_is_refused_with_those_that_there_are():
    machine, _, _ = two()
    with pytest.raises(VmraceError, match="no invariant is called 'I33'; did you mean I3"):
        machine.invariants("I33")
    with pytest.raises(VmraceError, match=f"there are {', '.join(INVARIANTS)}"):
        machine.invariants("ownership of all")


def test_they_may_be_asked_of_some_tasks_alone():
    machine, a, _ = two()
    machine.invariants("I3", "I9", "xfd_validate_state", tasks=[a])
    assert {condition.name.split(": ")[1].split("'")[0].split()[0] for condition in machine.conditions} == {
        "A"
    }
    with pytest.raises(VmraceError, match="C is no user task of this machine"):
        machine.invariants("I3", tasks=[Program("C")])


@pytest.mark.parametrize("cpus", [1, 2])
def test_each_cpu_and_task_has_conditions_of_its_own(cpus):
    machine = Machine(cpus)
    for name in ("A", "B"):
        machine.host_task(xmm_task, 7, name=name)
    machine.interrupts(external=1)
    machine.invariants()
    names = [condition.name for condition in machine.conditions]
    for invariant in SHIPPED:
        assert any(name.startswith(invariant + ":") for name in names), invariant
    loaded = [name for name in names if name.startswith("I3")]
    assert len(loaded) == 2 * cpus
    assert all(("(CPU" in name) == (cpus > 1) for name in loaded)
    handlers = [condition for condition in machine.conditions if "irq0" in condition.name]
    assert handlers
    assert not [one for one in handlers if "(CPU 1)" in one.name], "it interrupts CPU 0 alone"
    for condition in machine.conditions:
        cells = {read.name for read in condition.reads if hasattr(read, "name")}
        assert len(cells & {"cpu0", "cpu1"}) <= 1
        assert sum(isinstance(read, Cell) for read in condition.reads) <= 9
