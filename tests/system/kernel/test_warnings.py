"""The kernel's warnings: their words, and that each is hit somewhere and told apart by the condition of its own."""

from pathlib import Path

import pytest

import actors.system
from actors.system.invariants.dying import Unlike
from actors.system.kernel import warnings
from actors.system.kernel.warnings import BAD_FPU_STATE, KERNEL_NM, WARNINGS, Warn

SOURCES = "\n".join(path.read_text() for path in Path(actors.system.__path__[0]).rglob("*.py"))


def test_the_words_are_the_logs_without_what_differs_from_boot_to_boot():
    assert KERNEL_NM.words == "WARNING: arch/x86/kernel/traps.c, handle_xfd_event()"
    assert BAD_FPU_STATE.words.startswith("WARNING: arch/x86/mm/extable.c, ex_handler_fprestore(): Bad FPU")
    assert len({one.words for one in WARNINGS}) == len(WARNINGS)


def test_the_table_has_all_of_them():
    assert {one for one in vars(warnings).values() if isinstance(one, Warn)} == set(WARNINGS)


@pytest.mark.parametrize("name", [name for name, one in vars(warnings).items() if isinstance(one, Warn)])
def test_each_is_one_that_some_routine_hits(name):
    calls = [line for line in SOURCES.splitlines() if "warn(" in line and name in line]
    assert calls


@pytest.mark.parametrize("one", WARNINGS, ids=lambda one: one.function)
def test_its_condition_is_broken_by_it_alone(one):
    holds = Unlike(one.words)
    assert holds(None)
    assert [other for other in WARNINGS if not holds(other.words)] == [one]
