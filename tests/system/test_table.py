"""The table of `actors.system` beside the code: every routine that follows a kernel function, and nothing else."""

import importlib
import itertools
import re
from pathlib import PurePosixPath

import pytest

from actors.system.kernel.fixes import FIXES
from tests.system.table import UNKNOWN, Row, drawn, expected, followed, printed

TABLE = printed()


def test_the_table_is_what_the_code_says():
    assert expected() == TABLE, "python -m tests.system.table writes it again"


def test_it_names_all_layers_and_most_of_their_routines():
    assert {row.routine.split(".")[0] for row in TABLE} >= {"kernel", "fpu", "sched", "xstate", "entry"}
    assert len(TABLE) >= 50


def test_a_routine_is_called_what_it_follows_or_the_table_says_what_that_is():
    differ = {row.routine: row.function for row in TABLE if row.routine.rpartition(".")[2] != row.function}
    assert differ["sched.count.preempt_enable_no_resched"] == "sched_preempt_enable_no_resched"
    assert differ["xstate.dynamic.xfd_enable_feature"] == "__xfd_enable_feature"
    assert len(differ) < len(TABLE) / 3


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.routine)
def test_its_file_is_one_that_its_module_follows(row):
    assert row.file != UNKNOWN, "say in the table which file the function is in"
    assert re.fullmatch(r"(arch|drivers|fs|include|kernel|mm)/[\w/-]+\.[ch]", row.file)
    module = importlib.import_module(f"actors.system.{row.routine.rpartition('.')[0]}")
    named = set(
        itertools.chain.from_iterable(map(spelled, re.findall(r"[\w/{},-]+\.[ch]\b", module.__doc__)))
    )
    assert any(PurePosixPath(row.file).match(name) for name in named), (
        f"{row.file} is not among {sorted(named)}"
    )


def spelled(name):
    """The files that a name with braces is short for."""
    found = re.fullmatch(r"(.*)\{(.*)\}(.*)", name)
    if found is None:
        return [name]
    return [found[1] + part + found[3] for part in found[2].split(",")]


def test_fixes_are_those_that_there_are():
    assert {commit for row in TABLE for commit in row.fixes} == set(FIXES), "each is in some routine"


# What makes the table.


def test_what_is_drawn_is_read_back():
    rows = [
        Row("fpu.xfd.xfd_set_state", "xfd_set_state", "arch/x86/kernel/fpu/xstate.h", ()),
        Row("fpu.xfd.other", "__other", "kernel/a.c", ("388eff894d6b", "10e4b5166df9")),
        Row("kvm.other", "kvm_other", UNKNOWN, ("388eff894d6b",)),
    ]
    assert printed(f"Before.\n\n{drawn(rows)}\n\nBehind.\n") == rows


def test_a_text_without_a_table_is_refused():
    with pytest.raises(AssertionError, match="three rules"):
        printed("No table.")


def test_a_routine_follows_what_its_docstring_begins_with(monkeypatch):
    source = '''
async def one(cpu):
    """__one(): in order."""
    if cpu.kernel.has("388eff894d6b") and not cpu.kernel.is_mutant("owner_kept"):
        await part(cpu)

def two():
    """Follows __two()."""

async def part(cpu):
    return cpu.kernel.has("814fb7bb7db5")

async def alone(cpu):
    return cpu.kernel.has("10e4b5166df9")

class Three:
    """three(): no routine."""
'''
    monkeypatch.setattr(
        "tests.system.table.modules", lambda: [("fpu.some", importlib.import_module("ast").parse(source))]
    )
    fixes = ("388eff894d6b", "814fb7bb7db5")
    assert list(followed()) == [("fpu.some.one", "__one", fixes)]
    assert expected() == [Row("fpu.some.one", "__one", UNKNOWN, fixes)]
