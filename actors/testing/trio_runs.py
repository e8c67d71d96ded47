"""Trio from wherever a test is: also from an async test, which runs on a Trio of its own already."""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import trio

T = TypeVar("T")


def on_trio(main: Callable[[], Awaitable[T]]) -> T:
    """Run an async function to its end, in a thread of its own where this one is running Trio."""
    if not trio.lowlevel.in_trio_run():
        return trio.run(main)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(trio.run, main).result()
