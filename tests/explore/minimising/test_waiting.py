"""Orders that need not be looked at: a step that only looks may wait for its program's next one, or be left out.

That nothing cheaper is lost is said in `test_cheapest`, against a search that prunes nothing.
"""

import pytest

from actors.explore.minimising.cheapest import cheapest
from actors.explore.minimising.events import Events
from actors.explore.minimising.identity import Enders, enders
from actors.explore.minimising.order import FEWEST_SWITCHES
from actors.explore.minimising.waiting import NOTHING, Waiting
from actors.explore.tables.graph import Graph
from actors.explore.tables.tables import Tables
from actors.runtime import World, set_label
from actors.runtime.loading import built_in
from tests.explore.minimising.conftest import opened
from tests.zoo.shapes import SHAPES


async def looks_and_writes(x, y):
    await x.load()
    await x.load()
    await y.store(await x.load())


async def writes(x):
    await x.store(1)
    await x.store(0)


async def says(x):
    await x.load()
    set_label("seen", True)
    await x.store(2)


def world():
    made = World()
    x, y = made.variable("x", 0), made.variable("y", 0)
    made.program(looks_and_writes, x, y, name="a")
    made.program(writes, x, name="b")
    made.program(says, x, name="c")
    made.source(looks_and_writes, x, y, event="tick", budget=4, name="d")
    return made


class Walk:
    """An execution on a graph, and what is remembered of it."""

    def __init__(self, tables, ends=None):
        self.graph = Graph(tables)
        self.waiting = Waiting(self.graph, Events(tables), ends)
        self.state, self.memory = self.graph.first, NOTHING
        self.columns = {name: column for (name, _), column in tables.layout.programs.items()}

    def option(self, name):
        return next(
            (which, *option)
            for which, option in enumerate(self.graph.options(self.state))
            if option[1].name == name
        )

    def step(self, names):
        for name in names:
            which, column, node, moves = self.option(name)
            self.memory = self.waiting.after(self.memory, column, node, moves[0], self.state)
            self.state = self.graph.follow(self.state, which, 0)
        return self

    def might_have_waited(self, name):
        _, column, node, _ = self.option(name)
        return self.waiting.might_have_waited(self.memory, column, node, self.state)

    def missing(self, name):
        return self.waiting.missing(self.memory, self.columns[name])


@pytest.fixture
def tables():
    with Tables(world()) as opened_tables:
        yield opened_tables


def test_a_look_might_have_waited_if_it_would_see_the_same_behind_the_others(tables):
    assert not Walk(tables).might_have_waited("a")
    assert Walk(tables).step("ac").might_have_waited("a")
    assert not Walk(tables).step("ab").might_have_waited("a"), "it is not known what it would see"
    Walk(tables).step("ba")
    assert not Walk(tables).step("ab").might_have_waited("a"), "it would see something else"
    assert Walk(tables).step("abb").might_have_waited("a"), "x is again what it was"


def test_what_writes_sets_a_label_ends_or_is_an_event_does_not_wait(tables):
    for names in ("b", "bb", "c", "cc", "d", "dd", "aaaa"):
        assert Walk(tables).step(names).memory == NOTHING, names
    for names in ("a", "aa", "aaa", "ba", "bab"):
        assert Walk(tables).step(names).memory != NOTHING, names


def test_who_has_only_looked_goes_on_if_somebody_has_to_end_it_by_a_step(tables):
    anybody = Enders(None)
    assert Walk(tables, anybody).step("a").missing("a") == 0
    assert Walk(tables, anybody).step("ab").missing("b") == 1
    assert Walk(tables, anybody).step("aaaab").missing("b") == 0
    assert Walk(tables).step("ab").missing("b") == 0, "nothing is known"


def test_and_those_who_can_end_it_come_last(tables):
    b, a = Enders(frozenset("b")), Enders(frozenset("a"))
    assert Walk(tables, b).missing("b") == 0
    assert Walk(tables, b).step("a").missing("a") == 1
    assert Walk(tables, b).step("ab").missing("b") == 2, "a goes on, and then b"
    assert Walk(tables, a).step("ab").missing("b") == 1, "a goes on"


async def crossed(first, second):
    await first.acquire()
    await second.acquire()


def test_nothing_is_known_of_who_ends_a_deadlock():
    made = World()
    one, other = made.lock("one"), made.lock("other")
    made.program(crossed, one, other, name="p")
    made.program(crossed, other, one, name="q")
    with opened(made) as given:
        assert enders(given.identity) is None


LOOKED_AT = {
    "work_steal_queue": 16_939,
    "state_work_steal_queue": 17_421,
}
LARGE = ["owner_kept", "need_load_unset", "flags_read_once"]


def searched(scenario, case):
    with opened(scenario(**scenario.convert(scenario.as_text(case.parameters)))) as given:
        return cheapest(
            given.graph,
            given.same,
            FEWEST_SWITCHES,
            given.events,
            bound=FEWEST_SWITCHES.cost(given.counts(given.played)),
            enders=enders(given.identity),
        )


@pytest.mark.parametrize("name", LOOKED_AT)
def test_so_few_states_are_looked_at_for_the_largest_bugs_of_the_zoo(name):
    case = next(case for case in SHAPES[name].cases if case.expect == "violated")
    found = searched(SHAPES[name], case)
    assert found.complete
    assert found.states <= LOOKED_AT[name]


@pytest.mark.full
@pytest.mark.parametrize("mutant", LARGE)
def test_a_kernel_on_two_cpus_with_a_line_taken_away_is_gone_through(mutant):
    scenario = built_in("scenarios")["healthy_two_tasks"]
    wanted = {"cpus": 2, "mutant": mutant}
    case = next(one for one in scenario.cases if one.parameters.items() >= wanted.items())
    assert searched(scenario, case).complete
