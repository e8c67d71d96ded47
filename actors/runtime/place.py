"""Where a program stands, in words that lead its author to the line.

A program is at the innermost call that is neither vmrace's own plumbing (modules that say `__plumbing__ =
True`) nor a library's: `await lock.acquire()` is at that line of the program, and not inside the lock.
"""

import ast
import functools
import linecache
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any

__plumbing__ = True

_LIBRARIES = tuple({sysconfig.get_paths()[kind] for kind in ("stdlib", "platstdlib", "purelib", "platlib")})
_OURS = frozenset({"actors", "protocol", "scenarios"})
_MOST_LINES = 20


@functools.lru_cache(maxsize=4096)
def in_library(file: str, module: str) -> bool:
    """Say whether a module belongs to Python or an installed library, vmrace itself apart."""
    return file.startswith(_LIBRARIES) and module.partition(".")[0] not in _OURS


def frames(coroutine: Any) -> list[FrameType]:
    """Return the frames of a coroutine, outermost first, whether it waits or runs."""
    if getattr(coroutine, "cr_running", False):
        return _running_frames(coroutine.cr_frame)
    found = []
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None)
        if frame is None:
            break
        found.append(frame)
        coroutine = coroutine.cr_await
    return found


def _running_frames(outermost: FrameType) -> list[FrameType]:
    found = []
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # the documented way to the caller's frame
    while frame is not None:
        found.append(frame)
        if frame is outermost:
            return found[::-1]
        frame = frame.f_back
    return [outermost]


def innermost(found: list[FrameType]) -> FrameType | None:
    """Return the innermost frame of the program's own code."""
    return next((frame for frame in reversed(found) if is_own(frame)), next(iter(found), None))


def caller(found: list[FrameType]) -> str:
    """Return the function of another package that the innermost one works for: who takes a lock, not the lock; or nothing."""
    own = [frame for frame in reversed(found) if is_own(frame)]
    return next((frame.f_code.co_name for frame in own if _package(frame) != _package(own[0])), "")


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).rpartition(".")[0]


def is_own(frame: FrameType) -> bool:
    """Say whether a frame is neither of vmrace's plumbing nor of a library."""
    module = str(frame.f_globals.get("__name__", ""))
    return not frame.f_globals.get("__plumbing__", False) and not in_library(frame.f_code.co_filename, module)


def lines_of(found: list[FrameType]) -> tuple[str, ...]:
    """Return the lines that a waiting program has gone through."""
    return _lines((frame, frame.f_lineno) for frame in found)


def lines_of_error(error: BaseException) -> tuple[str, ...]:
    """Return the lines that an exception went through."""
    return _lines(traceback.walk_tb(error.__traceback__))


def _lines(places: Iterator[tuple[FrameType, int]]) -> tuple[str, ...]:
    own = ((frame, line) for frame, line in places if not frame.f_globals.get("__plumbing__", False))
    summary = traceback.StackSummary.extract(own)
    return tuple(f"{one.filename}:{one.lineno} in {one.name}: {one.line}" for one in summary[-_MOST_LINES:])


def line_of_error(error: BaseException) -> str:
    """Return `file:line` of the code of a user in which an exception was raised."""
    places = list(traceback.walk_tb(error.__traceback__))
    own = [place for place in places if is_own(place[0])] or places
    return f"{own[-1][0].f_code.co_filename}:{own[-1][1]}" if own else "?"


@functools.lru_cache(maxsize=256)
def definitions(file: str) -> dict[tuple[str, int], ast.AST]:
    """Return the functions of a file by name and first line, as code objects count it."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return {}
    return {
        (node.name, min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])): node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def definition(function: Callable[..., object]) -> str:
    """Return `file:line` of where a function is defined."""
    code: CodeType | None = getattr(getattr(function, "__routine__", function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else "?"
