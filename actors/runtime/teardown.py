"""Ending a coroutine that may not go on.

An exception that is not an Exception is raised where it waits. Its `finally` and `__aexit__` run, but
whatever they send raises again. That ends any program but one that catches everything: such a one is never
resumed again, and never collected either, since Python would run it once more to end it, even when the
process itself ends.
"""

import ctypes
from collections.abc import Coroutine
from typing import Any

__plumbing__ = True


class Closing(BaseException):
    """Raised inside a program that may not go on; not an Exception, so that ordinary handlers let it pass."""


def end(coroutine: Coroutine[Any, Any, Any]) -> bool:
    """End a coroutine that waits or has not begun; return whether it caught that and went on."""
    if coroutine.cr_frame is None:  # type: ignore[attr-defined]  # every coroutine has it
        return False
    try:
        coroutine.throw(Closing())
    except StopIteration:
        return True
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # Closing itself, or what a `finally` raised instead: it is over
        return False
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(coroutine))
    return True


def assertion_in(error: BaseException | None, outer: BaseException | None) -> AssertionError | None:
    """Return the failed assertion that is being unwound, if any; `outer` is what the caller was handling."""
    while error is not None and error is not outer:
        if isinstance(error, AssertionError):
            return error
        error = error.__context__
    return None
