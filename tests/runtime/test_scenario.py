"""Scenarios: named builders of worlds."""

import pytest

from actors.runtime import World, case, scenario
from actors.runtime.errors import ModelError
from actors.runtime.watchdog import Watchdog


async def idle():
    """Nothing."""


@scenario(cases=[case(n=1, expect="proved", states=3)], fix="012345678901")
def small(n: int = 2, locked: bool = False) -> World:
    """Is it small?

    It is.
    """
    world = World()
    for number in range(n):
        world.variable(f"x{number}", locked)
    world.program(idle)
    return world


def test_a_scenario_knows_its_name_question_parameters_and_cases():
    assert (small.name, small.question, small.fix) == ("small", "Is it small?", "012345678901")
    assert small.story.endswith("It is.")
    assert [parameter.name for parameter in small.parameters] == ["n", "locked"]
    (only,) = small.cases
    assert (only.parameters, only.expect, only.states) == ({"n": 1}, "proved", 3)


def test_it_builds_a_world_each_time():
    assert len(small(n=3).cells) - len(small(n=1).cells) == 2
    assert small() is not small()


def test_only_what_differs_from_the_defaults_goes_into_a_token():
    assert small.changed({"n": 2, "locked": True}) == (("locked", "true"),)
    assert small.as_text({"n": 5}) == {"n": "5", "locked": "false"}


@scenario()
def no_world() -> World:
    """Is there a world?"""


@scenario()
def broken(n: int = 0) -> World:
    """Does it build?"""
    return 1 // n


def test_what_is_not_a_world_is_refused():
    with pytest.raises(ModelError, match="scenario no_world returned NoneType, not a World"):
        no_world()
    with pytest.raises(
        ModelError, match=r"test_scenario\.py:\d+: scenario broken builds no world: ZeroDivisionError"
    ):
        broken()


def test_a_case_gives_parameters_that_there_are():
    with pytest.raises(ModelError, match="a case gives 'm', which is not a parameter"):
        scenario(cases=[case(m=1, expect="proved")])(small._build)


def test_the_decorator_may_stand_without_parentheses():
    @scenario
    def plain() -> World:
        """Does it work?"""
        world = World()
        world.program(idle)
        return world

    assert plain.name == "plain"
    assert plain.cases == ()
    assert [spec.handle.name for spec in plain().programs] == ["idle"]


def test_what_is_no_function_is_refused():
    with pytest.raises(ModelError, match="@scenario takes a function"):
        scenario("a fix")


def test_a_builder_that_builds_on_another_is_watched_to_its_end(monkeypatch):
    monkeypatch.setattr(Watchdog, "limit", 0.2)

    @scenario
    def endless() -> World:
        """Does it end?"""
        small()
        while True:
            pass

    with pytest.raises(ModelError, match="did not end, and was stopped by the watchdog"):
        endless()
