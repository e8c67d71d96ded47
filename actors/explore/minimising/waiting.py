"""Steps that only look: in which orders they need not be taken so early, or not at all.

Most steps read something, and change nothing but where their own program stands. Such a step disturbs nobody. So

* behind the last one of its program nothing is lost if it is left out: in a cheapest execution to a violation each
  program that has only looked goes on later (unless what is violated is that nobody can go on);
* if others have gone on since, and it would have been answered the same behind them, then it might have waited for
  its program's next step. That costs no more: the switch away from the program comes one step earlier. Of two
  such orders the one that waits is looked at.

A step that only looks leaves the cells and all labels as they are, keeps the program from ending, and starts
nobody; so no condition is decided another way without it, and everybody else does the same. Events never wait:
what is one may depend on when it comes.

What has to be known of an execution for that is which programs have only looked at last, and from which node: a
memory. It is one integer, since there is one for each step that is looked at: a bit for each program that has
looked, and behind these the numbers of their nodes. The first programs that look have room in it; what others
look at is not remembered, and so left as it is. A program gets its column, and its room, when it is first met:
whether it can end the execution is asked then.
"""

from actors.explore.minimising.events import Events
from actors.explore.minimising.identity import Enders
from actors.explore.tables.graph import Graph, State
from actors.explore.tables.histories import Node, same_labels
from actors.explore.tables.steps import Move

NOTHING = 0
"""The memory in which nobody has looked."""

_PROGRAMS = 32
_LOOKED = (1 << _PROGRAMS) - 1
_NODE = 24
_NODES = (1 << _NODE) - 1


class Waiting:
    """What is remembered in one search, for violations that end by a step of `enders`, if anything is known of them."""

    def __init__(self, graph: Graph, events: Events, enders: Enders | None) -> None:
        self._steps = graph.tables.steps
        self._layout = graph.tables.layout
        self._events = events
        self._enders = enders
        self._only_looks: dict[Move, bool] = {}
        self._room: dict[int, int] = {}
        self._ends: dict[int, bool] = {}
        self._ending = 0
        for column in sorted(self._layout.histories):
            if enders is not None and enders.programs is not None and self._can_end(column):
                self._bit(column)

    def _bit(self, column: int) -> int:
        """Return the bit of a program; nothing if there is no room for it."""
        room = self._room.get(column)
        if room is None:
            room = self._room[column] = len(self._room)
            if self._can_end(column):
                self._ending |= 1 << room & _LOOKED
        return 1 << room & _LOOKED

    def _can_end(self, column: int) -> bool:
        """Say whether the execution can end by a step of the program in a column."""
        ends = self._ends.get(column)
        if ends is None:
            name = self._layout.histories[column].handle.name
            ends = self._ends[column] = self._enders is None or self._enders.may_be(name)
        return ends

    def after(self, memory: int, column: int, node: Node, move: Move, state: State) -> int:
        """Return the memory behind a step that a program takes in a state."""
        looks = self._only_looks.get(move)
        if looks is None:
            looks = self._only_looks[move] = self._looks(column, node, move, state)
        bit = self._bit(column)
        if memory & bit:
            memory ^= bit | self._node(memory, column) << self._place(column)
        return memory | bit | node.number << self._place(column) if looks and bit else memory

    def _place(self, column: int) -> int:
        return _PROGRAMS + _NODE * self._room[column]

    def _node(self, memory: int, column: int) -> int:
        """Return the number of the node from which a program has looked."""
        return memory >> self._place(column) & _NODES

    def _looks(self, column: int, node: Node, move: Move, state: State) -> bool:
        if column in self._events.sources or move.retry or move.child is not None or move.ends:
            return False
        row = self._layout.padded(state.row)
        return (
            node.number <= _NODES
            and all(one == column or row[one] == number for one, number in move.changes)
            and same_labels(node.labels, move.node.labels)
        )

    def missing(self, memory: int, last: int) -> int:
        """Return how many switches there are still to come at least, if a program took the last step.

        Those who have only looked go on later, but for the last one; if none of these can end the execution, one more.
        """
        if self._enders is None:
            return 0
        others = memory & _LOOKED & ~self._bit(last)
        if others:
            return others.bit_count() + (not others & self._ending)
        return 0 if self._can_end(last) else 1

    def might_have_waited(self, memory: int, column: int, node: Node, state: State) -> bool:
        """Say whether a program whose turn it is has looked before others went on, and would see the same now."""
        if not memory & self._bit(column):
            return False
        looking = self._layout.histories[column].nodes[self._node(memory, column)]
        assert looking is not None
        return any(
            move.node is node and self._only_looks.get(move, False)
            for move in self._steps.known(looking, self._layout.padded(state.row))
        )
