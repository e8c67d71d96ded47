"""The watchdog: ends a stretch of code that neither sends a message nor ends.

A program that loops without sending holds the only thread there is, so no clock inside the run could stop it.
A daemon thread looks on: when one stretch of a program, device or condition has lasted longer than the limit,
it raises `Stuck` in the thread that runs it, inside the loop, so that the traceback names the line. Entering
and leaving a stretch costs two assignments.

The limit counts the watchdog's own looks, not a clock, so that a process that was suspended meanwhile is not
blamed for it. What it cannot end is a single call into C that never returns: Python delivers the exception
between two of its instructions.
"""

import ctypes
import threading
import time
import weakref
from typing import ClassVar

LIMIT_SECONDS = 5.0
_LOOKS = 10  # within one limit


class Stuck(BaseException):
    """Raised inside the code that is stuck; not an Exception, so that the code's own handlers let it pass."""

    def __str__(self) -> str:
        return "neither sent a message nor ended, and was stopped by the watchdog"


class Stretch:
    """What one thread is doing at the moment: in a stretch or not, and the stretch's serial number."""

    __slots__ = ("__weakref__", "inside", "serial", "thread")

    def __init__(self) -> None:
        self.inside = False
        self.serial = 0
        self.thread = threading.get_ident()

    def enter(self) -> None:
        """Begin a stretch."""
        self.serial += 1
        self.inside = True

    def leave(self) -> None:
        """End the stretch."""
        self.inside = False


class Watchdog(threading.local):
    """Gives each thread its Stretch, and watches all of them; `limit` is in seconds."""

    limit = LIMIT_SECONDS
    _stretches: ClassVar[weakref.WeakSet[Stretch]] = weakref.WeakSet()
    _thread: threading.Thread | None = None
    _lock = threading.Lock()

    def __init__(self) -> None:
        self.stretch = Stretch()
        with Watchdog._lock:
            Watchdog._stretches.add(self.stretch)
            if Watchdog._thread is None:
                Watchdog._thread = threading.Thread(
                    target=Watchdog._watch, name="vmrace watchdog", daemon=True
                )
                Watchdog._thread.start()

    @classmethod
    def _watch(cls) -> None:
        """Look at each stretch a few times within the limit, and stop those that have lasted longer."""
        seen: weakref.WeakKeyDictionary[Stretch, tuple[int, float]] = weakref.WeakKeyDictionary()
        while True:
            pause = cls.limit / _LOOKS
            time.sleep(pause)
            with cls._lock:
                stretches = list(cls._stretches)
            for stretch in stretches:
                serial, lasted = seen.get(stretch, (-1, 0.0))
                lasted = lasted + pause if stretch.inside and stretch.serial == serial else 0.0
                stuck_now = lasted >= cls.limit
                # Once; it may need a while to unwind, and is given the whole limit again.
                seen[stretch] = (stretch.serial, 0.0 if stuck_now else lasted)
                if stuck_now:
                    thread, stuck = ctypes.c_ulong(stretch.thread), ctypes.py_object(Stuck)
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, stuck)
            stretches.clear()


WATCHDOG = Watchdog()
