"""The determinism check: a program must do the same again when it gets the same replies.

Everything that vmrace says of orders rests on this, since it names a program's state by the replies that it has received. A
program that reads a clock, draws a random number, iterates over a set, or looks at an object that others change, breaks it.
After a checked execution each program is run again by itself, from its start and to where it got, and compared message by
message. The programs are run one after another, last first, not interleaved as they were, so that what they share without a
message shows as well.
"""

from actors.runtime.errors import Nondeterminism
from actors.runtime.execution import Execution
from actors.runtime.program import Send
from actors.runtime.running import Running
from actors.runtime.values import same, show


def check_programs(execution: Execution) -> None:
    """Run each program of an ended execution again; raises Nondeterminism at the first difference."""
    for running in reversed(list(execution.running.values())):
        _check(running)


def _check(running: Running) -> None:
    step = 0
    for segment in running.segments:
        again = Running(running.handle, segment.function, segment.args, running.key)
        again.repeating(segment is not running.segments[0])
        try:
            again.advance()
            for sent, reply in segment.exchanges:
                step += 1
                _compare(running, step, sent, again)
                again.advance(reply)
        finally:
            again.close()


def _compare(running: Running, step: int, sent: Send, again: Running) -> None:
    repeated = again.pending
    if repeated is not None and repeated.to == sent.to and same(repeated.message, sent.message):
        return
    first = sent.to.describe(sent.message)
    second = repeated.to.describe(repeated.message) if repeated is not None else f"to end ({_how(again)})"
    raise Nondeterminism(
        f"program {running.name} is not deterministic: step {step} of it was {first}, and with the same replies "
        f"{second} when run again, at {again.where()}; a program may depend only on its arguments and replies "
        f"(no clock, no random numbers, no order of a set, nothing shared); arguments were {show(running.segments[0].args)}"
    )


def _how(again: Running) -> str:
    return again.failure.text if again.failure is not None else "it returned"
