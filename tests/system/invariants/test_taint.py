"""I9 on states made by hand."""

import pytest

from actors.machine.xstate.components import TILEDATA
from actors.runtime.errors import ModelError, VmraceError
from actors.system import Machine
from actors.system.invariants import INVARIANTS, SHIPPED
from actors.system.invariants.taint import OnlyOwn, Untainted, word
from actors.system.tasks import xmm_task
from actors.system.xstate.kernel_fpu import KERNEL_VALUE
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
        assert len(condition.reads) <= 9
