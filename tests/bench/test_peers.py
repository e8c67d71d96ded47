"""The benchmark runs, and all that it compares say the same of W1; how fast they are is nobody's test."""

import subprocess
import sys
from pathlib import Path

import pytest

from actors.explore.proving.search import Search
from actors.explore.tables.tables import Tables
from actors.runtime.loading import load
from tests.bench.models.w1 import search

SCRIPT = Path(__file__).with_name("peers.py")


@pytest.mark.parametrize(
    ("cpus", "fixed", "keep_going"),
    [
        (1, True, False),
        (1, False, False),
        (1, False, True),
        (2, False, False),
        pytest.param(2, True, False, marks=pytest.mark.full),
        pytest.param(2, False, True, marks=pytest.mark.full),
    ],
)
def test_plain_tuples_have_the_same_states(cpus, fixed, keep_going):
    with Tables(load("w1", "scenarios")(cpus=cpus, fixed=fixed)) as tables:
        found = Search(tables, keep_going=keep_going).run()
    assert search(cpus, fixed, keep_going=keep_going) == (found.log is not None, found.states)


def test_it_prints_a_table_of_what_each_says():
    command = [sys.executable, str(SCRIPT), "--rounds", "1", "--tools", "plain Python"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    head, _, *rows = done.stdout.partition("\n\n")[0].splitlines()
    assert [row.split(" | ")[:3] for row in rows] == [
        ["| vmrace", "proved", "215,568"],
        ["| plain Python", "proved", "215,568"],
    ]
    assert {row.split(" | ")[7] for row in rows} == {"violated"}
    assert {len(row.split(" | ")) for row in (head, *rows)} == {10}
