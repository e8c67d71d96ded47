"""The benchmark runs, and checks what it measures; how fast it is depends on the machine, and is nobody's test."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("xstate.py")


def test_it_prints_the_median_of_the_pair():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--rounds", "3"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={"PYTHONPATH": str(SCRIPT.parents[2])},
    )
    assert "XSAVES + XRSTORS" in done.stdout
    assert "us (median of the pair" in done.stdout
