"""What a program would have sent, had it been told something else.

A program is deterministic in its replies, so it can be told another one at one place. The replies behind that
are those that it had, as long as it asks for the same kind of thing. Where it does not, it has taken another
way; alone, with the cells as they are, it is let go on until it comes to where it was (a fault that it does not
take, a lock that it does not wait for). If it does not, everything from there on is different.
"""

from typing import Any

from actors.explore.explaining.facts import Facts
from actors.explore.tables.histories import Node
from actors.explore.tables.layout import Row
from actors.explore.tables.tables import Tables
from actors.runtime.errors import ModelError
from actors.runtime.values import same, typed

ALTERED, ELSEWHERE = 1, 4
"""How far off another reply is: the program would stay on its way, with other values, or would go another way."""

_DETOUR = 80
"""Steps that a program takes alone, to come back to where it was."""


class Control:
    """One program of an execution: its steps, as numbers, and where it stands before each of them and at the end.

    Places count its steps; what it would have done otherwise is given by places, None where it is elsewhere.
    """

    def __init__(self, tables: Tables, facts: Facts, name: str) -> None:
        self._tables = tables
        self._facts = facts
        self.steps = [
            number for number, fact in enumerate(facts.steps) if fact.node.name == name and not fact.retried
        ]
        self._column = facts.column(name)
        self._replies = [facts.steps[number].outcome.reply for number in self.steps]
        self.nodes: list[Node] = [facts.steps[number].node for number in self.steps]
        row = tables.layout.padded(facts.end.row)
        last = tables.layout.node(row, self._column) if self._column is not None else None
        if last is not None:
            self.nodes.append(last)
        self._known: dict[tuple[int, object], list[Node | None]] = {}

    def told(self, place: int, reply: Any) -> list[Node | None]:
        """Return where the program would have stood at each place behind one, told this there."""
        key = (place, typed(reply))
        known = self._known.get(key)
        if known is None:
            try:
                known = self._follow(place, reply)
            except ModelError:  # a reply that cannot be: whatever the program does about it
                known = [None] * len(self.nodes)
            self._known[key] = known
        return known

    def _follow(self, place: int, reply: Any) -> list[Node | None]:
        found: list[Node | None] = [None] * len(self.nodes)
        history = self.nodes[place].history
        node = history.after(self.nodes[place], reply)
        at = place + 1
        while at < len(self.nodes):
            if not _alike(node, self.nodes[at]):
                back = self._back(node, at)
                if back is None:
                    return found
                node, at, row = back
                otherwise = self._replied_otherwise(node, at, row)
                if otherwise is not None:
                    return [*found[:at], node, *[otherwise] * (len(found) - at - 1)]
            found[at] = node
            if at == len(self._replies):
                return found
            node = history.after(node, self._replies[at])
            at += 1
        return found

    def _replied_otherwise(self, node: Node, at: int, row: Row) -> Node | None:
        """Return where the program would stand behind a place that it comes to by another way; None if where it stood.

        On its way it may have changed what it finds there: a register that it would have written, had it not been told otherwise.
        """
        moves = self._tables.steps.moves(node, row) if at < len(self._replies) else ()
        if not moves or any(same(move.reply, self._replies[at]) for move in moves):
            return None
        return moves[0].node

    def _back(self, node: Node, place: int) -> tuple[Node, int, Row] | None:
        """Let the program go on alone, until it comes to a place behind; also returns the state that it leaves then."""
        assert self._column is not None
        tables = self._tables
        row: Row = tables.layout.padded(self._facts.after(self.steps[place - 1]))
        row = (*row[: self._column], node.number, *row[self._column + 1 :])
        for _ in range(_DETOUR):
            for at in range(place, len(self.nodes)):
                if _alike(node, self.nodes[at]) and node.lines == self.nodes[at].lines:
                    return node, at, row
            moves = tables.steps.moves(node, row) if node.pending is not None else ()
            if not moves:
                return None
            row = tables.after(row, moves[0])
            after = tables.layout.node(row, self._column)
            if after is None:
                return None
            node = after
        return None

    # What would have been otherwise.

    def sends_another(self, place: int, reply: Any, later: int) -> int:
        """Say whether its message at a later place would have been another one, and how far off; 0 if not."""
        one, other = self.told(place, reply)[later], self.nodes[later]
        if one is None or one.pending is None or other.pending is None:
            return ELSEWHERE
        alike = same(one.pending.to, other.pending.to) and same(one.pending.message, other.pending.message)
        return 0 if alike else ALTERED

    def labels_another(self, place: int, reply: Any, later: int, label: str) -> int:
        """Say whether a label would have been another one at a later place, and how far off; 0 if not."""
        one, other = self.told(place, reply)[later], self.nodes[later]
        if one is None:
            return ELSEWHERE
        return 0 if same(one.labels.get(label), other.labels.get(label)) else ALTERED

    def ends_otherwise(self, place: int, reply: Any) -> int:
        """Say whether it would not have failed as it did, and how far off; 0 if it would."""
        one, other = self.told(place, reply)[-1], self.nodes[-1]
        if one is None:
            return ELSEWHERE
        if one.failure is None or other.failure is None:
            return ALTERED
        same_end = (one.failure.type, one.failure.lines[-1:]) == (
            other.failure.type,
            other.failure.lines[-1:],
        )
        return 0 if same_end else ALTERED


def _alike(one: Node, other: Node) -> bool:
    """Say whether two messages are of one kind, so that the reply to the one makes sense for the other."""
    if one.pending is None or other.pending is None:
        return one.pending is other.pending
    return type(one.pending.message) is type(other.pending.message) and same(one.pending.to, other.pending.to)
