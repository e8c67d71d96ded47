"""Machines run on Trio with every check on, and what their programs sent.

A `Story` is one execution: who sent what in which order, and, since most tests ask about one program, that program's
messages as text, as they stand in a listing.
"""

import random

import pytest

from actors.runtime.drivers.trio_driver import open_driver
from actors.runtime.schedule import Default


class Story:
    """An observer that keeps each step as (program, message, reply, text), and the CPUs before it."""

    def __init__(self):
        self.steps = []
        self.states = []
        self.execution = None

    def handled(self, execution, running, before, outcome):
        del execution
        text = running.pending.to.describe(running.pending.message)
        self.steps.append((running.name, running.pending.message, outcome.reply, text))
        self.states.append(before)

    def settled(self, execution):
        pass

    def of(self, name):
        """What one program sent, as text."""
        return [text for program, _, _, text in self.steps if program == name]

    def labels(self, name):
        return self.execution.running[name].labels

    @property
    def failure(self):
        return self.execution.violation and self.execution.violation.failure


class Random:
    """Any enabled program, any outcome."""

    def __init__(self, seed):
        self._draw = random.Random(f"{seed}").randrange

    def program(self, execution, enabled):
        del execution
        return self._draw(len(enabled))

    def outcome(self, execution, running, count):
        del execution, running
        return self._draw(count)


class When:
    """The default order, but `name` goes as soon as it can when `condition(execution)` holds."""

    def __init__(self, name, condition):
        self._name, self._condition = name, condition

    def program(self, execution, enabled):
        if self._condition(execution):
            return next((at for at, one in enumerate(enabled) if one.name == self._name), 0)
        return 0

    def outcome(self, execution, running, count):
        del execution, running, count
        return 0


@pytest.fixture(scope="session")
def when():
    return When


@pytest.fixture(scope="session")
def before_message():
    """Make a chooser that lets `name` go when `other` is about to send a message whose text starts so."""

    def make(name, other, text):
        def about_to(execution):
            pending = execution.running[other].pending
            return pending is not None and pending.to.describe(pending.message).startswith(text)

        return When(name, about_to)

    return make


@pytest.fixture
def tell():
    """Run one checked execution of a world; the default order unless a chooser is given."""

    async def tell(world, chooser=None):
        story = Story()
        async with open_driver(world) as driver:
            story.execution = await driver.run(chooser or Default(), checked=True, observer=story, limit=2000)
        return story

    return tell


@pytest.fixture
def sample():
    """Run many executions of a world in random orders."""

    async def sample(world, count):
        stories = []
        async with open_driver(world) as driver:
            for seed in range(count):
                story = Story()
                story.execution = await driver.run(Random(seed), observer=story, limit=2000)
                assert story.execution.ending != "limit"
                stories.append(story)
        return stories

    return sample
