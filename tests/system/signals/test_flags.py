"""The signal's bits in a task's flags: TIF_SIGPENDING says that one is pending and not blocked, whatever happened before."""

from hypothesis import given
from hypothesis import strategies as st

from actors.system.kernel.flags import Dequeue, Flags, SendSignal, SetBlocked, ThreadFlags
from protocol.handles import Program

FLAGS = ThreadFlags("task->flags")
SENDER = Program("anybody")
EVENTS = st.sampled_from([SendSignal(), Dequeue(), SetBlocked(blocked=True), SetBlocked(blocked=False)])


def after(flags, event):
    (outcome,) = FLAGS.handle(SENDER, event, {FLAGS.cell: flags})
    return dict(outcome.writes)[FLAGS.cell]


@given(events=st.lists(EVENTS), others=st.sampled_from([Flags(0), Flags.TIF_NEED_RESCHED | Flags.PF_EXITING]))
def test_the_task_is_told_of_a_signal_that_is_pending_and_not_blocked(events, others):
    flags, pending, blocked = others, False, False
    for event in events:
        flags = after(flags, event)
        pending = isinstance(event, SendSignal) or (pending and not isinstance(event, Dequeue))
        blocked = event.blocked if isinstance(event, SetBlocked) else blocked
        assert bool(flags & Flags.PENDING) == pending
        assert bool(flags & Flags.BLOCKED) == blocked
        assert bool(flags & Flags.TIF_SIGPENDING) == (pending and not blocked)
        assert flags & others == others


def test_they_are_told_as_what_they_are():
    assert [FLAGS.describe(event) for event in (SendSignal(), Dequeue(), SetBlocked(blocked=True))] == [
        "send a signal to task",
        "dequeue the signal of task",
        "block signals of task",
    ]
    assert FLAGS.describe(SetBlocked(blocked=False)) == "unblock signals of task"
