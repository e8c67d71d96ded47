"""Breaks each rule of the extended-state model once, and shows what notices: `python tests/mutation/run.py`.

The working tree is not touched. Each worker has a copy of the project in which it breaks one rule after the other, and runs
the project's vectors and the tests of `tests/machine` over each mutant (`trial`): the recorded outcomes and the tests of the
broken module over each, and only if neither notices what the manual allows besides, and all other tests of
`tests/machine/xstate` and `tests/machine/conform`. What nothing catches has to be explained in the list (`rules`), or the
exit status is 1; so it is if something explained is caught after all.
"""

import argparse
import compileall
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import msgspec
from rich.console import Console
from rich.table import Column, Table

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.mutation.mutation import Mutation  # noqa: E402
from tests.mutation.rules import MUTATIONS  # noqa: E402

PARTS = ("actors", "protocol", "scenarios", "tests", "pyproject.toml", "README.md")
SOUND = Mutation("unbroken", "the model as it is", "save.py", "", "")


class Trial(msgspec.Struct):
    """What caught a mutant: a line of the vectors, and a test."""

    mutation: Mutation
    vectors: str | None = None
    tests: str | None = None

    @property
    def caught(self) -> bool:
        """Whether anything noticed."""
        return bool(self.vectors or self.tests)

    @property
    def as_explained(self) -> bool:
        """Whether it was caught, or survived and the list says why."""
        return self.caught != bool(self.mutation.survives_because)


class Copy:
    """A copy of the project in which one file at a time is broken, and a process that tries it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        environment = {**os.environ, "PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "tests.mutation.trial"]
        self.process = subprocess.Popen(
            command, cwd=path, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        """End the process."""
        self.process.communicate()

    def try_out(self, mutation: Mutation) -> Trial:
        """Break the rule, see what notices, and mend it."""
        file = self.path / mutation.path
        text, status = file.read_text(), file.stat()
        file.write_text(text if mutation is SOUND else mutation.applied(text))
        try:
            return Trial(mutation, **self._asked(mutation.file))
        finally:
            file.write_text(text)
            os.utime(
                file, ns=(status.st_atime_ns, status.st_mtime_ns)
            )  # so that what was compiled still counts

    def _asked(self, file: str) -> dict[str, str | None]:
        asked, answers = self.process.stdin, self.process.stdout
        assert asked is not None
        assert answers is not None
        asked.write(f"{file}\n")
        asked.flush()
        answer = answers.readline()
        if not answer:
            raise SystemExit("the process that tries mutants ended")
        found: dict[str, str | None] = json.loads(answer)
        return found


def copied(path: Path) -> None:
    """Copy the project, and compile it and its tests ahead."""
    path.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, path / part, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy2(source, path / part)
    compileall.compile_dir(path, quiet=1)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/machine",
    ]
    subprocess.run(
        command, cwd=path, env={**os.environ, "PYTHONPATH": str(path)}, capture_output=True, check=True
    )


@contextmanager
def copies(jobs: int) -> Iterator[SimpleQueue[Copy]]:
    """Give so many copies, in a queue."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        top = Path(place)
        paths = [top / str(number) for number in range(jobs)]
        copied(paths[0])
        for path in paths[1:]:
            shutil.copytree(paths[0], path)
        made = [Copy(path) for path in paths]
        free: SimpleQueue[Copy] = SimpleQueue()
        for copy in made:
            free.put(copy)
        try:
            yield free
        finally:
            for copy in made:
                copy.close()


def trials(mutations: list[Mutation], jobs: int) -> Iterator[Trial]:
    """Try out all of them, so many at a time; first of all the model as it is."""
    with copies(jobs) as free, ThreadPoolExecutor(jobs) as pool:

        def work(mutation: Mutation) -> Trial:
            copy = free.get()
            try:
                return copy.try_out(mutation)
            finally:
                free.put(copy)

        futures = [pool.submit(work, mutation) for mutation in (SOUND, *mutations)]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def wanted(names: list[str]) -> list[Mutation]:
    """Return the mutations of these names, or all."""
    unknown = set(names) - {one.name for one in MUTATIONS}
    if unknown:
        raise SystemExit(f"there is no mutation {', '.join(sorted(unknown))}")
    return [one for one in MUTATIONS if not names or one.name in names]


def table(found: list[Trial]) -> Table:
    """Draw what caught each mutant."""
    drawn = Table(
        *(Column(name, overflow="fold") for name in ("mutant", "file", "vectors", "tests")), box=None
    )
    for one in found:
        drawn.add_row(one.mutation.name, one.mutation.file, one.vectors or "-", one.tests or "-")
    return drawn


def summary(found: list[Trial], seconds: float) -> Iterator[str]:
    """Say how many were caught by what, and explain those that were not."""
    vectors, tests = (sum(bool(getattr(one, what)) for one in found) for what in ("vectors", "tests"))
    caught = sum(one.caught for one in found)
    yield (
        f"{len(found)} mutants: {caught} caught ({vectors} by vectors, {tests} by tests), "
        f"{len(found) - caught} survived, in {seconds:.0f} s"
    )
    for one in found:
        name, reason = f"{one.mutation.name} ({one.mutation.rule})", one.mutation.survives_because
        if not one.caught:
            yield f"{name}: survived: {reason or 'nobody knows why'}"
        elif reason:
            yield f"{name}: caught, and should have survived: {reason}"


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--only", metavar="NAME", action="append", default=[], help="this mutation; may be repeated"
    )
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    options = parser.parse_args()
    mutations = wanted(options.only)
    notes, began = Console(stderr=True, soft_wrap=True, markup=False, highlight=False), time.monotonic()
    console = Console(
        width=None if sys.stdout.isatty() else 200, soft_wrap=True, markup=False, highlight=False
    )
    found: list[Trial] = []
    for trial in trials(mutations, options.jobs):
        if trial.mutation is SOUND:
            if trial.caught:
                console.print(f"the model as it is fails already: {trial.vectors or trial.tests}")
                return 1
            continue
        found.append(trial)
        notes.print(f"{len(found)}/{len(mutations)} {trial.mutation.name}: {trial.vectors}, {trial.tests}")
    found.sort(key=lambda one: MUTATIONS.index(one.mutation))
    console.print(table(found), crop=False)
    for line in summary(found, time.monotonic() - began):
        console.print(line)
    return 0 if all(one.as_explained for one in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
