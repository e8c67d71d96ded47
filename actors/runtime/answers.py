"""What devices have answered, so that none is asked the same twice in thousands of executions of one world.

A device is pure: the same message from the same sender on the same values has the same outcomes. It is asked
once, and its answer is kept. Comparing whole states would cost more than asking again, and would take `True`
for `1`; so values are told apart by identity alone. That works because values come from answers: the world's
initial values are the same objects in each execution, and so, then, are the values in the answers to the same
messages. A value that is equal but another object is merely asked about again. Messages are made anew each
time by their programs; they are compared, types included.

Checked executions do not use this: they ask each time, twice, and compare.
"""

from collections.abc import Mapping
from typing import Any

from actors.runtime.device import Device, Outcomes
from actors.runtime.evaluation import Raised, Touched, evaluate, touched_by
from actors.runtime.program import Send
from actors.runtime.running import Running
from actors.runtime.shapes import check_request
from actors.runtime.values import check_value, same_types
from protocol.handles import Cell, Program

LIMIT = 100_000
"""Answers kept; beyond that all are forgotten, which costs time and nothing else."""


class Fork:
    """A cell that a device asks for to find a footprint, and what follows from each of its values."""

    __slots__ = ("cell", "kept", "ways")

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.ways: dict[int, Fork | Touched] = {}
        self.kept: list[Any] = []  # identities mean nothing once the object is gone


class Question:
    """One message from one sender to one device, and the way to what it touches.

    `other` is a question that is equal but for the types in it (`True` for `1`).
    """

    __slots__ = ("other", "request", "way")

    def __init__(self, request: Send, other: "Question | None") -> None:
        self.request = request
        self.other = other
        self.way: Fork | Touched | None = None

    def touches(self, cells: Mapping[Cell, Any]) -> Touched | None:
        """Return what the message touches, if that is known; no device is asked."""
        way = self.way
        while isinstance(way, Fork):
            way = way.ways.get(id(cells.get(way.cell)))
        return way


class Answers:
    """The answers of one world's devices; bounded."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._count = 0
        self._questions: dict[tuple[Device, Program, Any], Question] = {}

    def recall(self, cells: Mapping[Cell, Any], running: Running) -> Outcomes | None:
        """Return the outcomes of a program's pending message, if they are known; no device is asked.

        Where it is known what the message touches, that is noted in `running.touched`.
        """
        touched: Touched | None = running.touched
        if touched is None:
            question = running.question
            if question is None:
                question = running.question = self._question(running)
            touched = question.touches(cells)
            if touched is None:
                return None
            running.touched = touched
            running.cells = touched.cells
        return touched.known(cells)

    def touched(self, cells: Mapping[Cell, Any], running: Running) -> Touched:
        """Return what a program's pending message touches."""
        question = running.question
        if question is None:
            question = running.question = self._question(running)
        way: Touched | None = question.touches(cells)
        if way is None:
            way = touched_by(cells, running)
            self._remember(question, cells, way)
        return way

    def _question(self, running: Running) -> Question:
        """Return what is known of a program's pending message."""
        request = running.pending
        assert request is not None
        key = (request.to, running.handle, request.message)
        try:
            first = question = self._questions.get(key)
        except (TypeError, AttributeError):  # nothing that may be sent is unhashable
            check_request(running)
            check_value(request.message, lambda: f"{running.where()}: message of {running.name}")
            raise
        while question is not None and not _alike(question.request, request):
            question = question.other
        if question is None:
            check_request(running)
            question = self._questions[key] = Question(request, first)
            self._grow()
        return question

    def _remember(self, question: Question, cells: Mapping[Cell, Any], touched: Touched) -> None:
        if touched.raised is not None:
            return
        if not touched.asked:
            question.way = touched
            return
        fork = question.way = question.way or Fork(touched.asked[0])
        for cell, after in zip(touched.asked, (*touched.asked[1:], None), strict=True):
            if not isinstance(fork, Fork) or fork.cell != cell:
                return  # it asks for something else than the last time: checked executions will complain
            value = cells[cell]
            if id(value) not in fork.ways:
                fork.kept.append(value)
                fork.ways[id(value)] = touched if after is None else Fork(after)
            fork = fork.ways[id(value)]
        self._grow()

    def outcomes(self, cells: Mapping[Cell, Any], running: Running, touched: Touched) -> Outcomes:
        """Return the outcomes of a program's pending message."""
        if any(cell not in cells for cell in touched.seen):
            touched = touched_by(cells, running)  # a cell that was there in another execution: it says which
            return evaluate(cells, running, touched)
        outcomes = touched.known(cells)
        if outcomes is None:
            outcomes = evaluate(cells, running, touched)
            if not (outcomes and isinstance(outcomes[0].reply, Raised)):
                touched.learn(cells, outcomes)
                self._grow()
        return outcomes

    def _grow(self) -> None:
        self._count += 1
        if self._count > self._limit:
            self._count = 0
            self._questions.clear()


def _alike(one: Send, other: Send) -> bool:
    """Compare two equal requests by the types in them as well."""
    return same_types(one.message, other.message) and (one.to is other.to or same_types(one.to, other.to))
