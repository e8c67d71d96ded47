"""Which conditions are looked at: all, or those that somebody names, so that one does not hide another."""

from collections.abc import Container, Sequence

from actors.runtime.errors import Divergence, VmraceError
from actors.runtime.world import World


def always_names(world: World) -> tuple[str, ...]:
    """Return the names of the world's `always` conditions, in their order."""
    return tuple(condition.name for condition in world.conditions if condition.mode == "always")


def sometimes(world: World, met: Container[str]) -> dict[str, bool]:
    """Say of each of the world's `sometimes` conditions whether it is among those met."""
    return {
        condition.name: condition.name in met
        for condition in world.conditions
        if condition.mode == "sometimes"
    }


def select(world: World, wanted: Sequence[str]) -> frozenset[str] | None:
    """Return the conditions meant by exact names or unique beginnings; None, all of them, if none are given.

    Raises VmraceError for one that means none or several.
    """
    names = always_names(world)
    return frozenset(_meant(one, names) for one in wanted) if wanted else None


def _meant(wanted: str, names: tuple[str, ...]) -> str:
    if wanted in names:
        return wanted
    found = [name for name in names if name.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    what = "there are" if names else "this scenario has none that could be chosen"
    listed = ", ".join(repr(name) for name in found or names)
    problem = (
        f"{len(found)} conditions begin with {wanted!r}" if found else f"no condition is called {wanted!r}"
    )
    raise VmraceError(f"{problem}; {what} {listed}".rstrip())


def places(world: World, only: frozenset[str] | None) -> tuple[int, ...]:
    """Return where the selected conditions stand among the world's, for a token."""
    if only is None:
        return ()
    return tuple(place for place, name in enumerate(always_names(world)) if name in only)


def at_places(world: World, found: tuple[int, ...]) -> frozenset[str] | None:
    """Return the conditions of a token; raises Divergence if the world has fewer than the token's had."""
    names = always_names(world)
    if found and max(found) >= len(names):
        raise Divergence(
            f"the token looks at condition {max(found) + 1} of its scenario, and this one has {len(names)}"
        )
    return frozenset(names[place] for place in found) if found else None
