"""The list of mutations fits the model, and a few of them run from end to end."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.mutation.mutation import MODEL, Mutation
from tests.mutation.rules import MUTATIONS

ROOT = Path(__file__).parents[2]
SAMPLE = ("xsavec-init-optimisation", "xfd-err-load", "architectural-xgetbv-1-init")

each_mutation = pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)


@each_mutation
def test_the_old_text_stands_there_once_and_the_new_one_compiles(mutation):
    text = (ROOT / mutation.path).read_text()
    mutant = mutation.applied(text)
    assert mutant != text
    compile(mutant, mutation.file, "exec")


def test_a_text_that_is_not_there_is_refused():
    mutation = Mutation("name", "rule", "save.py", "old", "new")
    with pytest.raises(ValueError, match="stands 0 times in save"):
        mutation.applied("")
    with pytest.raises(ValueError, match="stands 2 times"):
        mutation.applied("old old")


def test_there_are_at_least_sixty_and_each_is_another():
    assert len(MUTATIONS) >= 60
    assert [name for name, count in Counter(one.name for one in MUTATIONS).items() if count > 1] == []
    assert len({(one.file, one.old, one.new) for one in MUTATIONS}) == len(MUTATIONS)


RULELESS = {"__init__", "area", "cpu", "outcomes"}
"""Modules without a rule of hardware: values, and what is made of them."""


def test_every_module_with_rules_has_mutations():
    modules = {path.stem for path in (ROOT / MODEL).glob("*.py")}
    assert modules - {Path(one.file).stem for one in MUTATIONS} == RULELESS


@pytest.mark.full
def test_a_sample_runs_from_end_to_end():
    script = Path(__file__).with_name("run.py")
    only = [word for name in SAMPLE for word in ("--only", name)]
    done = subprocess.run([sys.executable, script, *only], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 mutants: 3 caught" in done.stdout
