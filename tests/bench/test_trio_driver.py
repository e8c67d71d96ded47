"""The benchmark runs; how fast it is depends on the machine, and is nobody's test."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("trio_driver.py")


@pytest.mark.parametrize("name", ["lost_update", None])
def test_it_prints_both_rates_and_their_ratio(name):
    sizes = ["--executions", "2", "--rounds", "2"]
    command = [sys.executable, str(SCRIPT), *([name] if name else []), *sizes]
    path = str(SCRIPT.parents[2])
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=120, env={"PYTHONPATH": path}
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith(name or "xfd_err_leak")
    names = ["controlled driver", "bare Trio", "Trio channels", "ratio"]
    assert [line.split("  ")[0].strip() for line in lines[1:]] == names
