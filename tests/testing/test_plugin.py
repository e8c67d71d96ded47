"""What the plugin adds: failed tokens come first on the next run, a given one alone, and nobody pays who has no use for it."""

import importlib.metadata
import json
import re
import shutil
import tomllib

import pytest

from tests.testing.alone import ROOT
from tests.testing.conftest import Project

ONE = """
from actors.testing import explores
from worlds import bank

@explores()
def test_bank():
    return bank({amount})
"""


@pytest.fixture(scope="module")
def failed_once(tmp_path_factory):
    """A project whose test has failed once, and the token."""
    project = Project(tmp_path_factory.mktemp("failed"))
    project.write("test_one.py", ONE.format(amount=80))
    first = project.pytest()
    assert first.outcomes == {"test_bank": "FAILED"}
    assert "found after" in first.told("test_bank")
    assert len(project.kept()) == 1
    return project, re.search(r"--vmrace-replay (\S+)", first.text)[1]


@pytest.fixture
def failed(failed_once, tmp_path):
    """The same, to do with as one likes."""
    project, token = failed_once
    return Project(shutil.copytree(project.home, tmp_path / "project")), token


def notes(ran, text):
    """Return the lines of the plugin's section at the end that contain a text."""
    section = ran.text.partition("= vmrace =")[2].partition("\n===")[0]
    return [line for line in section.splitlines() if text in line]


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "1")], ids=["alone", "xdist"])
def test_where_a_ci_prints_whole_messages_the_chart_is_still_printed_once(failed, workers):
    project, token = failed
    again = project.pytest(*workers, CI="true")
    told, _, summary = again.text.partition("= short test summary info =")
    assert told.count("=> violated: ") == told.count("Window  ") == 1
    lines = [line for line in summary.splitlines() if line.startswith("FAILED ")]
    said = "violated after 6 steps; the token of an earlier failure was replayed first, and fails again"
    assert lines == [f"FAILED test_one.py::test_bank - Failed: test_bank: {said}"]
    assert "=> violated: " not in summary
    assert token in told


def test_a_token_that_failed_is_replayed_first(failed):
    project, token = failed
    again = project.pytest()
    told = " ".join(again.told("test_bank").split())
    assert (
        "violated after 6 steps; the token of an earlier failure was replayed first, and fails again" in told
    )
    assert token in told
    assert "found after" not in told
    assert len(project.kept()) == 1


def test_one_that_passes_now_is_dropped_and_the_question_asked(failed):
    project, _ = failed
    # The choices and the reading are the same; only what must hold has changed.
    project.write("worlds.py", (project.home / "worlds.py").read_text().replace("value >= 0", "value >= -60"))
    again = project.pytest()
    assert again.outcomes == {"test_bank": "PASSED"}
    assert notes(
        again, "test_one.py::test_bank: dropped the token of an earlier failure, which passes now (6 steps)"
    )
    assert project.kept() == []
    assert "dropped" not in project.pytest().text


def test_one_that_does_not_fit_any_more_is_dropped_and_the_question_asked(failed):
    project, _ = failed
    worlds = (project.home / "worlds.py").read_text()
    project.write("worlds.py", worlds.replace('("alice", "bob")', '("alice",)'))
    again = project.pytest()
    assert again.outcomes == {"test_bank": "PASSED"}
    note = "dropped the token of an earlier failure, which does not fit any more: the token diverges"
    assert notes(again, f"test_one.py::test_bank: {note}")
    assert project.kept() == []


def test_a_token_that_does_not_fit_does_not_hide_a_failure(failed):
    project, token = failed
    project.write("test_one.py", ONE.format(amount=90))
    again = project.pytest()
    assert again.outcomes == {"test_bank": "FAILED"}
    assert "found after" in again.told("test_bank")
    kept = json.loads(project.kept()[0].read_text())
    assert kept["test"] == "test_one.py::test_bank"
    assert len(kept["tokens"]) == 1
    assert kept["tokens"] != [token]


CASES = """
import pytest
from actors.testing import verifies

@pytest.mark.parametrize("n", [2, 3])
@verifies("lost_update", {conditions})
def test_lost(n): ...
"""


def test_each_case_has_tokens_of_its_own_and_other_conditions_others(project):
    project.write("test_cases.py", CASES.format(conditions=""))
    assert project.pytest().outcomes == {"test_lost[2]": "FAILED", "test_lost[3]": "FAILED"}
    assert len(project.kept()) == 2
    again = project.pytest()
    assert "n=2, locked=false" in again.told("test_lost[2]")
    assert "n=3, locked=false" in again.told("test_lost[3]")
    assert len(re.findall(r"was\s+replayed\s+first", again.text)) == 2
    project.write("test_cases.py", CASES.format(conditions="conditions='every'"))
    assert len(notes(project.pytest(), "it looks at other conditions")) == 2


def test_what_does_not_hold_tokens_is_ignored_with_a_warning(failed):
    project, _ = failed
    project.kept()[0].write_bytes(b"[" * 100_000)
    again = project.pytest()
    assert again.outcomes == {"test_bank": "FAILED"}
    assert "found after" in again.told("test_bank")
    assert "VmraceWarning: ignored " in again.text
    assert "Traceback" not in again.text


def test_what_is_no_token_is_dropped_with_a_note(failed):
    project, token = failed
    tokens = [
        "v1.test_bank.AAAA",
        "v7.test_bank.AAAA",
        "rm -rf /",
        token.replace("test_bank", "bank_test"),
        token,
    ]
    project.kept()[0].write_text(json.dumps({"test": "test_one.py::test_bank", "tokens": tokens}))
    again = project.pytest()
    assert len(notes(again, "dropped the token of an earlier failure, which does not fit any more")) == 4
    assert "was replayed first" in " ".join(again.told("test_bank").split())
    assert json.loads(project.kept()[0].read_text())["tokens"] == [token]


def test_where_warnings_are_errors_it_is_still_one_line(failed):
    project, _ = failed
    project.kept()[0].write_bytes(b"?")
    told = project.pytest("-W", "error").told("test_bank")
    assert told.startswith("ignored ")
    assert "\n" not in told


def test_a_cache_that_cannot_be_written_costs_a_warning(project):
    project.write("test_one.py", ONE.format(amount=80))
    (project.home / ".pytest_cache" / "d").mkdir(parents=True)
    (project.home / ".pytest_cache" / "d" / "vmrace").write_text("a file")
    ran = project.pytest()
    assert ran.outcomes == {"test_bank": "FAILED"}
    assert "balance -60" in ran.told("test_bank")
    assert "Traceback" not in ran.text


def test_it_works_without_a_cache(project):
    project.write("test_one.py", ONE.format(amount=80))
    assert "found after" in project.pytest("-p", "no:cacheprovider").told("test_bank")


def test_it_works_without_the_plugin(project):
    project.write("test_one.py", ONE.format(amount=80))
    ran = project.pytest(plugin=False)
    assert ran.outcomes == {"test_bank": "FAILED"}
    assert "balance -60" in ran.told("test_bank")


# One token, given.


OTHER = """
from actors.testing import verifies

@verifies("lost_update", locked=True)
def test_two(): ...
"""


def test_a_given_token_is_replayed_alone(failed):
    project, token = failed
    project.write(
        "test_two.py",
        "from actors.testing import verifies\n@verifies('lost_update', locked=True)\ndef test_two(): ...",
    )
    ran = project.pytest("--vmrace-replay", token)
    assert ran.outcomes == {"test_bank": "FAILED"}
    assert "1 failed, 1 skipped" in ran.text
    assert (
        "the token that was given is not of this test: it is of test_bank, and this is lost_update"
        in ran.text
    )
    told = " ".join(ran.told("test_bank").split())
    assert "violated after 6 steps; this token alone was replayed" in told
    assert project.kept() != []


def test_a_given_token_that_is_not_the_same_any_more_says_where_it_parts(failed):
    project, token = failed
    project.write("worlds.py", (project.home / "worlds.py").read_text().replace("value >= 0", "value >= -60"))
    ran = project.pytest("--vmrace-replay", token)
    assert ran.outcomes == {"test_bank": "FAILED"}
    assert ran.told("test_bank").startswith("the token diverges at step 6")


def test_a_given_token_that_is_none_is_refused_at_once(failed):
    project, token = failed
    for wrong, said in ((token[:-3], "damaged token"), ("nonsense", "'nonsense' is not a token")):
        ran = project.pytest("--vmrace-replay", wrong)
        assert ran.status == 4
        assert re.search(rf"^ERROR: --vmrace-replay: .*{said}", ran.text, re.MULTILINE)
        assert "Traceback" not in ran.text


# Other plugins.


def test_processes_of_xdist_keep_and_replay_as_one_does(project):
    pytest.importorskip("xdist")
    project.write("test_one.py", ONE.format(amount=80))
    project.write("test_cases.py", CASES.format(conditions=""))
    every = {"test_bank": "FAILED", "test_lost[2]": "FAILED", "test_lost[3]": "FAILED"}
    assert project.pytest("-p", "xdist", "-n", "2").outcomes == every
    assert len(project.kept()) == 3
    project.write("test_one.py", ONE.format(amount=50))
    again = project.pytest("-p", "xdist", "-n", "2")
    assert again.outcomes == {**every, "test_bank": "PASSED"}
    assert len(re.findall(r"was\s+replayed\s+first", again.text)) == 2
    assert notes(again, "test_one.py::test_bank: dropped the token of an earlier failure")


TRIO = """
import trio
from hypothesis import given, settings
from actors.testing import explores, schedules
from worlds import bank

async def test_async():
    await trio.sleep(0)

@explores()
def test_bank():
    return bank(50)

@settings(deadline=None, max_examples=5)
@given(schedules(bank, amount=50))
async def test_schedules(run):
    await trio.sleep(0)
    run.check()
    assert "alice" in run.chart
"""


def test_async_tests_of_pytest_trio_are_left_alone(project):
    project.write("test_trio.py", TRIO)
    project.write("pytest.ini", "[pytest]\ntrio_mode = true\nfilterwarnings = error\n")
    ran = project.pytest("-p", "pytest_trio.plugin")
    assert ran.outcomes == dict.fromkeys(("test_async", "test_bank", "test_schedules"), "PASSED")


# What it costs.

LATE = ("actors.explore", "actors.runtime", "hypothesis", "msgspec", "numpy", "rich", "trio", "typer")
"""What a project that does not use vmrace must not be made to import."""

LOADED = """
import sys

def pytest_sessionfinish():
    loaded = sorted(name for name in {late!r} if name in sys.modules)
    print("loaded:", loaded, "actors.testing.plugin" in sys.modules)
"""


def test_pytest_starts_without_importing_anything_for_it(project):
    project.write("conftest.py", LOADED.format(late=LATE))
    project.write("test_plain.py", "def test_plain(): pass")
    assert "loaded: [] True" in project.pytest("-s").text


BLOCKED = """
import sys

sys.modules["{name}"] = None
"""


def test_without_hypothesis_the_decorators_work_and_strategies_say_what_is_missing(project):
    project.write("conftest.py", BLOCKED.format(name="hypothesis"))
    project.write("test_one.py", ONE.format(amount=50))
    project.write("test_two.py", "from actors.testing import schedules")
    ran = project.pytest("--continue-on-collection-errors")
    assert ran.outcomes["test_bank"] == "PASSED"
    assert (
        "ImportError: actors.testing.schedules needs Hypothesis, which is not installed: pip install 'vmrace[pytest]'"
        in ran.text
    )


def test_a_name_that_there_is_not_is_an_attribute_error():
    import actors.testing

    with pytest.raises(AttributeError, match="has no attribute 'shedules'"):
        _ = actors.testing.shedules
    assert all(getattr(actors.testing, name) is not None for name in actors.testing.__all__)


def test_pytest_is_told_where_the_plugin_is():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    assert declared == {"vmrace": "actors.testing.plugin"}


def test_installed_it_is_loaded_by_itself(project):
    if not any(one.name == "vmrace" for one in importlib.metadata.entry_points(group="pytest11")):
        pytest.skip("this vmrace runs from its directory, and is not installed")
    project.write("test_one.py", ONE.format(amount=80))
    ran = project.pytest(plugin=False, PYTEST_DISABLE_PLUGIN_AUTOLOAD="")
    assert "--vmrace-replay v1.test_bank." in ran.told("test_bank")
