"""Which steps matter: those on the way from the cause to the symptom.

It goes backwards, from what is violated (`symptom`) to the steps that gave it the values that it has, from these
to what they depend on, and so on. A step depends on the parts of cells without whose value it would not have
been possible, or would have written something else there, and on the replies without which its program would
have sent another message. Each of these is found by asking again: the device with another value, the program
with another reply (`facts`, `control`).

A step is the farther from the symptom the more dependences lie between. Where a value came from is nearer than why a program went
its way (`ELSEWHERE`): most steps have a part in that, and few are the story.

What it does not see: values that only matter together, where one of them alone could have been anything.
"""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

from actors.explore.explaining.control import Control
from actors.explore.explaining.facts import Facts, Instead
from actors.explore.explaining.leaves import Path, exchanged, part
from actors.explore.minimising.playing import Played
from actors.explore.tables.tables import Tables
from actors.runtime.device import Outcome
from actors.runtime.life import Spawn
from actors.runtime.values import same
from protocol.handles import Cell


class Effect(NamedTuple):
    """What is wanted of a step: that it writes a part of a cell; that it happens, and what it replies, if `cell` is None."""

    cell: Cell | None = None
    path: Path = ()


HAPPENS = Effect()


class Slice:
    """The steps that matter, as places in an execution; `passing` are orders that pass, to compare it with.

    `distance` says for each step that has been demanded how many dependences away from the symptom it is.
    """

    def __init__(self, tables: Tables, played: Played, passing: Sequence[Played] = ()) -> None:
        self.tables = tables
        self.facts = Facts(tables, played, [Facts(tables, one) for one in passing])
        self.distance: dict[int, int] = {}
        self._controls: dict[str, Control] = {}
        self._seen: set[tuple[int, Effect]] = set()
        self._sent: dict[tuple[str, int], bool] = {}
        self._spawned: dict[str, int] = {}
        for number, fact in enumerate(self.facts.steps):
            message = fact.node.pending.message if fact.node.pending is not None else None
            if type(message) is Spawn:
                self._spawned[message.child.name] = number
        self._waiting: list[tuple[int, int, int, Effect]] = []
        self._demands = 0

    def control(self, name: str) -> Control:
        """Return one program, to be told something else."""
        control = self._controls.get(name)
        if control is None:
            control = self._controls[name] = Control(self.tables, self.facts, name)
        return control

    def follow(self) -> None:
        """Demand all that what has been demanded depends on."""
        while self._waiting:
            distance, _, number, effect = heappop(self._waiting)
            self._go_on(number, effect, distance)

    def _go_on(self, number: int, effect: Effect, distance: int) -> None:
        """Find what a step depends on, as far as that effect of it is concerned."""
        for instead, outcome in self.facts.what_if(number):
            if outcome is None or self._alters(number, effect, instead, outcome):
                self.part(instead.cell, instead.path, number, distance + 1)
        name = self.facts.steps[number].node.name
        self.message(name, sum(1 for step in self.control(name).steps if step < number), distance)

    def _alters(self, number: int, effect: Effect, instead: Instead, outcome: Outcome) -> bool:
        """Say whether another value would have altered what is wanted of a step."""
        if effect.cell is None:
            return False
        fact = self.facts.steps[number]
        before = fact.before.get(effect.cell)
        if effect.cell == instead.cell:
            before = exchanged(before, instead.path, instead.value)
        after = dict(outcome.writes).get(effect.cell, before)
        return not same(part(after, effect.path), part(fact.after(effect.cell), effect.path))

    # What is demanded.

    def step(self, number: int, distance: int, effect: Effect = HAPPENS) -> None:
        """Demand a step."""
        if (number, effect) not in self._seen:
            self._seen.add((number, effect))
            self.distance[number] = min(distance, self.distance.get(number, distance))
            self._demands += 1
            heappush(self._waiting, (distance, self._demands, number, effect))

    def answer(self, number: int) -> None:
        """Demand the steps that gave a step its reply: where the device with another value would have replied another."""
        self.distance[number] = 0
        for instead, outcome in self.facts.what_if(number):
            if outcome is not None and not same(outcome.reply, self.facts.steps[number].outcome.reply):
                self.part(instead.cell, instead.path, number, 1)

    def part(self, cell: Cell, path: Path, before: int, distance: int) -> None:
        """Demand the step that gave a part of a cell the value that it has in front of another one."""
        number = self.facts.definer(cell, path, before)
        if number is not None:
            self.step(number, distance, Effect(cell, path))

    def message(self, name: str, place: int, distance: int) -> bool:
        """Demand the replies that decided on a program's message at a place among its steps; say if there are any.

        What it was spawned with was decided by its parent's replies, if by any.
        """
        known = self._sent.get((name, place))
        if known is not None:
            return known
        self._sent[name, place] = False
        control = self.control(name)
        found = self.replies(
            control, place, lambda at, reply: control.sends_another(at, reply, place), distance
        )
        number = self._spawned.get(name)
        if number is not None:
            parent = self.facts.steps[number].node.name
            if self.message(parent, self.control(parent).steps.index(number), distance):
                self.step(number, distance)
                found = True
        self._sent[name, place] = found
        return found

    def replies(self, control: Control, end: int, decides: Callable[[int, Any], int], distance: int) -> bool:
        """Demand those replies to a program before a place that decide on something; say if there are any."""
        found = False
        for place, number in enumerate(control.steps[:end]):
            fact = self.facts.steps[number]
            for instead, outcome in self.facts.what_if(number):
                if outcome is None or same(outcome.reply, fact.outcome.reply):
                    continue
                farther = decides(place, outcome.reply)
                if farther:
                    found = True
                    self.step(number, distance + farther)
                    self.part(instead.cell, instead.path, number, distance + farther + 1)
            for reply in self.facts.other_replies(number):
                farther = decides(place, reply)
                if farther:
                    found = True
                    self.step(number, distance + farther)
        return found
