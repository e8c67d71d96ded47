"""The project's own vectors are all there, and the description beside them says how many."""

import json
import re

import pytest

from actors.machine.conform.hardware import AREA, MEMORY, HardwareLine
from actors.machine.conform.lines import EmulatorLine, SuiteLine
from actors.machine.conform.reader import set_name
from tests.machine.conform.samples import VECTORS, recorded

SETS = {
    "hw-save": (HardwareLine, 1007),
    "hw-xrstor": (HardwareLine, 1449),
    "hw-xinuse": (HardwareLine, 224),
    "hw-misc": (HardwareLine, 69),
    "hw-modopt": (HardwareLine, 176),
    "hw-compat": (HardwareLine, 256),
    "suites": (SuiteLine, 221),
    "emu": (EmulatorLine, 432),
    "emuamx": (EmulatorLine, 725),
}
STEPS = {"suites": 273, "emu": 3576, "emuamx": 5922}


def test_there_is_a_file_for_each_set():
    assert {set_name(path) for path in VECTORS.glob("*.jsonl*")} == set(SETS)


@pytest.mark.parametrize("name", SETS)
def test_each_line_is_of_its_kind(vectors, name):
    kind, count = SETS[name]
    lines = vectors(name)
    assert len(lines) == count
    assert {type(line) for line in lines} == {kind}


@pytest.mark.parametrize("name", STEPS)
def test_no_step_of_a_sequence_is_lost(vectors, name):
    assert sum(len(line.ops) for line in vectors(name)) == STEPS[name]


def test_an_id_stands_once():
    seen = {line.id for name in SETS for line in recorded(name)}
    assert len(seen) == sum(count for _, count in SETS.values())


def test_the_description_says_how_many():
    rows = re.findall(r"^\| (\S+) \| ([0-9]+) \|", (VECTORS / "README.md").read_text(), re.MULTILINE)
    assert {name: int(count) for name, count in rows} == {name: count for name, (_, count) in SETS.items()}


def test_the_recorded_cpu_has_the_memory_that_lines_have():
    cpu = json.loads((VECTORS / "hw-cpu.json").read_text())
    assert (cpu["standard_size"], cpu["area_len"]) == (AREA, MEMORY)
