"""The fewest context switches of any violation, by a search of its own over states and who took the last step."""

from collections import deque

from actors.explore.tables.tables import Tables


def fewest_switches(world, only=None):
    """Return the fewest context switches with which something is violated; None if nothing is."""
    with Tables(world, only) as tables:
        return _search(tables)


def _search(tables):
    waiting = deque([(0, tables.initial(), None)])
    known = set()
    while waiting:
        switches, row, last = waiting.popleft()
        row = tables.layout.padded(row)
        if (row, last) in known:
            continue
        known.add((row, last))
        broken, _ = tables.judge.judged(row)
        if broken or any(True for _ in tables.failures(row)):
            return switches
        options = [] if tables.finished(row) else tables.options(row)
        if not options and not tables.finished(row):
            return switches  # a deadlock
        for column, _, moves in options:
            switched = last not in {None, column}
            for move in moves:
                after = (switches + switched, tables.after(row, move), column)
                (waiting.append if switched else waiting.appendleft)(after)
    return None
