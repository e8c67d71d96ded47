"""The watchdog: ends a stretch of code that neither sends a message nor ends.

A program that loops without sending holds the only thread there is, so no clock inside the run could stop it. A daemon thread
looks on: when one stretch of a program, device or condition has lasted longer than the limit, it raises `Stuck` in the thread
that runs it, inside the loop, so that the traceback names the line. Entering and leaving a stretch costs a few assignments.
"""

import ctypes
import threading
import time

LIMIT_SECONDS = 5.0


class Stuck(BaseException):
    """Raised inside the code that is stuck; not an Exception, so that the code's own handlers let it pass."""

    def __str__(self) -> str:
        return "neither sent a message nor ended, and was stopped by the watchdog"


class Stretch:
    """What one thread is running at the moment: a name, or None between stretches, and the stretch's serial number."""

    __slots__ = ("name", "serial", "thread")

    def __init__(self) -> None:
        self.name: str | None = None
        self.serial = 0
        self.thread = threading.get_ident()

    def enter(self, name: str) -> None:
        """A stretch of `name` begins."""
        self.serial += 1
        self.name = name

    def leave(self) -> None:
        """The stretch has ended."""
        self.name = None


class Watchdog(threading.local):
    """Gives each thread its Stretch, and watches all of them; `limit` is in seconds."""

    limit = LIMIT_SECONDS
    _all: list[Stretch] = []  # noqa: RUF012  # shared by all threads on purpose
    _thread: threading.Thread | None = None
    _lock = threading.Lock()

    def __init__(self) -> None:
        self.stretch = Stretch()
        with Watchdog._lock:
            Watchdog._all = [*Watchdog._all, self.stretch]
            if Watchdog._thread is None:
                Watchdog._thread = threading.Thread(target=_watch, name="vmrace watchdog", daemon=True)
                Watchdog._thread.start()

    def enter(self, name: str) -> None:
        """A stretch of `name` begins in this thread."""
        self.stretch.enter(name)

    def leave(self) -> None:
        """The stretch of this thread has ended."""
        self.stretch.leave()


def _watch() -> None:
    """Look at each stretch a few times within the limit, and stop those that have lasted longer."""
    since: dict[Stretch, tuple[int, float]] = {}
    while True:
        time.sleep(Watchdog.limit / 10)
        now = time.monotonic()
        for stretch in Watchdog._all:  # noqa: SLF001  # the same module's
            serial, begun = since.get(stretch, (-1, now))
            if stretch.name is None or stretch.serial != serial:
                since[stretch] = (stretch.serial, now)
            elif now - begun >= Watchdog.limit:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(stretch.thread), ctypes.py_object(Stuck))


WATCHDOG = Watchdog()
