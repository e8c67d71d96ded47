"""The one place where an answer is printed, and where an error becomes a line and an exit status.

click parses, and does nothing else: its own printing of errors would be several lines, and would know nothing of
`--json`. So it is run without its standalone mode, commands return an Answer, and `main` prints it.
"""

import io
import json
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import partial
from typing import Any

import click
import msgspec

from actors.cli.answers import FINE, INTERNAL, INTERRUPTED, USAGE, Answer, Outcome, complain
from actors.cli.app import Work, app
from actors.cli.interrupt import raise_on_interrupt
from actors.cli.process import whole_process
from actors.cli.tallies import Report
from actors.runtime.errors import VmraceError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return the exit status; every error is one line on stderr.

    Without arguments it is that of the process, and the last thing that the process does.
    """
    if arguments is not None:
        return _answer(list(arguments))
    with whole_process():
        return _answer(sys.argv[1:])


def _answer(given: list[str]) -> int:
    _write_whatever_stdout_can()
    status = FINE
    try:
        work = _parse(given)
        if isinstance(work, int):
            return work  # help or version, printed already
        with redirect_stdout(sys.stderr):  # what a user's own code prints is not the answer
            answer = _do(work)
        status = answer.status
        _print(_shaped(answer, given), as_json="--json" in given)
    except BrokenPipeError:  # whoever read our output has gone, having seen enough
        _forget_stdout()
    except OSError as error:
        _forget_stdout()
        return _failed(f"cannot write the answer: {error.strerror or error}", INTERNAL).status
    return status


def _parse(given: list[str]) -> Work | int:
    """Let click find the command; what it refuses is answered in a line."""
    try:
        work: Work | int | None = app.main(given, prog_name="vmrace", standalone_mode=False)
    except click.ClickException as error:
        return partial(_failed, _with_hint(error), USAGE)
    except click.Abort:
        return partial(_failed, "stopped by Ctrl-C", INTERRUPTED)
    except SystemExit:
        raise BrokenPipeError from None  # so it ends where nobody reads the help
    return FINE if work is None else work


def _do(work: Work) -> Answer:
    """Do what was asked for; errors become answers."""
    try:
        with raise_on_interrupt():
            return work()
    except VmraceError as error:
        return _failed(str(error), USAGE)
    except BaseException as error:  # noqa: BLE001  # whatever it is, it becomes one line
        return _unexpected(error)


def _unexpected(error: BaseException) -> Answer:
    """Answer what should not happen: Ctrl-C where nobody listened, or an error of vmrace itself."""
    if _interrupted(error):
        return _failed("stopped by Ctrl-C", INTERRUPTED)
    if os.environ.get("VMRACE_DEBUG") == "1":
        traceback.print_exception(error)
    what = f"internal error: {type(error).__name__}: {error} (a bug in vmrace; VMRACE_DEBUG=1 shows where)"
    return _failed(what, INTERNAL)


def _interrupted(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(_interrupted(one) for one in error.exceptions)
    return isinstance(error, KeyboardInterrupt)


def _failed(message: str, status: int) -> Answer:
    return Answer("", Outcome(message=complain(message)), status)


def _shaped(answer: Answer, given: Sequence[str]) -> Answer:
    """Return the answer with its object as the command has it also where the command itself did not come to answer."""
    command = next((word for word in given if not word.startswith("-")), "")
    if command != "conform" or not isinstance(answer.json, Outcome):
        return answer
    return msgspec.structs.replace(answer, json=Report([], answer.json.message))


def _with_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "vmrace"
    return f"{error.format_message().rstrip('.')} (`{command} -h` shows what there is)"


def _print(answer: Answer, *, as_json: bool) -> None:
    """Print an answer, and notice here, not at the interpreter's exit, if nobody reads it."""
    text = _json(answer.json) if as_json else answer.text
    if text:
        print(text)  # noqa: T201  # this is the command line
    if sys.stdout is None:
        raise OSError("standard output is closed")
    sys.stdout.flush()


def _json(value: Any) -> str:
    """Write an object in ASCII, which every standard output can say, and no escape of Python's gets into."""
    return json.dumps(msgspec.to_builtins(value), separators=(",", ":"))


def _write_whatever_stdout_can() -> None:
    """Let a character that standard output's encoding lacks be written as its number."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _forget_stdout() -> None:
    """Let the interpreter's last flush go nowhere: nothing can be written there any more."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
