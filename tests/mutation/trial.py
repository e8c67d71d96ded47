"""Tries mutants in one copy of the project: reads which file is broken, says what noticed, a line each.

`run` starts it in the copy, with the broken file in place before it is named. Everything but the model is imported, and the
vectors are decoded, once; then each mutant is a few forks of this process, so that each meets the model for the first time.

Nothing is drawn at random, so that a run can be repeated: Hypothesis derives what it draws from the tests. It shrinks
nothing, for nobody reads the examples.
"""

import gc
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import _hypothesis_pytestplugin  # noqa: F401  # imported before the forks
import pytest
import pytest_trio.plugin  # noqa: F401
from hypothesis import HealthCheck, Phase, settings, strategies  # noqa: F401

from actors.machine.conform.lines import Line
from actors.machine.conform.reader import read_lines

VECTORS = Path("tests/vectors")
TESTS = Path("tests/machine/xstate")
OTHERS = "tests/machine/conform"
SLOW = ("against_manual", "properties")
OPTIONS = (
    *("-x", "-q", "--tb=no", "--no-header", "--no-summary", "-p", "no:cacheprovider"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # some plugins are imported already
)
SECONDS = 120
"""A mutant that computes longer over one part counts as one that hangs; on a busy machine it may take longer than that."""

Question = Callable[[], str | None]


def by_vectors(lines: list[Line], *, freedom: bool) -> str | None:
    """Return the first line that differs: from what was recorded, or from all that the manual allows."""
    try:
        from actors.machine.conform.run import run_all

        for verdict in run_all(lines, freedom=freedom):
            if verdict.kind == "failed":
                return f"{verdict.id} {verdict.field}"
    except Exception as error:  # noqa: BLE001  # a model that breaks down is caught as well
        return type(error).__name__
    return None


class _First:
    """Notes the first test that fails."""

    name: str | None = None

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.name = self.name or report.nodeid

    def pytest_collectreport(self, report):
        if report.failed:
            self.name = self.name or report.nodeid


def by_tests(which: list[str]) -> str | None:
    """Return the first test that fails."""
    settings.register_profile(
        "mutation",
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutation")
    first = _First()
    code = pytest.main([*OPTIONS, *which], plugins=[first])
    if code == pytest.ExitCode.OK:
        return None
    return (first.name or str(code)).removeprefix("tests/machine/")


def tests(file: str) -> tuple[list[str], list[str]]:
    """Return the tests of the module that is broken, and the others: slow ones last, and behind them the vectors again."""
    found = sorted(TESTS.glob("test_*.py"), key=lambda path: (path.stem.endswith(SLOW), path))
    stem = Path(file).stem
    names = (f"test_{stem}", f"test_{stem.partition('_')[0]}")
    nearest = next(filter(None, ([one for one in found if one.stem.startswith(name)] for name in names)), [])
    return [*map(str, nearest)], [*(str(path) for path in found if path not in nearest), OTHERS]


def apart(ask: Question) -> str | None:
    """Return the answer of a fork of this process."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.dup2(nowhere, sys.stderr.fileno())
        os.write(writer, json.dumps(ask()).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answers:
        answer = answers.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        return "it hangs" if status == -signal.SIGPROF else f"it breaks off with {status}"
    found: str | None = json.loads(answer)
    return found


def tried(file: str, lines: list[Line]) -> dict[str, str | None]:
    """Say what noticed: first the vectors and the tests of the module, and only if neither did all that takes longer."""
    nearest, others = tests(file)
    vectors = apart(lambda: by_vectors(lines, freedom=False))
    test = apart(lambda: by_tests(nearest)) if nearest else None
    if not vectors and not test:
        vectors = apart(lambda: by_vectors(lines, freedom=True))
        test = apart(lambda: by_tests(others))
    return {"vectors": vectors, "tests": test}


def main() -> None:
    """Answer until there is nothing more to try."""
    lines = [line for path in sorted(VECTORS.glob("*.xz")) for _, line in read_lines(path)]
    assert not any(name.startswith("actors.machine.xstate") for name in sys.modules), "it is not yet broken"
    gc.freeze()
    for file in map(str.strip, sys.stdin):
        sys.stdout.write(json.dumps(tried(file, lines)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
