"""Progress, on a terminal and only there: a line on stderr that goes away."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actors.explore.verification import Searched


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None] | None]:
    """Give a function to be told how many are done, or None where nobody would see it."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415  # takes long, and is for terminals alone
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def searching(what: str) -> Iterator[Callable[["Searched"], None] | None]:
    """Give a function to be told how far a search is, or None where nobody would see it."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415  # takes long, and is for terminals alone

    with Console(stderr=True).status(what) as status:

        def show(one: "Searched") -> None:
            rate = one.states / one.seconds if one.seconds else 0
            status.update(
                f"{what}: {one.states:,} states, {rate:,.0f}/s, frontier {one.frontier:,}, depth {one.depth}"
            )

        yield show
