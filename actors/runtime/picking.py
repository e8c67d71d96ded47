"""Picking the same few values out of a mapping, again and again, at the price of one call."""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any


def picking(targets: tuple[Any, ...]) -> Callable[[Mapping[Any, Any]], tuple[Any, ...]]:
    """Return a function that picks these out of a mapping, as a tuple, without a loop in Python.

    A single one is there twice: `itemgetter` would not make a tuple of it.
    """
    if not targets:
        return _nothing
    return itemgetter(*targets) if len(targets) > 1 else itemgetter(targets[0], targets[0])


def _nothing(_: Mapping[Any, Any]) -> tuple[Any, ...]:
    return ()
