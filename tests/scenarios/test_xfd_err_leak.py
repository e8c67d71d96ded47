"""The table in the scenario's docstring, row by row."""

import itertools
import re

import pytest

from actors.explore.results import Exploration
from actors.explore.sampling import Wanted, explore
from scenarios.xfd_err_leak import HYGIENE, S1, S2, S3, xfd_err_leak

CONDITIONS = (HYGIENE, S1, S2, S3)
CPU = {"1": "sapphire_rapids", "2": "mail_2021"}

Row = tuple[str, str, str, tuple[bool, ...]]


def rows() -> list[Row]:
    """Read the table: swap, CPU, xfd_err, and for each condition whether it is violated."""
    found: list[Row] = []
    line = re.compile(r"(\w+)\s+(1, 2|1|2)\s+(load|accumulate|either)\s+((?:(?:yes|no)\s*){4})$")
    for match in filter(None, map(line.match, xfd_err_leak.story.splitlines())):
        rules = ("load", "accumulate") if match[3] == "either" else (match[3],)
        cells = tuple(word == "yes" for word in match[4].split())
        found += [
            (match[1], CPU[n], rule, cells) for n, rule in itertools.product(match[2].split(", "), rules)
        ]
    return found


def sample(swap: str, cpu: str, xfd_err: str, executions: int, *conditions: str) -> Exploration:
    parameters = {"swap": swap, "cpu": cpu, "xfd_err": xfd_err}
    return explore(xfd_err_leak, parameters, Wanted(executions=executions, seed=1, conditions=conditions))


def test_the_table_has_a_row_for_every_combination():
    combinations = {row[:3] for row in rows()}
    swaps = ("none", "xfd", "full", "conditional", "msr_lists")
    assert combinations == set(itertools.product(swaps, CPU.values(), ("load", "accumulate")))
    assert len(rows()) == len(combinations)


VIOLATED = [
    (*row[:3], condition)
    for row in rows()
    for condition, violated in zip(CONDITIONS, row[3], strict=True)
    if violated
]
CLEAN = [
    (*row[:3], tuple(c for c, violated in zip(CONDITIONS, row[3], strict=True) if not violated))
    for row in rows()
    if not all(row[3])
]


@pytest.mark.parametrize(("swap", "cpu", "xfd_err", "condition"), VIOLATED)
def test_a_yes_in_the_table_is_found(swap, cpu, xfd_err, condition):
    report = sample(swap, cpu, xfd_err, 1000, condition)
    assert report.verdict == "violated"
    assert report.violated == (condition,)


@pytest.mark.parametrize(("swap", "cpu", "xfd_err", "conditions"), CLEAN)
def test_a_no_in_the_table_is_not_found(swap, cpu, xfd_err, conditions):
    report = sample(swap, cpu, xfd_err, 60, *conditions)
    assert report.verdict == "not found"


@pytest.mark.full
@pytest.mark.parametrize(("swap", "cpu", "xfd_err", "conditions"), CLEAN)
def test_a_no_in_the_table_is_not_found_in_many_executions(swap, cpu, xfd_err, conditions):
    report = sample(swap, cpu, xfd_err, 3000, *conditions)
    assert report.verdict == "not found"
    assert all(report.sometimes.values())
