"""The scenarios of the zoo, each file loaded once: a second import would leave the first one's functions at no module."""

import sys
from pathlib import Path

from actors.runtime.loading import load

HERE = Path(__file__).parent
NAMES = {"fifo_queue": ("queue",), "work_steal_queue": ("work_steal_queue", "state_work_steal_queue")}
NO_SHAPES = {"test_zoo", "shapes", "tuples", "condition_variable"}
FILES = sorted(path for path in HERE.glob("*.py") if path.stem not in NO_SHAPES)


def shapes(path):
    """Load the scenarios of one file."""
    first, *others = NAMES.get(path.stem, (path.stem,))
    scenario = load(f"{path}:{first}", "scenarios")
    return [scenario, *(getattr(sys.modules[scenario.module], name) for name in others)]


SHAPES = {scenario.name: scenario for path in FILES for scenario in shapes(path)}


def label(scenario, case):
    """Name a case."""
    return "-".join((scenario.name, *(f"{name}={value}" for name, value in case.parameters.items())))
