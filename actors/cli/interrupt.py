"""Ctrl-C as a request: the first one ends the work between two steps, a second one ends the process at once.

At once means that nothing of Python's is waited for: code that catches every exception cannot catch that.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from actors.cli.answers import INTERRUPTED
from actors.runtime.watchdog import end_process


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether somebody has pressed Ctrl-C since; restore the handler afterwards."""
    asked = False

    def ask() -> None:
        nonlocal asked
        asked = True

    with _first_interrupt(ask):
        yield lambda: asked


@contextmanager
def raise_on_interrupt() -> Iterator[None]:
    """Let the first Ctrl-C raise KeyboardInterrupt, as Python does; restore the handler afterwards."""

    def stop() -> None:
        raise KeyboardInterrupt

    with _first_interrupt(stop):
        yield


@contextmanager
def _first_interrupt(then: Callable[[], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    pressed = False

    def press(_signal: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            end_process("ended at once by a second Ctrl-C", INTERRUPTED)
        pressed = True
        then()

    before = signal.signal(signal.SIGINT, press)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
