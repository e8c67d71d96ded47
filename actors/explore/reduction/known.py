"""What has been noted of programs: what each of their nodes touches, and which nodes lie behind it."""

from typing import NamedTuple

from actors.explore.reduction.touch import Touch
from actors.explore.tables.histories import Node


class Future(NamedTuple):
    """What a program may touch from here on, and whether it may spawn one that need not finish."""

    touch: Touch = Touch()
    servants: bool = False

    def joined(self, other: "Future") -> "Future":
        """Return what either holds."""
        return Future(self.touch.joined(other.touch), self.servants or other.servants)

    def within(self, other: "Future") -> bool:
        """Say whether nothing may happen in it that may not happen in the other."""
        return self.joined(other) == other


EMPTY = Future()


class Known:
    """The graph of all nodes, as far as it has been seen."""

    def __init__(self) -> None:
        self._own: dict[Node, Future] = {}
        self._after: dict[Node, set[Node]] = {}

    def note(self, node: Node, touch: Touch, after: list[Node]) -> None:
        """Take note of what a node's message touches, on some values, and of the nodes that it leads to."""
        servants = any(one.history is not node.history and one.history.background for one in after)
        self._own[node] = self._own.get(node, EMPTY).joined(Future(touch, servants))
        self._after.setdefault(node, set()).update(one for one in after if one is not node)

    def futures(self) -> dict[Node, Future]:
        """Return the future of each node: the least that is no less than that of any node behind it.

        It is found by going round until nothing changes; the last nodes come first, since most lead to later ones.
        """
        found = dict(self._own)
        order = list(reversed(found))
        changed = True
        while changed:
            changed = False
            for node in order:
                whole = found[node]
                for one in self._after[node]:
                    whole = whole.joined(found.get(one, EMPTY))
                if whole != found[node]:
                    found[node], changed = whole, True
        return found
