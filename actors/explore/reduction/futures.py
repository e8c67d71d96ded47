"""What programs are assumed to touch in future, and whether that was enough."""

from actors.explore.reduction.known import EMPTY, Future, Known
from actors.explore.reduction.touch import Touch
from actors.explore.tables.histories import History, Node


class Futures:
    """The assumptions of one round after another; each is what is known when the round begins."""

    def __init__(self) -> None:
        self.known = Known()
        self._assumed: dict[Node, Future] = {}
        self._anywhere: dict[History, Future] = {}
        self._relied: dict[Node, Future] = {}

    def assume(self) -> None:
        """Begin a round: assume that there is no more than is known now."""
        self._assumed = self.known.futures()
        self._relied = {}
        self._anywhere = {}
        for node, future in self._assumed.items():
            self._anywhere[node.history] = self._anywhere.get(node.history, EMPTY).joined(future)

    def of(self, node: Node, guess: Touch) -> Future:
        """Return what a node is assumed to touch.

        Of a node that nobody knew that is `guess`, and what its program does anywhere: most often that is true.
        """
        relied = self._relied.get(node)
        if relied is None:
            relied = self._assumed.get(node)
            if relied is None:
                relied = self._anywhere.get(node.history, EMPTY).joined(Future(guess))
            self._relied[node] = relied
        return relied

    def held(self) -> bool:
        """Say whether no more is known by now than what was relied on."""
        found = self.known.futures()
        return all(found[node].within(future) for node, future in self._relied.items())
