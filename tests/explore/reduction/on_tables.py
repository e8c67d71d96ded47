"""A world searched on tables: all orders of it, or the part that reduction leaves."""

from actors.explore.proving.search import Bounds, Search
from actors.explore.reduction.futures import Futures
from actors.explore.reduction.search import ReducedSearch
from actors.explore.tables.tables import Tables
from tests.explore.reduction.facts import Facts
from tests.explore.reduction.worlds import HELD, build


class _Forgotten(list):
    """Findings that do not stop a search in which broken conditions are ends."""

    def __iadd__(self, found):
        return self


class _Seen:
    """What there is in the states of one search; it listens to what is decided on them."""

    def __init__(self, tables, search, *, through_broken):
        self.tables = tables
        self.through_broken = through_broken
        self.finals, self.failures = set(), set()
        self._standing = search.decisions.standing
        search.decisions.standing = self.standing

    def standing(self, rows, *more):
        found = self._standing(rows, *more)
        layout = self.tables.layout
        for row in rows[found.failed].tolist():
            failed = self.tables.failures(layout.padded(tuple(row)))
            self.failures |= {(node.name, node.failure.text, node.failure.lines) for node in failed}
        final = found.finished & ~found.failed
        if not self.through_broken:
            final = final & ~found.broken
        self.finals |= {self.described(layout.padded(tuple(row))) for row in rows[final].tolist()}
        return found

    def described(self, row):
        layout = self.tables.layout
        held = {cell.name: layout.interners[at].values[row[at]] for cell, at in layout.cells.items()}
        nodes = [history.nodes[row[column]] for column, history in layout.schedule]
        local = {(node.name, _replies(node)) for node in nodes if node is not None}
        return tuple(held[name] for name in HELD), frozenset(local)


def _replies(node):
    found = []
    while node.parent is not None:
        found.append(getattr(node.reply, "name", node.reply))
        node = node.parent
    return tuple(reversed(found))


def _run(tables, search, *, through_broken):
    seen = _Seen(tables, search, through_broken=through_broken)
    if not through_broken:
        search.found = _Forgotten()
    return search.run(), seen


def _facts(going_on, clean):
    covered, seen = going_on
    programs = {name for name in covered.violated if ": " in name}
    assert {name.partition(":")[0] for name in programs} == {name for name, *_ in seen.failures}
    return Facts(
        frozenset(covered.violated - programs - {"deadlock"}),
        covered.met,
        frozenset(seen.failures),
        "deadlock" in covered.violated,
        frozenset(seen.finals),
        frozenset(clean[1].finals),
    )


def _full_once(drawn, *, through_broken):
    with Tables(build(drawn)) as tables:
        search = Search(tables, keep_going=through_broken, bounds=Bounds())
        return _run(tables, search, through_broken=through_broken)


def full(drawn):
    """Return the Facts of a world, by a search of all orders, and how many states that met."""
    going_on, clean = (_full_once(drawn, through_broken=through) for through in (True, False))
    return _facts(going_on, clean), going_on[0].states


def _reduced_once(drawn, *, through_broken):
    with Tables(build(drawn)) as tables:
        futures = Futures()
        while True:
            futures.assume()
            search = ReducedSearch(tables, futures, keep_going=through_broken)
            found = _run(tables, search, through_broken=through_broken)
            if futures.held():
                return found


def reduced(drawn):
    """Return the Facts of a world, by rounds of reduced searches, and how many states the last one met."""
    going_on, clean = (_reduced_once(drawn, through_broken=through) for through in (True, False))
    return _facts(going_on, clean), going_on[0].visited
