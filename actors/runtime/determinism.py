"""The determinism check: a program must do the same again when it gets the same replies.

Everything that vmrace says of orders rests on this, since it names a program's state by the replies that it
has received. A program that reads a clock, draws a random number, or looks at an object that others change,
breaks it. After a checked execution each program is run again by itself, from its start and to where it got,
and compared message by message, and in how it ended. The programs are run one after another, last first, not
interleaved as they were, so that what they share without a message shows as well.

What one process cannot show is the order of a set of strings, which is the same as long as the process lives:
`sets` looks for that in the code, and a replay in another process compares digests.
"""

from collections.abc import Mapping
from typing import Any

from actors.runtime.errors import Nondeterminism
from actors.runtime.execution import Execution
from actors.runtime.program import Send
from actors.runtime.running import Running, Segment
from actors.runtime.scenario import Scenario
from actors.runtime.shapes import described
from actors.runtime.values import same, show
from actors.runtime.world import World


def check_programs(execution: Execution) -> None:
    """Run each program of an ended execution again; raises Nondeterminism at the first difference."""
    for running in reversed(list(execution.running.values())):
        _check(running)


def _check(running: Running) -> None:
    step = 0
    for place, segment in enumerate(running.segments):
        again = Running(running.handle, segment.function, segment.args, running.key)
        again.repeating(after_become=place > 0)
        try:
            again.advance()
            for sent, reply, labels in segment.exchanges:
                step += 1
                _compare(running, step, sent, again)
                if not _same_labels(labels, again.labels):
                    raise _difference(running, f"at step {step} of it its labels were {labels}", again)
                again.advance(reply)
            if place + 1 < len(running.segments):
                _compare_become(running, step, running.segments[place + 1], again)
            else:
                _compare_end(running, step, again)
        finally:
            again.close()


def _compare(running: Running, step: int, sent: Send, again: Running) -> None:
    repeated = again.pending if len(again.segments) == 1 else None
    if repeated is None or repeated.to != sent.to or not same(repeated.message, sent.message):
        raise _difference(running, f"step {step} of it was {described(sent)}", again)


def _compare_become(running: Running, step: int, became: Segment, again: Running) -> None:
    next_one = again.segments[1] if len(again.segments) > 1 else None
    if next_one is None or next_one.function != became.function or not same(next_one.args, became.args):
        text = f"after step {step} of it it became {became.function.__qualname__}{show(became.args)}"
        raise _difference(running, text, again)


def _compare_end(running: Running, step: int, again: Running) -> None:
    if running.left_at is not None:
        _compare(running, step + 1, running.left_at, again)
    elif (ended := _how(running, len(running.segments))) != _how(again):
        raise _difference(running, f"after step {step} of it {ended}", again)
    if not _same_labels(running.labels, again.labels):
        raise _difference(running, f"after step {step} of it its labels were {running.labels}", again)


def _same_labels(first: Mapping[str, object], second: Mapping[str, object]) -> bool:
    return first.keys() == second.keys() and all(same(first[name], second[name]) for name in first)


def difference(again: Running, step: int, sent: Send | None, labels: Mapping[str, object]) -> Nondeterminism:
    """Return the error for a program that did something else when it was run again up to that step of it."""
    did = (
        f"step {step} of it was {described(sent)}"
        if sent is not None
        else f"it had ended after {step - 1} steps"
    )
    marked = f" with labels {dict(labels)}" if labels else ""
    return _difference(again, did + marked, again)


def remembered(again: Running, sent: Send | None, labels: Mapping[str, object]) -> Nondeterminism:
    """Return the error for a program that knows of a routine more than what it returned.

    It has sent `sent`, or ended, and had these labels, where it stood in the same place with another past.
    """
    did = f"it was {described(sent)}" if sent is not None else "it had ended"
    return Nondeterminism(
        f"program {again.name} remembers more of a routine than what it returned: once {did} with labels "
        f"{dict(labels)}, and behind the same values returned {_how(again, len(again.segments))} with labels {again.labels}, at "
        f"{again.where()}; what a routine leaves behind is what it returns, its labels, and cells"
    )


def _difference(running: Running, first: str, again: Running) -> Nondeterminism:
    labels = f" with labels {again.labels}" if again.labels else ""
    return Nondeterminism(
        f"program {running.name} is not deterministic: {first}, "
        f"and with the same replies {_how(again)}{labels} "
        f"when run again, at {again.where()}; a program may depend only on its arguments and replies "
        "(no clock, no random numbers, no order of a set, nothing shared); "
        f"arguments were {show(running.segments[0].args)}"
    )


def _how(running: Running, segments: int = 1) -> str:
    """Say what became of a program that was run through so many of its segments."""
    if running.failure is not None:
        return f"it failed ({running.failure.type}: {running.failure.text})"
    if len(running.segments) > segments and running.left_at is None and running.pending is None:
        return "it became something else"
    return f"it was {described(running.pending)}" if running.pending else "it returned"


def check_builder(scenario: Scenario, parameters: Mapping[str, Any]) -> World:
    """Build a scenario's world twice and return it; raises Nondeterminism if the two differ."""
    one, other = scenario(**parameters), scenario(**parameters)
    for first, second, what in (
        (tuple(one.cells.items()), tuple(other.cells.items()), "cells"),
        (_programs(one), _programs(other), "programs"),
        (_named(one), _named(other), "conditions"),
    ):
        if not same(first, second):
            differing = next((a for a, b in zip(first, second, strict=False) if not same(a, b)), first[-1:])
            raise Nondeterminism(
                f"scenario {scenario.name} builds two different worlds from the same parameters: "
                f"their {what} differ, first in {show(differing)[:200]}"
            )
    return one


def _programs(world: World) -> tuple[object, ...]:
    """Return the programs, a function by its name: one that is made by the builder is another each time."""
    return tuple((spec.handle, spec.function.__qualname__, spec.args, spec.key) for spec in world.programs)


def _named(world: World) -> tuple[object, ...]:
    return tuple(
        (condition.name, condition.mode, condition.kind, condition.reads) for condition in world.conditions
    )
