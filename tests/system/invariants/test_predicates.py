import itertools

import pytest

from actors.machine.state import CpuState, Frame, Kind, Placement, Ring, Saved
from actors.machine.xstate.registers import XState
from actors.system import invariants as i
from actors.system.invariants.happened import PreemptedByInterrupt
from actors.system.invariants.values import Finds, NeverFinds, OwnedWhile
from protocol.handles import Program

TASK, GUEST = Frame(Program("task"), Kind.TASK), Frame(Program("guest"), Kind.GUEST)
USER, USER32 = (Frame(Program("task"), Kind.TASK, ring) for ring in (Ring.USER, Ring.USER32))


@pytest.mark.parametrize("interrupt_flag", [False, True])
@pytest.mark.parametrize(
    ("frames", "host", "user"),
    [((TASK,), True, False), ((USER,), True, True), ((USER32,), True, True), ((TASK, GUEST), False, False)],
)
def test_where_the_cpu_is(frames, host, user, interrupt_flag):
    cpu = CpuState(frames, XState(), interrupt_flag)
    assert i.host_if_set(cpu) == (host and interrupt_flag)
    assert i.host_user(cpu) == i.host_user(cpu, 1, 2) == user


def test_a_guest_in_its_user_mode_is_not_host_user_mode():
    assert not i.host_user(CpuState((TASK, Frame(Program("g"), Kind.GUEST, Ring.USER)), XState()))


@pytest.mark.parametrize(("xfd_err", "clear"), [(0, True), (1 << 18, False), (1 << 19, False)])
def test_xfd_err_is_clear_if_it_holds_nobodys_bit(xfd_err, clear):
    assert i.xfd_err_clear(CpuState((TASK,), XState(xfd_err=xfd_err))) == clear


@pytest.mark.parametrize(("xfd", "copy"), list(itertools.product((0, 1 << 18), repeat=2)))
def test_xfd_is_cached_if_the_copy_says_the_same(xfd, copy):
    assert i.xfd_is_cached(CpuState((TASK,), XState(xfd=xfd)), copy) == (xfd == copy)


@pytest.mark.parametrize(
    ("value", "unset", "is_set", "known", "not_false", "none_or_zero"),
    [
        (None, True, False, False, True, True),
        (False, False, False, True, False, True),
        (True, False, True, True, True, False),
        (0, False, False, True, True, True),
        (1 << 18, False, True, True, True, False),
        ("SIGILL", False, True, True, True, False),
    ],
)
def test_what_labels_say(value, unset, is_set, known, not_false, none_or_zero):
    assert i.unset(value) == unset
    assert i.is_set(value) == is_set
    assert i.known(value) == known
    assert i.not_false(value) == not_false
    assert i.none_or_zero(value) == none_or_zero


@pytest.mark.parametrize("label", [None, False, True])
def test_an_exit_inside_a_window_is_host_mode_while_the_label_is_set(label):
    assert i.exit_while(CpuState((TASK,), XState()), label) == (label is True)
    assert not i.exit_while(CpuState((TASK, GUEST), XState()), label)


@pytest.mark.parametrize(("cpu", "off", "other"), [(None, True, False), (0, False, False), (1, False, True)])
def test_where_a_thread_is(cpu, off, other):
    assert i.off_cpu_while(Placement(cpu), label=True) == off
    assert not i.off_cpu_while(Placement(cpu), label=None)
    assert i.runs_on_other(Placement(cpu)) == other


# What was read.


@pytest.mark.parametrize(("read", "found"), [(None, True), (7, True), (0, False), (8, False)])
def test_a_value_is_found_or_not_asked_for_yet(read, found):
    assert Finds(7)(read) is found


@pytest.mark.parametrize(("read", "clean"), [(None, True), (0, True), (8, True), (7, False)])
def test_anothers_value_is_never_found(read, clean):
    assert NeverFinds(7)(read) is clean


@pytest.mark.parametrize(
    ("owner", "label", "owned"),
    [("B", True, True), ("A", True, False), (None, True, False), ("B", None, False), ("B", False, False)],
)
def test_registers_are_owned_while_a_label_is_set(owner, label, owned):
    assert OwnedWhile("B")(Program(owner) if owner else None, label) is owned


@pytest.mark.parametrize(
    ("name", "saved", "back"),
    [
        ("task", (Saved(Ring.USER, True), Saved(Ring.KERNEL, True)), True),
        ("other", (Saved(Ring.USER, True), Saved(Ring.KERNEL, True)), False),
        ("task", (Saved(Ring.KERNEL, True), Saved(Ring.USER, True)), False),
        ("task", (), False),
    ],
)
def test_who_was_preempted_in_the_kernel_by_an_interrupt_still_has_to_return_there(name, saved, back):
    task = Frame(Program(name), Kind.TASK, saved=saved)
    handler = Frame(Program("irq0"), Kind.HARDIRQ, saved=(Saved(Ring.KERNEL, True),))
    assert PreemptedByInterrupt(Program("task"))(CpuState((task,), XState())) is back
    assert PreemptedByInterrupt(Program("task"))(CpuState((task, handler), XState())) is back
