"""Which conditions are looked at: exact names before beginnings, and a clear refusal."""

import pytest

from actors.explore.selection import always_names, at_places, places, select, sometimes
from actors.runtime import World
from actors.runtime.errors import Divergence, VmraceError


def yes(value):
    return value is not None


@pytest.fixture
def world():
    made = World()
    x = made.variable("x", 0)
    for name in ("clear", "clear in host mode", "kept"):
        made.always(name, yes, x)
    made.sometimes("met", yes, x)
    made.sometimes("unmet", yes, x)
    return made


def test_all_of_them_unless_some_are_named(world):
    assert always_names(world) == ("clear", "clear in host mode", "kept")
    assert select(world, ()) is None
    assert places(world, None) == ()
    assert at_places(world, ()) is None


def test_exact_names_and_unique_beginnings(world):
    assert select(world, ["clear"]) == {"clear"}
    assert select(world, ["clear in", "k"]) == {"clear in host mode", "kept"}


def test_unknown_names_are_answered_with_those_that_exist(world):
    with pytest.raises(
        VmraceError, match="no condition is called 'met'; there are 'clear', 'clear in host mode', 'kept'"
    ):
        select(world, ["met"])


def test_beginnings_of_several_are_refused(world):
    with pytest.raises(
        VmraceError, match=r"2 conditions begin with 'cle'; there are 'clear', 'clear in host mode'$"
    ):
        select(world, ["cle"])


def test_a_world_without_any():
    with pytest.raises(VmraceError, match="no condition is called 'x'; this scenario has none"):
        select(World(), ["x"])


def test_places_lead_back_to_the_names(world):
    only = select(world, ["kept", "clear"])
    assert places(world, only) == (0, 2)
    assert at_places(world, (0, 2)) == only


def test_a_place_that_the_world_lacks_is_a_divergence(world):
    with pytest.raises(Divergence, match="condition 4 of its scenario, and this one has 3"):
        at_places(world, (3,))


def test_sometimes(world):
    assert sometimes(world, {"met"}) == {"met": True, "unmet": False}
