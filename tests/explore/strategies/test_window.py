"""A window that the user marks: the others are let in while it is open."""

import pytest

from actors.explore.sampling import Wanted, explore
from actors.explore.strategies import Setting, make, window
from actors.runtime.errors import VmraceError

WRITER = (("main.writer", "window"),)


@pytest.mark.parametrize("strategy", ["random", "portfolio"])
def test_a_marked_needle_is_found_at_once(ran, zoo, strategy):
    needed = []
    for seed in range(10):
        found = ran(zoo("needle")(n=100), strategy, 40, seed=seed, windows=WRITER)
        needed.append(next(number for number, one in enumerate(found, 1) if one.ending == "violated"))
    assert sum(needed) / 10 <= 5


def test_a_window_that_is_never_open_is_told(worlds):
    wanted = Wanted(strategy="random", executions=5, windows=(("adder0", "flying"),))
    assert explore(worlds["lossy"], {"n": 1}, wanted).note == "window never open: adder0.flying"
    wanted = Wanted(strategy="random", executions=5, windows=(("adder0", "between"),))
    assert explore(worlds["lossy"], {"n": 1}, wanted).note is None


def test_windows_on_trio(worlds):
    wanted = Wanted(strategy="random", executions=5, windows=(("adder0", "between"),), driver="trio")
    assert explore(worlds["lossy"], {"n": 1}, wanted).note is None


def test_only_some_strategies_have_a_use_for_windows():
    with pytest.raises(VmraceError, match="strategy pct has no use for a window; portfolio and random have"):
        make("pct", 1, Setting(windows=WRITER))


def test_a_window_is_a_program_and_a_label():
    assert window("main.writer.open") == ("main.writer", "open")
    for wrong in ("", "open", ".open", "writer."):
        with pytest.raises(VmraceError, match=r"takes PROGRAM\.LABEL"):
            window(wrong)
