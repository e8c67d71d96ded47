"""Asking a device: which cells a message touches, and what could come of it.

A device sees the values of its footprint and nothing else; one that reaches for another cell is stopped, even
if it asks with `get` or `in`, or handles the error. A device that raises, or never ends, is one more outcome
of the message: choosing it ends the world, so that it is found, replayed and explained like any other
finding.
"""

from collections.abc import Mapping
from typing import Any

from actors.runtime.asking import Asking
from actors.runtime.device import NOT_ENABLED, Footprint, Outcome, Outcomes
from actors.runtime.errors import FootprintError, ModelError, Nondeterminism
from actors.runtime.life import Spawn
from actors.runtime.picking import picking
from actors.runtime.place import definition
from actors.runtime.shapes import check_footprint, check_outcomes, check_request
from actors.runtime.values import same
from actors.runtime.watchdog import Stuck
from protocol.handles import Cell

__plumbing__ = True


class Raised:
    """In place of a reply: the device raised."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Touched:
    """What handling a message touches, as its device said.

    `asked` are the cells on whose values the footprint itself depends, `seen` those whose values `handle`
    gets, in order, `values` picks these out of all, and `cells` are all of them; `said` is the footprint without
    what was asked. `answers` is what `handle` has answered, by the identities of those values (see `answers`).
    """

    __slots__ = ("_alive", "answers", "asked", "cells", "footprint", "raised", "said", "seen", "values")

    def __init__(
        self,
        footprint: Footprint,
        said: Footprint | None,
        asked: tuple[Cell, ...],
        seen: tuple[Cell, ...],
        raised: Raised | None,
    ) -> None:
        self.footprint = footprint
        self.said = said
        self.asked = asked
        self.seen = seen
        self.cells = frozenset((*footprint.reads, *footprint.writes))
        self.raised = raised
        self.values = picking(seen)
        self.answers: dict[tuple[int, ...], Outcomes] = {}
        self._alive: list[tuple[Any, ...]] = []

    def known(self, cells: Mapping[Cell, Any]) -> Outcomes | None:
        """Return what has been answered on these very values, or None."""
        try:
            return self.answers.get(tuple(map(id, self.values(cells))))
        except KeyError:  # a cell that was there in another execution
            return None

    def learn(self, cells: Mapping[Cell, Any], outcomes: Outcomes) -> None:
        """Keep what was answered on these values, and the values, since an identity outlives nothing."""
        values = self.values(cells)
        self._alive.append(values)
        self.answers[tuple(map(id, values))] = outcomes


class Seen(dict[Cell, Any]):
    """The values of a footprint; remembers if another cell was asked for."""

    outside: Cell | None = None

    def __missing__(self, cell: Cell) -> Any:
        self.outside = cell
        raise KeyError(cell)

    def get(self, cell: Cell, default: Any = None) -> Any:
        """Return the value of a cell of the footprint; there is no default for others."""
        del default
        return self[cell]

    def __contains__(self, cell: object) -> bool:
        if isinstance(cell, Cell) and not super().__contains__(cell):
            self.outside = cell
        return super().__contains__(cell)


def touched_by(cells: Mapping[Cell, Any], running: Asking) -> Touched:
    """Ask which cells a program's pending message touches, those read to find them included."""
    check_request(running)
    request = running.pending
    assert request is not None
    asked: dict[Cell, None] = {}
    raised, said = None, None

    def read(cell: Cell) -> Any:
        asked[cell] = None
        return cells[cell]

    try:
        footprint = said = request.to.footprint(running.handle, request.message, read)
        check_footprint(running, footprint)
        if asked:
            reads = (*asked, *footprint.reads)
            footprint = Footprint(reads, footprint.writes, footprint.actor, footprint.when)
    except ModelError:
        raise
    except (Exception, Stuck) as error:  # noqa: BLE001  # a device that raises is a finding
        footprint, said = Footprint(tuple(asked), (), request.to.name), None
        raised = Raised(error)
    seen = dict.fromkeys((*footprint.reads, *footprint.writes))
    missing = [cell for cell in seen if cell not in cells]
    if missing and not (isinstance(request.message, Spawn) and missing == [request.message.child.life]):
        raise ModelError(
            f"{running.where()}: {request.to.name} touches {missing[0].name!r}, a cell that this world lacks"
        )
    # What a spawn writes is not there yet, and nobody may look at it.
    return Touched(footprint, said, tuple(asked), () if missing else tuple(seen), raised)


def touches_alike(cells: Mapping[Cell, Any], running: Asking, touched: Touched) -> bool:
    """Ask a second time which cells a message touches, and say whether the device says the same."""
    request = running.pending
    assert request is not None
    asked: dict[Cell, None] = {}

    def read(cell: Cell) -> Any:
        asked[cell] = None
        return cells[cell]

    try:
        said = request.to.footprint(running.handle, request.message, read)
    except ModelError:
        raise
    except (Exception, Stuck):  # noqa: BLE001  # as it did the first time, or not
        said = None
    return tuple(asked) == touched.asked and bool(said == touched.said)


def evaluate(cells: Mapping[Cell, Any], running: Asking, touched: Touched) -> Outcomes:
    """Ask a device for the outcomes of a program's pending message."""
    request = running.pending
    assert request is not None
    if touched.raised is not None:
        return (Outcome(touched.raised),)
    for cell, value in touched.footprint.when:
        if not same(cells[cell], value):
            return NOT_ENABLED
    values, outcomes = _handled(cells, running, touched)
    check_outcomes(running, values, outcomes)
    return outcomes


def evaluates_alike(cells: Mapping[Cell, Any], running: Asking, touched: Touched, outcomes: Outcomes) -> bool:
    """Ask a second time for the outcomes of a message, and say whether they are the same."""
    if touched.raised is not None or not all(
        same(cells[cell], value) for cell, value in touched.footprint.when
    ):
        return True
    again = _handled(cells, running, touched)[1]
    return type(again) is tuple and all(isinstance(one, Outcome) for one in again) and agree(outcomes, again)


def _handled(cells: Mapping[Cell, Any], running: Asking, touched: Touched) -> tuple[Seen, Outcomes]:
    """Let the device handle a message, on values of its own: it may change the dictionary that they are in."""
    request = running.pending
    assert request is not None
    values = Seen()
    for cell in touched.seen:
        values[cell] = cells[cell]
    try:
        outcomes: Outcomes = request.to.handle(running.handle, request.message, values)
    except ModelError:
        raise
    except (Exception, Stuck) as error:  # noqa: BLE001  # a device that raises is a finding
        outcomes = (Outcome(Raised(error)),)
    if values.outside is not None:
        raise FootprintError(_complaint(running, "reads", values.outside))
    return values, outcomes


def check_gate(cells: Mapping[Cell, Any], running: Asking, touched: Touched, outcomes: Outcomes) -> None:
    """Refuse a gate that is shut for a message that is enabled, or looks at a cell outside the message's footprint."""
    request = running.pending
    assert request is not None
    gate = request.to.gate(running.handle, request.message)
    if gate is None or touched.raised is not None:
        return
    asked: dict[Cell, None] = {}

    def read(cell: Cell) -> Any:
        asked[cell] = None
        return cells[cell]

    is_open = gate.is_open(read)
    outside = [cell for cell in asked if cell not in touched.cells]
    if outside:
        raise FootprintError(_complaint(running, "reads", outside[0], "gate"))
    if outcomes and not is_open:
        raise ModelError(
            f"step {running.steps + 1} of {running.name}, {running.where()}: the gate of device {request.to.name} is shut "
            f"for {type(request.message).__name__}, which is enabled, at {definition(type(request.to).gate)}"
        )


def agree(one: Outcomes, other: Outcomes) -> bool:
    """Say whether two evaluations of one message came to the same, types included."""
    if (
        len(one) == len(other) == 1
        and isinstance(one[0].reply, Raised)
        and isinstance(other[0].reply, Raised)
    ):
        return type(one[0].reply.error) is type(other[0].reply.error)
    return same(one, other)


def in_two_ways(running: Asking) -> Nondeterminism:
    """Return the error for a device that was asked twice and answered differently."""
    request = running.pending
    assert request is not None
    return Nondeterminism(
        f"step {running.steps + 1} of {running.name}, {running.where()}: device {request.to.name} answered "
        f"{type(request.message).__name__} from {running.name} in two ways on the same values, "
        f"at {definition(type(request.to).handle)}"
    )


def written_outside(running: Asking, cell: Cell) -> FootprintError:
    """Return the error for a write outside the footprint."""
    return FootprintError(_complaint(running, "writes", cell))


def _complaint(running: Asking, does: str, cell: Cell, where: str = "handle") -> str:
    request = running.pending
    assert request is not None
    return (
        f"step {running.steps + 1} of {running.name}, {running.where()}: device {request.to.name} {does} "
        f"cell {cell.name!r} outside its footprint when it handles {type(request.message).__name__}, "
        f"at {definition(getattr(type(request.to), where))}"
    )
