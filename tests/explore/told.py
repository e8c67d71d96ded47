"""What happened at each step of an execution, as the tables tell it and as Trio does, in the same words.

Of a step: program, device, message, the values of the footprint, the actor that handled it, outcome, reply, the message that
follows, all cells afterwards, and the program's labels.
"""

from actors.explore.sampled.columns import Columns
from actors.runtime.digest import Digest
from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.values import typed


def of_tables(tables, path):
    """Return what happened at each step of a path: nodes, and the moves that were taken from there."""
    layout, row, steps = tables.layout, tables.initial(), []
    for node, move in path:
        row = layout.padded(row)
        reach = tables.steps.reach(node, row)
        values = {cell.name: typed(layout.value(row, cell)) for cell in reach.touched.cells}
        row = tables.after(row, move)
        steps.append(
            (
                (node.name, node.pending.to.name, typed(node.pending.message), values),
                (reach.actor, move.label, typed(move.reply)),
                None if move.node.pending is None else typed(move.node.pending.message),
                _without_none({cell.name: typed(layout.value(row, cell)) for cell in layout.cells}),
                {name: typed(value) for name, value in move.node.labels.items()},
            )
        )
    return steps


def _without_none(cells):
    """A cell that is not there yet holds None on tables, and so may one that is."""
    return {name: value for name, value in cells.items() if value is not None}


class Watched(Digest):
    """An observer of an execution on Trio that notes the same, and digests it."""

    def __init__(self):
        super().__init__()
        self.steps = []
        self._handled = None

    def handled(self, execution, running, before, outcome):
        super().handled(execution, running, before, outcome)
        request = running.pending
        values = {cell.name: typed(value) for cell, value in before.items()}
        reply = None if outcome.label.startswith("raised ") else typed(outcome.reply)
        self._handled = (
            running,
            (running.name, request.to.name, typed(request.message), values),
            (running.actor, outcome.label, reply),
        )

    def settled(self, execution):
        super().settled(execution)
        if self._handled is None:
            return
        running, asked, answered = self._handled
        self._handled = None
        self.steps.append(
            (
                asked,
                answered,
                None if running.pending is None else typed(running.pending.message),
                _without_none({cell.name: typed(value) for cell, value in execution.cells.items()}),
                {name: typed(value) for name, value in running.labels.items()},
            )
        )


class OnTrio:
    """What became of an execution: `steps`, `facts` (length, ending, violated, met) and `digest`."""

    def __init__(self, execution, watched):
        names = execution.violation.names if execution.violation else ()
        self.steps = watched.steps
        self.facts = (execution.steps, execution.ending, names, frozenset(execution.met))
        self.digest = watched.value
        self.choices = execution.choices


async def of_trio(world, choosers, limit):
    """Run executions of one world on Trio, one for each chooser."""
    found = []
    async with open_driver(world) as driver:
        for chooser in choosers:
            watched = Watched()
            execution = await driver.run(chooser, limit=limit, observer=watched)
            found.append(OnTrio(execution, watched))
    return found


class NotedColumns(Columns):
    """Batches of walks that remember which links they took."""

    def walk(self, *args, **options):
        self.taken = []
        return super().walk(*args, **options)

    def _behind_links(self, links):
        self.taken.append(links.tolist())
        return super()._behind_links(links)

    def paths(self, walked):
        """Return the path of each walk of the last batch: (node, outcome, move) for each step.

        At each step the walks that go on are there, in their order.
        """
        found = [[] for _ in walked.steps]
        for step, links in enumerate(self.taken, 1):
            going = [place for place, steps in enumerate(walked.steps) if steps >= step]
            for place, link in zip(going, links, strict=True):
                state, option, outcome = self._links[link]
                _, node, moves = self._states[state].options[option]
                found[place].append((node, outcome, moves[outcome]))
        return found
