"""The README's example and outputs, as printed there."""

import os
import re
import subprocess
import sys
from pathlib import Path

from actors.runtime.loading import built_in
from tests.testing.alone import environment

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
EXAMPLE, *TESTS, KERNEL = [text for kind, text in BLOCKS if kind == "python"]
OUTPUTS = [text for kind, text in BLOCKS if kind == "text"]


def vmrace(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "actors.cli", *arguments]
    path = os.pathsep.join([str(README.parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )


def without_seconds(text: str) -> str:
    return re.sub(r"\d+\.\d+s", "?s", text).strip()


def test_the_leak_is_printed_as_it_is_found(tmp_path):
    ran = vmrace("explore", "xfd_err_leak", "-p", "swap=xfd", "--seed", "1", cwd=tmp_path)
    assert ran.returncode == 1
    assert without_seconds(ran.stdout) == without_seconds(OUTPUTS[0])


def test_a_users_file_outside_the_project_answers_as_printed(tmp_path):
    (tmp_path / "my_race.py").write_text(EXAMPLE)
    ran = vmrace("explore", "./my_race.py", cwd=tmp_path)
    assert ran.returncode == 1
    assert without_seconds(ran.stdout) == without_seconds(OUTPUTS[1])


def test_the_proof_is_printed_as_it_is_found(tmp_path):
    ran = vmrace("verify", "xfd_err_leak", "-p", "swap=full", cwd=tmp_path)
    assert ran.returncode == 0
    words = [without_seconds(" ".join(text.split())) for text in (ran.stdout, OUTPUTS[2])]
    assert words[0] == words[1]


def test_the_printed_token_replays_to_the_same_chart(tmp_path):
    token = re.search(r"^vmrace replay (\S+)$", OUTPUTS[0], re.MULTILINE)[1]
    ran = vmrace("replay", token, cwd=tmp_path)
    assert ran.returncode == 1
    chart = OUTPUTS[0].partition("\n\n")[2]
    assert ran.stdout.strip().endswith(chart.strip())


def pytest_of(name: str, text: str, home: Path) -> tuple[int, str]:
    """Run pytest on a file of tests, with vmrace's plugin alone; return its status, and what it prints from the failures on."""
    (home / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "actors.testing.plugin", name]
    ran = subprocess.run(command, cwd=home, env=environment(75), capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout.partition("= FAILURES")[2]


def without_rules(text: str) -> str:
    """Return a text without the rules around titles, which are as long as the time that is told between them leaves room."""
    return re.sub(r"^[=_]* | [=_]*$", "", without_seconds(text), flags=re.MULTILINE)


def test_a_users_test_fails_as_printed(tmp_path):
    assert len(TESTS[0].splitlines()) == 15
    status, failures = pytest_of("test_bank.py", TESTS[0], tmp_path)
    assert status == 1
    assert without_rules(failures.partition("=\n")[2]) == without_rules(OUTPUTS[3].partition("=\n")[2])


def test_the_other_tests_pass_and_fail_as_they_are_said_to(tmp_path):
    assert pytest_of("test_swap.py", TESTS[1], tmp_path)[0] == 0
    status, failures = pytest_of("test_lost.py", TESTS[2], tmp_path)
    assert status == 1
    assert re.search(r"worker0 +worker1 +worker2\n", failures)
    assert "=> violated: every increment counts" in failures
    assert len(TESTS) == 3


def test_a_bug_of_ones_own_in_kernel_code_is_found_as_printed(tmp_path):
    assert len(KERNEL.splitlines()) < 80
    (tmp_path / "early_clear.py").write_text(KERNEL)
    ran = vmrace("verify", "./early_clear.py", cwd=tmp_path)
    assert ran.returncode == 1
    assert without_seconds(ran.stdout) == without_seconds(OUTPUTS[4])
    fixed = vmrace("verify", "./early_clear.py", "-p", "early=false", cwd=tmp_path)
    assert (fixed.returncode, fixed.stdout.split(",")[0]) == (0, "early_clear: proved")


def test_the_bugs_in_the_table_are_scenarios_that_declare_them():
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| (`fixes=[^|]*`) \|$", README.read_text(), re.MULTILINE)
    assert len(rows) == 5
    for name, given in rows:
        changed = dict(text.split("=", 1) for text in re.findall(r"`([^`]*)`", given))
        cases = [case for case in built_in("scenarios")[name].cases if case.expect == "violated"]
        assert any(changed.items() <= case.parameters.items() for case in cases), name


def test_there_are_two_set_up_commands():
    commands = [text.strip().splitlines() for kind, text in BLOCKS if kind == "sh"]
    assert [len(lines) for lines in commands] == [1, 1]
