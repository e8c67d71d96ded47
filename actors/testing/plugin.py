"""The pytest plugin: lends each test its context, sums a failure up in a line, and tells what became of tokens that were kept.

pytest loads this module wherever vmrace is installed, in projects too that have no use for it; so it imports nothing but
pytest, and the rest when a test asks.
"""

import os
import shlex
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from actors.testing.context import set_running

if TYPE_CHECKING:
    from actors.testing.store import Store

_OPTION = "--vmrace-replay"
_SECTION = "vmrace"
_DIRECTORY = "vmrace"


class _Test:
    """The context of one test."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self.token: str | None = item.config.getoption(_OPTION)

    def kept(self) -> tuple[str, ...]:
        """Read the cache."""
        store = self._store()
        return store.read() if store is not None else ()

    def keep(self, tokens: tuple[str, ...]) -> None:
        """Write the cache."""
        store = self._store()
        if store is not None:
            store.write(tokens)

    def command(self, token: str) -> str:
        """Return the command that runs this test with a token, from where pytest was started."""
        item = self._item
        here = os.path.relpath(item.path, item.config.invocation_params.dir)
        name = "::".join((Path(here).as_posix(), *item.nodeid.split("::")[1:]))
        return f"pytest {shlex.quote(name)} {_OPTION} {token}"

    def note(self, text: str) -> None:
        """Add a section to the test's report, which pytest-xdist carries to where it is read."""
        self._item.add_report_section("call", _SECTION, text)

    def _store(self) -> "Store | None":
        cache: pytest.Cache | None = getattr(self._item.config, "cache", None)
        if cache is None or _in_hypothesis():
            return None
        from actors.testing.store import Store, warn  # noqa: PLC0415  # imports msgspec

        try:
            return Store(cache.mkdir(_DIRECTORY), self._item.nodeid)
        except OSError as error:
            warn(f"cannot keep failed tokens: {error}")
            return None


def _in_hypothesis() -> bool:
    """Say whether Hypothesis runs the test, again and again: it keeps failing examples itself."""
    hypothesis = sys.modules.get("hypothesis")
    return hypothesis is not None and hypothesis.currently_in_test_context()


class _Notes:
    """What tests have noted, as their reports arrive: from this process, or from those of pytest-xdist."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the notes of a test."""
        for title, text in report.sections:
            if report.when == "call" and title == f"Captured {_SECTION} call":
                self._lines += [f"{report.nodeid}: {line}" for line in text.splitlines()]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell them."""
        if self._lines:
            terminalreporter.section("vmrace")
            for line in self._lines:
                terminalreporter.write_line(line)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that replays a token."""
    parser.getgroup("vmrace").addoption(
        _OPTION, metavar="TOKEN", help="replay this token in the test that it is of, and ask nothing else"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what is no token, before any test runs."""
    token = config.getoption(_OPTION)
    if token is not None:
        from actors.explore.token import decode  # noqa: PLC0415  # imports msgspec
        from actors.runtime.errors import VmraceError  # noqa: PLC0415

        try:
            decode(token)
        except VmraceError as error:
            raise pytest.UsageError(f"{_OPTION}: {error}") from None
    config.pluginmanager.register(_Notes(), "vmrace-notes")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Lend the test its context while it runs."""
    set_running(_Test(item))
    try:
        yield
    finally:
        set_running(None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Give pytest's summary one line: where CI=true is set it prints there all that a test failed with, once more."""
    report = yield
    summary = getattr(call.excinfo.value, "vmrace_summary", None) if call.excinfo is not None else None
    crash = getattr(report.longrepr, "reprcrash", None)
    if summary is not None and crash is not None:
        crash.message = f"Failed: {summary}"
    return report
