"""The watchdog: ends a stretch of code that neither sends a message nor ends.

A program that loops without sending holds the only thread there is, so no clock inside the run could stop it.
A daemon thread looks on: when one stretch of a program, device or condition has lasted longer than the limit,
it raises `Stuck` in the thread that runs it, inside the loop, so that the traceback names the line. Entering
and leaving a stretch costs two assignments.

The limit counts the watchdog's own looks, not a clock, so that a process that was suspended meanwhile is not
blamed for it. Python delivers the exception between two of its instructions, and a bare `except` may catch it;
so where it has been raised a few times without effect, because the code catches it or never comes back from a
call into C, the watchdog says where and ends the process.
"""

import ctypes
import os
import sys
import threading
import time
import weakref
from contextlib import suppress
from typing import ClassVar, NoReturn

LIMIT_SECONDS = 5.0
_LOOKS = 10  # within one limit
_ATTEMPTS = 3
_STATUS = 4  # an internal error, as the command line has it
_SHOW_CURSOR = "\x1b[?25h"  # a progress bar may have hidden it


class Stuck(BaseException):
    """Raised inside the code that is stuck; not an Exception, so that the code's own handlers let it pass."""

    def __str__(self) -> str:
        return "neither sent a message nor ended, and was stopped by the watchdog"


def end_process(line: str, status: int) -> NoReturn:
    """Say why, and end the process at once, without anything of what Python does at its end."""
    shown = _SHOW_CURSOR if os.isatty(2) else ""
    with suppress(OSError):  # nobody may be listening
        os.write(2, f"{shown}vmrace: {line}\n".encode(errors="backslashreplace"))
    os._exit(status)


def _end_stuck(thread: int) -> NoReturn:
    frame = sys._current_frames().get(thread)  # noqa: SLF001  # the documented way to another thread's frame
    code = frame.f_code if frame is not None else None
    where = f"{code.co_filename}:{frame.f_lineno} in {code.co_qualname}" if frame and code else "a program"
    line = (
        f"{where}: neither sends a message nor ends, and does not let the watchdog stop it (a bare `except`?)"
    )
    end_process(line, _STATUS)


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
        seen: weakref.WeakKeyDictionary[Stretch, tuple[int, float, int]] = weakref.WeakKeyDictionary()
        while True:
            pause = cls.limit / _LOOKS
            time.sleep(pause)
            with cls._lock:
                stretches = list(cls._stretches)
            for stretch in stretches:
                serial, lasted, attempts = seen.get(stretch, (-1, 0.0, 0))
                if stretch.inside and stretch.serial == serial:
                    lasted += pause
                else:
                    serial, lasted, attempts = stretch.serial, 0.0, 0
                if lasted >= cls.limit:
                    if attempts == _ATTEMPTS:
                        _end_stuck(stretch.thread)
                    thread, stuck = ctypes.c_ulong(stretch.thread), ctypes.py_object(Stuck)
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, stuck)
                    # It may need a while to unwind, and is given the whole limit again.
                    lasted, attempts = 0.0, attempts + 1
                seen[stretch] = (serial, lasted, attempts)
            stretches.clear()


WATCHDOG = Watchdog()
