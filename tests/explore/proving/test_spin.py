"""SPIN, where it is installed, gives W1 the verdicts that vmrace gives it, and counts the same states."""

import shutil

import pytest

from actors.explore.proving.search import Search
from actors.explore.tables.tables import Tables
from actors.runtime.loading import built_in
from tests.bench.peers import spin

W1 = built_in("scenarios")["w1"]

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not (shutil.which("spin") and shutil.which("gcc")), reason="SPIN is not installed"),
]

START, ENDS = 1, 54
"""SPIN counts the state before its `init` has started the others, and with two CPUs one more behind each of the ends,
when `init` has looked at the counter."""


@pytest.mark.parametrize(
    ("cpus", "fixed", "more"), [(1, True, START), (2, True, START + ENDS), (1, False, None)]
)
def test_w1(cpus, fixed, more):
    theirs = spin(cpus, fixed)
    with Tables(W1(cpus=cpus, fixed=fixed)) as tables:
        ours = Search(tables).run()
    assert theirs.says == ("proved" if ours.log is None else "violated")
    if more is not None:  # a violated search of SPIN's is depth-first and stops elsewhere
        assert theirs.states == ours.states + more
