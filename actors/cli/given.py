"""What the user gave for parameters, and how the answer names them."""

from collections.abc import Sequence
from typing import Any

from actors.cli.answers import plain
from actors.runtime.errors import VmraceError

PACKAGE = "scenarios"
"""Where scenarios are looked up by name."""


def pairs(given: Sequence[str]) -> dict[str, str]:
    """Take `name=value` apart."""
    found: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise VmraceError(f"-p takes name=value, not {one!r}")
        if name in found:
            raise VmraceError(f"-p gives {name} twice")
        found[name] = value
    return found


def plain_values(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as JSON has them."""
    return {name: plain(value) for name, value in parameters.items()}
