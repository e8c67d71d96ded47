"""What a program is, between two messages: the replies that it has received since it began, or last became.

A program is deterministic in its replies, so *(behaviour, arguments, replies so far)* names its local state; what the routines
that have returned were replied does not matter any more (`places`). Such a state is a `Node`; it knows the message that the
program sends next, the labels that it has set, and how it ended. The coroutine is run once for each new reply, and its answer is
kept: after that, going from node to node is a look-up.

A coroutine cannot be copied, so each stands at one node only. Where a node is extended by a second reply, its program is run
again from the beginning, the way on which the node was first met, and every message on the way is compared with what is known:
a program that is not a function of its replies is found out there. A few coroutines are kept standing where they are, since
mostly the last one goes on.
"""

from collections import OrderedDict
from typing import Any

from actors.explore.tables.interning import Interner
from actors.explore.tables.places import Place
from actors.runtime.determinism import difference, remembered
from actors.runtime.errors import Nondeterminism
from actors.runtime.life import Spawn, spawn_needs_name
from actors.runtime.program import Behaviour, Send
from actors.runtime.running import Running
from actors.runtime.values import check_value, same, typed
from protocol.handles import Program
from protocol.records import Failure

_STANDING = 256
"""Coroutines of one program that are kept at their nodes."""


class Node:
    """One local state of one program.

    `pending` is the message that it sends next, None if it has ended; `failure` says that it ended badly.
    `moves` is the step table of this node (see `steps`), `next` the node after each reply, by its typed key;
    `retried` says that a device moved and left the message pending, `by_device` that a device's error ended it.
    `lines` are where it stands, outermost first:
    function, file, the function's first line, line.
    """

    __slots__ = (
        "by_device", "depth", "failure", "history", "labels", "lines", "moves", "next", "number", "parent", "pending",
        "place", "question", "reply", "retried", "root",
    )  # fmt: skip

    def __init__(
        self, history: "History", number: int, parent: "Node | None", reply: Any, root: "Root"
    ) -> None:
        self.history = history
        self.number = number
        self.parent = parent
        self.reply = reply
        self.root = root
        self.place: Place | None = None
        self.depth = 0
        self.pending: Send | None = None
        self.labels: dict[str, object] = {}
        self.failure: Failure | None = None
        self.next: dict[object, Node] = {}
        self.moves: Any = None
        self.question: Any = None
        self.retried = False
        self.by_device = False
        self.lines: tuple[tuple[str, str, int, int], ...] = ()

    @property
    def name(self) -> str:
        """The name of the program."""
        return self.history.handle.name

    # What the devices' evaluation asks of a program (see `actors.runtime.evaluation`).

    @property
    def handle(self) -> Program:
        """The program's handle."""
        return self.history.handle

    @property
    def steps(self) -> int:
        """How many steps the program has taken since it began or last became."""
        return self.depth

    def where(self) -> str:
        """Return `file:line` of where the program stands."""
        if not self.lines:
            return self.history.standing_at(self).where()
        _, file, _, line = self.lines[-1]
        return f"{file}:{line}"


class Root:
    """The beginning of a behaviour, with its arguments: where a program starts, or what it becomes.

    The two are one state, but for places: a program that has become something forgets how many it has spawned, so
    its spawns need names. `became` and `unnamed` say whether it was ever become, and whether it spawns by place.
    """

    __slots__ = ("args", "became", "function", "unnamed")

    def __init__(self, function: Behaviour, args: tuple[Any, ...]) -> None:
        self.function = function
        self.args = args
        self.became = False
        self.unnamed: Node | None = None

    def check(self) -> None:
        """Refuse a spawn by place behind a `become`; raises ModelError."""
        if self.became and self.unnamed is not None:
            raise spawn_needs_name(self.unnamed)


class History:
    """All the nodes of one program; `key` is its place in the default order."""

    def __init__(self, handle: Program, key: tuple[Any, ...]) -> None:
        self.handle = handle
        self.key = key
        self.background = bool(key[0])
        self.nodes: list[Node | None] = [None]
        self._outside = Place(None, Interner())
        self._starts: dict[Place, Node] = {}
        self._stops: dict[
            Place, Node
        ] = {}  # the state at each place where the program sends: not where it calls a routine
        self._standing: OrderedDict[Node, Running] = OrderedDict()
        self._met_again: list[tuple[Node, Any, Node]] = []

    def start(self, function: Behaviour, args: tuple[Any, ...]) -> Node:
        """Return the node at which the program begins."""
        place = self._outside.call(function, args)
        known = self._starts.get(place)
        if known is None:
            running = self._run(function, args)
            known = self._starts[place] = self._arrive(place, running, None, None, Root(function, args))
        return known

    def _run(self, function: Behaviour, args: tuple[Any, ...]) -> Running:
        """Run a program to its first message."""
        running = Running(self.handle, function, args, self.key, keeps=False)
        running.calls.trail = []
        running.advance()
        return running

    def after(self, node: Node, reply: Any) -> Node:
        """Return the node that follows when the program has this reply."""
        key = typed(reply)
        known = node.next.get(key)
        if known is None:
            known = node.next[key] = self._extend(node, reply, key)
        return known

    def failed(self, node: Node, error: BaseException) -> Node:
        """Return the node of the program ended by an error of the device that handled its message."""
        key = (BaseException, type(error), str(error))
        known = node.next.get(key)
        if known is None:
            running = self.standing_at(node)
            del self._standing[node]
            running.fail(error)
            known = node.next[key] = self._node(node, None, running, node.root)
            known.by_device = True
        return known

    def _extend(self, node: Node, reply: Any, key: object) -> Node:
        running = self.standing_at(node)
        del self._standing[node]
        segments = len(running.segments)
        running.advance(reply)
        if len(running.segments) == segments:
            assert node.place is not None
            return self._arrive(node.place.replied(key), running, node, reply, node.root)
        became = running.segments[-1]
        place = self._outside.call(became.function, became.args)
        found = self._starts.get(place)
        if found is None:
            root = Root(became.function, became.args)
            found = self._starts[place] = self._arrive(place, running, None, None, root)
        else:
            running.close()
        found.root.became = True
        found.root.check()
        return found

    def _arrive(self, place: Place, running: Running, parent: Node | None, reply: Any, root: Root) -> Node:
        """Return the node at which a program stands that was at `place` and has run on from there."""
        if running.calls.trail:
            running.calls.check(self.handle.name)
            place = place.along(running.calls.trail)
        if running.failure is not None:
            place = place.replied(Failure, running.failure)
        known = self._stops.get(place)
        if known is None:
            known = self._stops[place] = self._node(parent, reply, running, root)
            known.place = place
            return known
        assert parent is not None
        self._met_again.append((parent, reply, known))
        self._check_met(known, running)
        running.close()
        return known

    @staticmethod
    def _check_met(node: Node, running: Running) -> None:
        """Raise Nondeterminism if a program that has come to a node with another past stands anywhere else."""
        if not _alike(node, running):
            raise remembered(running, node.pending, node.labels)

    def _node(self, parent: Node | None, reply: Any, running: Running, root: Root) -> Node:
        """Write down where a program stands now."""
        node = Node(self, len(self.nodes), parent, reply, root)
        self.nodes.append(node)
        node.depth = parent.depth + 1 if parent is not None else 0
        node.pending = running.pending
        node.failure = running.failure
        node.labels = dict(running.labels)
        if running.pending is not None:
            self._check_sent(running, running.pending)
            node.lines = running.lines()
            self._keep(node, running)
            if type(running.pending.message) is Spawn and running.pending.message.by_place(self.handle.name):
                root.unnamed = root.unnamed or node
                root.check()
        return node

    def _check_sent(self, running: Running, sent: Send) -> None:
        name = self.handle.name
        check_value(sent.message, lambda: f"{running.where()}: message of {name}")
        check_value(sent.to, lambda: f"{running.where()}: device that {name} sends to")

    def _keep(self, node: Node, running: Running) -> None:
        self._standing[node] = running
        if len(self._standing) > _STANDING:
            self._standing.popitem(last=False)[1].close()

    def standing_at(self, node: Node) -> Running:
        """Return the program standing at a node, run again from its beginning if it has gone on since."""
        running = self._standing.get(node)
        if running is None:
            running = self._run_again(node)
            self._keep(node, running)
        return running

    def _run_again(self, node: Node) -> Running:
        path = []
        at: Node | None = node
        while at is not None:
            path.append(at)
            at = at.parent
        running = self._run(node.root.function, node.root.args)
        try:
            self._compare(path[-1], running)
            for one in reversed(path[:-1]):
                running.advance(one.reply)
                self._compare(one, running)
        except Nondeterminism:
            running.close()
            raise
        return running

    def check(self, most: int) -> int:
        """Run the program again to the ends of its histories, the last first; return how many steps that were.

        Then go on from where it came to a known node with another past, which must make no difference.
        """
        steps = 0
        for node in reversed(self.nodes[1:]):
            if steps >= most:
                break
            if node is not None and not node.next and not node.by_device:
                self._run_again(node).close()
                steps += node.depth + 1
        for parent, reply, met in reversed(self._met_again):
            if steps >= most:
                break
            steps += self._go_on(parent, reply, met)
        return steps

    def _go_on(self, parent: Node, reply: Any, met: Node) -> int:
        """Run the program to `parent` and on to `met`, which knows another past, and further as that one did."""
        running = self._run_again(parent)
        steps = parent.depth + 1
        at: Node | None = met
        try:
            while at is not None:
                running.advance(reply)
                steps += 1
                self._check_met(at, running)
                at = next((one for one in at.next.values() if one.parent is at and not one.by_device), None)
                reply = at.reply if at is not None else None
        finally:
            running.close()
        return steps

    @staticmethod
    def _compare(node: Node, running: Running) -> None:
        """Raise Nondeterminism if the program did not do the same again."""
        if len(running.segments) > 1 or not _alike(node, running):
            raise difference(running, node.depth + 1, node.pending, node.labels)

    def close(self) -> None:
        """Close the coroutines that stand somewhere."""
        while self._standing:
            self._standing.popitem()[1].close()


def _alike(node: Node, running: Running) -> bool:
    """Say whether a program stands where a node says, with the same labels."""
    known, again = node.pending, running.pending
    if known is None or again is None:
        alike = known is again and node.failure == running.failure
    else:
        alike = known.to == again.to and same(known.message, again.message)
    return alike and same_labels(node.labels, running.labels)


def same_labels(first: dict[str, object], second: dict[str, object]) -> bool:
    """Say whether two programs have set the same labels to the same values."""
    return first.keys() == second.keys() and all(same(first[name], second[name]) for name in first)
