"""Each rule of the reduction is needed: with any of them left out, the worlds of the cross-check tell."""

import numpy as np
import pytest

from actors.explore.reduction import choosing, persistent
from actors.explore.reduction.futures import Futures
from actors.explore.reduction.search import ReducedSearch
from actors.explore.reduction.touch import Touch
from actors.explore.reduction.visibility import Visibility
from tests.explore.reduction import on_tables, on_tuples
from tests.explore.reduction.test_agreement import small_worlds
from tests.explore.reduction.worlds import WAITS_FOR_THE_END, draw

WORLDS = 300
MEETS, GROWN, SWAPS, CHOSEN = Touch.meets, persistent.grown, persistent.swaps_with_ends, persistent.persistent


def who_reads_what_is_written(future, step, silent=0):
    return bool(future.writes & step.reads or future.marks & step.marks & ~silent)


def who_writes_what_is_read(future, step, silent=0):
    return bool(future.reads & step.writes or future.marks & step.marks & ~silent)


def conditions(future, step, silent=0):
    return MEETS(future, step, -1)


def labels(self, before, after):
    return 0


def silence(self, program):
    return -1


def putting_off(self, found, states):
    return np.zeros(states, np.bool_)


def the_end(programs, group):
    return not any(programs[place].fails for place in group if programs[place].enabled)


def failing(programs, group):
    return SWAPS([one._replace(fails=False) for one in programs], group)


def servants(programs, group):
    return SWAPS([one._replace(future=one.future._replace(servants=False)) for one in programs], group)


def waiting(programs, seed):
    return GROWN([one if one.enabled else one._replace(step=Touch()) for one in programs], seed)


def who_must_finish(programs):
    return CHOSEN([one._replace(required=True) for one in programs])


def held(self):
    return True


FAULTS = [
    (Touch, "meets", who_reads_what_is_written, 6),
    (Touch, "meets", who_writes_what_is_read, 3),
    (Touch, "meets", conditions, 7),
    (Visibility, "_relabelled", labels, 103),
    (Visibility, "silenced", silence, 7),
    (ReducedSearch, "_puts_off", putting_off, 28),
    (persistent, "swaps_with_ends", the_end, 2),
    (persistent, "swaps_with_ends", failing, 77),
    (persistent, "swaps_with_ends", servants, None),
    (persistent, "grown", waiting, 72),
    (choosing, "persistent", who_must_finish, 2),
    (Futures, "held", held, 3),
]


def worlds(hint):
    """Draw the worlds, behind the one that is known to tell, in case it still does."""
    first = WAITS_FOR_THE_END if hint is None else draw(hint)
    yield first, on_tuples.search(first)[0]
    for _, drawn, facts, _ in small_worlds(0, WORLDS):
        yield drawn, facts


@pytest.mark.parametrize(
    ("where", "name", "fault", "hint"), FAULTS, ids=[fault.__name__ for _, _, fault, _ in FAULTS]
)
def test_the_cross_check_catches_a_rule_that_is_left_out(where, name, fault, hint, monkeypatch):
    for drawn, facts in worlds(hint):
        assert on_tables.reduced(drawn)[0].without_lines() == facts
        with monkeypatch.context() as patch:
            patch.setattr(where, name, fault)
            if on_tables.reduced(drawn)[0].without_lines() != facts:
                return
    pytest.fail(f"{WORLDS} worlds are searched right without {fault.__name__}")
