"""Strategies: who makes the choices when executions are sampled; one small file each.

A strategy (see `sampled.position`) is told when an execution begins and ends, and is asked for a program and an
outcome at each step. Its choices depend on its seed, the execution's number, what it is asked, and what earlier
executions of the same exploration showed it; on nothing else, so the same seed finds the same thing in any
process and on any version of Python.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from actors.explore.sampled.position import Strategy
from actors.explore.strategies.fresh import Fresh
from actors.explore.strategies.pct import Pct
from actors.explore.strategies.portfolio import Portfolio
from actors.explore.strategies.pos import Pos
from actors.explore.strategies.random_walk import RandomWalk
from actors.explore.strategies.urw import Urw
from actors.explore.strategies.window import Windows
from actors.explore.tables.tables import Tables
from actors.runtime.errors import VmraceError

Window = tuple[str, str]
"""A program's name and a label of it."""


class Setting(msgspec.Struct, frozen=True):
    """What strategies may use: the tables of the world, if it has any, and the windows that the user marked."""

    tables: Tables | None = None
    windows: tuple[Window, ...] = ()


def _random(seed: int, setting: Setting) -> Strategy:
    return Windows(seed, setting.windows) if setting.windows else RandomWalk(seed)


def _urw(seed: int, setting: Setting) -> Strategy:
    from actors.explore.sampled.counting import count  # noqa: PLC0415  # only who asks for it counts

    return Urw(seed, count(setting.tables)) if setting.tables is not None else Urw(seed)


def _portfolio(seed: int, setting: Setting) -> Strategy:
    others: list[Strategy] = [Pos(seed), Pct(seed), Urw(seed), RandomWalk(seed)]
    fresh = Fresh(seed)
    if setting.windows:
        return Portfolio(Windows(seed, setting.windows), [fresh, *others], every=2)
    return Portfolio(fresh, others)


STRATEGIES: Final[dict[str, Callable[[int, Setting], Strategy]]] = {
    "portfolio": _portfolio,
    "fresh": lambda seed, _: Fresh(seed),
    "random": _random,
    "pct": lambda seed, _: Pct(seed),
    "pos": lambda seed, _: Pos(seed),
    "urw": _urw,
}
"""The strategies by the name that the command line knows them by; each is made from a seed."""

_WITH_WINDOWS = ("portfolio", "random")


def make(name: str, seed: int, setting: Setting) -> Strategy:
    """Make a strategy; raises VmraceError for one that there is not, or that has no use for windows."""
    if name not in STRATEGIES:
        raise VmraceError(f"no strategy is called {name!r}; there are {', '.join(STRATEGIES)}")
    if setting.windows and name not in _WITH_WINDOWS:
        raise VmraceError(f"strategy {name} has no use for a window; {' and '.join(_WITH_WINDOWS)} have")
    return STRATEGIES[name](seed, setting)


def window(text: str) -> Window:
    """Read PROGRAM.LABEL; raises VmraceError for what is none."""
    program, dot, label = text.rpartition(".")
    if not (dot and program and label):
        raise VmraceError(f"--window takes PROGRAM.LABEL, not {text!r}")
    return program, label
