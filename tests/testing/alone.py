"""The environment of a pytest that is run by a test: with vmrace's plugin, and with nothing that changes what it prints."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
_CI = {"CI", "BUILD_NUMBER"}
"""On a CI pytest does not cut its summary to a line a test."""


def environment(columns):
    """Return the environment, for lines of so many columns."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTEST_") and name not in _CI
    }
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": path, "COLUMNS": str(columns)}
    return {**inherited, **alone}
