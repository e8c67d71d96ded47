"""`vmrace conform`: recorded vectors against the model, counted by set, with the lines that fail.

A line passes, fails at its first field that differs, or stops at an instruction that the recording itself says not to trust.
A set is what the files of one name hold. Malformed input ends it all: a count over the rest would look like agreement.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from actors.cli.answers import FINE, INTERRUPTED, USAGE, VIOLATED, Answer, complain
from actors.cli.interrupt import stop_on_interrupt
from actors.cli.progress import progress
from actors.cli.tallies import Report, Tally
from actors.machine.conform.reader import VectorError, read_lines, set_name
from actors.machine.conform.run import run
from actors.machine.conform.suspects import SUSPECTS
from actors.machine.conform.verdicts import Verdict
from actors.observe.text import WIDTH, clip, wrap
from actors.runtime.errors import VmraceError

SHOWN = 20
"""How many failed lines of a set are named unless all are asked for."""

_VALUE = 60


class _Work(msgspec.Struct):
    """What has been compared so far."""

    tallies: dict[str, Tally] = {}
    failures: dict[str, list[Verdict]] = {}
    stopped: dict[str, list[Verdict]] = {}

    def take(self, name: str, verdict: Verdict) -> None:
        self.tallies.setdefault(name, Tally(name)).count(verdict)
        if verdict.kind == "failed":
            self.failures.setdefault(name, []).append(verdict)
        elif verdict.kind == "stopped":
            self.stopped.setdefault(verdict.expected, []).append(verdict)

    @property
    def lines(self) -> int:
        return sum(tally.lines for tally in self.tallies.values())


def conform(files: Sequence[str], *, full: bool) -> Answer:
    """Compare every line of these files, and answer with the counts."""
    work = _Work()
    try:
        _refuse_repeated(files)
        with stop_on_interrupt() as stop, progress("conform", _size(files)) as done:
            finished = _compare(files, work, stop, done)
    except VmraceError as error:
        return Answer("", Report([], complain(str(error))), USAGE)
    message = _message(work) if finished else f"stopped by Ctrl-C after {_lines(work.lines)}"
    status = INTERRUPTED if not finished else VIOLATED if work.failures else FINE
    return Answer(_told(work, message, full=full), Report(list(work.tallies.values()), message), status)


def _refuse_repeated(files: Sequence[str]) -> None:
    seen: dict[Path, str] = {}
    for name in files:
        path = Path(name).resolve()
        if path in seen:
            again = "" if seen[path] == name else f" ({seen[path]} is the same file)"
            raise VectorError(f"{name} is given twice{again}")
        seen[path] = name


def _compare(
    files: Sequence[str], work: _Work, stop: Callable[[], bool], done: Callable[[int], None] | None
) -> bool:
    """Compare line by line; return whether all of it was done."""
    seen: dict[str, str] = {}
    before = 0
    for name in files:
        told = None if done is None else _from(before, done)
        for number, line in read_lines(name, seen, told):
            if stop():
                return False
            try:
                work.take(set_name(name), run(line))
            except VmraceError as error:
                raise VectorError(f"{name}:{number}: {error}") from None
        before += _size([name])
    return not stop()


def _from(before: int, done: Callable[[int], None]) -> Callable[[int], None]:
    return lambda place: done(before + place)


def _size(files: Sequence[str]) -> int:
    """Return how many bytes the files have, as far as they say."""
    total = 0
    for name in files:
        try:
            total += Path(name).stat().st_size
        except (OSError, ValueError):
            continue  # opening it will say why
    return total


# In words.


def _message(work: _Work) -> str | None:
    if not work.failures:
        return None
    count = sum(map(len, work.failures.values()))
    first = next(iter(work.failures.values()))[0]
    return f"{count} of {_lines(work.lines)} failed, the first {first.id} at {first.field}"


def _lines(count: int) -> str:
    return f"{count} line" if count == 1 else f"{count} lines"


def _told(work: _Work, message: str | None, *, full: bool) -> str:
    parts = [_table(list(work.tallies.values()))] if work.tallies else []
    if work.stopped:
        parts.append("\n".join(_stopped(work.stopped, full=full)))
    parts += ["\n".join(_failed(name, found, full=full)) for name, found in work.failures.items()]
    if message is not None:
        parts.append("\n".join(wrap(message, WIDTH)))
    return "\n\n".join(parts)


def _table(tallies: Sequence[Tally]) -> str:
    """Draw a row for each set, and one for all of them."""
    from rich.box import SIMPLE  # noqa: PLC0415  # takes long, and JSON does without
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    columns = ("lines", "passed", "failed", "stopped")
    table = Table(box=SIMPLE, show_footer=len(tallies) > 1, pad_edge=False)
    table.add_column("set", "all", overflow="fold")
    for column in columns:
        total = sum(getattr(tally, column) for tally in tallies)
        table.add_column(column, str(total), justify="right", no_wrap=True)
    for tally in tallies:
        table.add_row(clip(tally.name, WIDTH // 2), *(str(getattr(tally, column)) for column in columns))
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None, markup=False, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().strip("\n").splitlines())


def _stopped(stopped: Mapping[str, Sequence[Verdict]], *, full: bool) -> Iterator[str]:
    """Say at which tags sequences stopped, and with `full` how the model answers there, and why."""
    yield "Stopped where the recording itself is not believed" + ("" if full else " (--full says why)")
    for tags, found in stopped.items():
        yield from ("  " + line for line in wrap(f"{tags}: {_lines(len(found))}", WIDTH - 2, 4))
        for tag in tags.split(", ") if full else ():
            one = SUSPECTS.get(tag)
            told = (
                []
                if one is None
                else [
                    f"emulator: {one.emulator}",
                    f"model: {one.model}",
                    f"because: {one.why}",
                    f"seen in {found[0].id} ops[{found[0].op}]: {found[0].got}",
                ]
            )
            for text in told:
                yield from ("    " + line for line in wrap(text, WIDTH - 4, 2))


def _failed(name: str, found: Sequence[Verdict], *, full: bool) -> Iterator[str]:
    shown = found if full else found[:SHOWN]
    yield clip(f"Failed in {name}", WIDTH)
    for verdict in shown:
        where = verdict.field if verdict.op is None else f"ops[{verdict.op}] {verdict.field}"
        values = f"recorded {clip(verdict.expected, _VALUE)}, the model {clip(verdict.got, _VALUE)}"
        yield from ("  " + line for line in wrap(f"{verdict.id} {where}: {values}", WIDTH - 2, 4))
    if len(shown) < len(found):
        yield f"  and {len(found) - len(shown)} more; --full names them all"
