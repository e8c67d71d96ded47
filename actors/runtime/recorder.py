"""The recorder: writes an execution down step by step, as text for people.

It is used when an execution is narrated or replayed, never while searching: looking up where a program stands
and saying what changed costs more than the step itself.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from actors.runtime.device import Outcome, Retry
from actors.runtime.digest import Digest
from actors.runtime.execution import Execution
from actors.runtime.running import Running
from actors.runtime.scenario import Scenario
from actors.runtime.shapes import described
from actors.runtime.values import same, show
from actors.runtime.world import World
from protocol.handles import Cell
from protocol.records import Change, Column, Record, Step


class Recorder:
    """An observer that keeps each step as a record, and the digest of all: `steps` and `digest`."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.digest = Digest()
        self._moved: tuple[Running, dict[str, object]] | None = None

    def handled(
        self, execution: Execution, running: Running, before: dict[Cell, Any], outcome: Outcome
    ) -> None:
        """Write one step down."""
        self.digest.handled(execution, running, before, outcome)
        request, footprint = running.pending, running.cells
        assert request is not None
        function, file, line = running.place()
        changes = [
            change
            for cell in sorted(footprint, key=lambda cell: cell.name)
            for change in _changes(cell.name, before.get(cell), execution.cells.get(cell))
        ]
        step = Step(
            number=execution.steps,
            program=running.name,
            actor=running.actor,
            column=running.name,
            function=function,
            file=file,
            line=line,
            text=described(request),
            reply="" if isinstance(outcome.reply, Retry) or outcome.reply is None else show(outcome.reply),
            outcome=outcome.label,
            changes=tuple(changes),
            event=execution.world.event(running.name, request.message, before),
            caller=running.caller(),
        )
        told = execution.world.annotate(step, request.message, outcome.reply, before, execution.cells)
        self.steps.append(told)
        self._moved = (running, dict(running.labels))

    def settled(self, execution: Execution) -> None:
        """Add the labels that the program has set since its step."""
        self.digest.settled(execution)
        if self._moved is None or not self.steps:
            return
        running, labels = self._moved
        self._moved = None
        new = tuple(
            (name, show(value)) for name, value in running.labels.items() if not same(labels.get(name), value)
        )
        if new:
            self.steps[-1] = msgspec.structs.replace(self.steps[-1], labels=new)


def _changes(cell: str, before: Any, after: Any, field: str = "") -> Iterator[Change]:
    """Say which fields of a cell differ, going into Structs of the same type."""
    if same(before, after):
        return
    if isinstance(after, msgspec.Struct) and type(before) is type(after):
        for name in type(after).__struct_fields__:
            path = f"{field}.{name}" if field else name
            yield from _changes(cell, getattr(before, name), getattr(after, name), path)
        return
    yield Change(cell, field, show(before), show(after))


_ENDINGS = {
    None: "stopped",
    "finished": "every required program has finished",
    "limit": "stopped by the limit on steps",
    "violated": "",
}


def record(
    scenario: Scenario, parameters: Mapping[str, Any], execution: Execution, recorder: Recorder
) -> Record:
    """Put together all that a person is shown of one recorded execution."""
    world = execution.world
    return Record(
        scenario=scenario.name,
        question=scenario.question,
        parameters=tuple(scenario.as_text(parameters).items()),
        model=model_line(scenario, parameters, world),
        columns=_columns(world.columns(), recorder.steps),
        steps=tuple(recorder.steps),
        violation=execution.violation,
        budgets=tuple(world.budgets.items()),
        ending=_ENDINGS[execution.ending],
        fix=scenario.fix,
    )


def model_line(scenario: Scenario, parameters: Mapping[str, Any], world: World) -> str:
    """Say what was modelled: the code or design, its parameters, bounds, and what memory does."""
    given = ", ".join(f"{name}={text}" for name, text in scenario.as_text(parameters).items())
    return "; ".join(part for part in (world.model, given, world.bounds(), "sequential consistency") if part)


def _columns(declared: tuple[Column, ...], steps: list[Step]) -> tuple[Column, ...]:
    """Add a column for each context that the world did not know of before the execution: spawned programs."""
    known = {column.name for column in declared}
    spawned = dict.fromkeys(step.column for step in steps if step.column not in known)
    return (*declared, *(Column(name) for name in spawned))
