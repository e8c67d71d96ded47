"""Parameters: typed by the signature, converted from text, refused in one clear line."""

from enum import Enum
from typing import Annotated, Literal

import msgspec
import pytest

from actors.runtime.errors import VmraceError
from actors.runtime.parameters import as_text, convert, parameters_of


class Mode(Enum):
    SOFT = "soft"
    HARD = "hard"


def build(
    n: Annotated[int, msgspec.Meta(ge=1, le=4)] = 2,
    locked: bool = False,
    swap: Literal["xfd", "full"] = "xfd",
    mode: Mode = Mode.SOFT,
    name: str = "a",
):
    return (n, locked, swap, mode, name)


PARAMETERS = parameters_of(build, "s")


def converted(**given):
    return convert("s", PARAMETERS, given)


def test_text_becomes_what_the_annotation_says():
    assert converted() == {"n": 2, "locked": False, "swap": "xfd", "mode": Mode.SOFT, "name": "a"}
    given = {"n": "4", "locked": "true", "swap": "full", "mode": "hard", "name": "1"}
    values = converted(**given)
    assert values == {"n": 4, "locked": True, "swap": "full", "mode": Mode.HARD, "name": "1"}
    assert {name: as_text(value) for name, value in values.items()} == given


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"n": "0"}, "parameter n is a whole number, at least 1, at most 4, not '0'"),
        ({"n": "1.5"}, "parameter n is a whole number"),
        ({"n": "true"}, "parameter n is a whole number"),
        ({"n": "9" * 5000}, "parameter n is a whole number"),
        ({"n": ""}, "parameter n is a whole number"),
        ({"locked": "yes"}, "parameter locked is true or false, not 'yes'"),
        ({"locked": "1"}, "parameter locked is true or false"),
        ({"swap": "none"}, "parameter swap is xfd, full, not 'none'"),
        ({"mode": "SOFT"}, "parameter mode is soft, hard, not 'SOFT'"),
        ({"lokced": "true"}, "scenario s has no parameter 'lokced'; did you mean locked?"),
        ({"zzz": "1"}, "scenario s has no parameter 'zzz'; it has n, locked, swap, mode, name"),
    ],
)
def test_anything_else_is_refused(given, says):
    with pytest.raises(VmraceError, match=says):
        converted(**given)


def no_type(n=1):
    return n


def no_default(n: int):
    return n


@pytest.mark.parametrize("function", [no_type, no_default])
def test_a_parameter_has_a_type_and_a_default(function):
    with pytest.raises(VmraceError, match="parameter n needs a type and a default"):
        parameters_of(function, "s")
