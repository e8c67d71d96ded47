"""The typed parameters of a scenario: read from its signature, converted from text, shown as text.

A parameter's annotation is its contract: bool, int, str, an Enum, a Literal, or Annotated with msgspec's
limits. Text from a command line or a token is converted by msgspec, strictly but for the fact that it is
text.
"""

import difflib
import inspect
import re
import typing
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from actors.runtime.errors import VmraceError


class Parameter(msgspec.Struct, frozen=True):
    """One parameter: its name, annotation, default, and what it may be, in words."""

    name: str
    annotation: Any
    default: Any
    allowed: str


def parameters_of(function: Callable[..., Any], name: str) -> tuple[Parameter, ...]:
    """Read the parameters from a scenario's signature; raises VmraceError if one lacks a type or default."""
    hints = typing.get_type_hints(function, include_extras=True)
    found = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is inspect.Parameter.empty or parameter.name not in hints:
            raise VmraceError(
                f"scenario {name}: parameter {parameter.name} needs a type and a default "
                f"(`{parameter.name}: int = 1`)"
            )
        annotation = hints[parameter.name]
        found.append(Parameter(parameter.name, annotation, parameter.default, _allowed(annotation)))
    return tuple(found)


def _allowed(annotation: Any) -> str:
    if annotation is bool:
        return "true or false"
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return ", ".join(str(choice) for choice in typing.get_args(annotation))
    if origin is typing.Annotated:
        base, *extras = typing.get_args(annotation)
        limits = [extra for extra in extras if isinstance(extra, msgspec.Meta)]
        words = [_allowed(base)]
        words += [f"at least {meta.ge}" for meta in limits if meta.ge is not None]
        words += [f"at most {meta.le}" for meta in limits if meta.le is not None]
        return ", ".join(words)
    if hasattr(annotation, "__members__"):
        return ", ".join(str(member.value) for member in annotation)
    return {int: "a whole number", str: "text"}.get(annotation, str(annotation))


def as_text(value: Any) -> str:
    """Write a parameter's value as it is given on the command line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(getattr(value, "value", value))


def convert(scenario: str, parameters: tuple[Parameter, ...], given: Mapping[str, str]) -> dict[str, Any]:
    """Convert text to typed values, defaults filled in.

    Raises VmraceError for an unknown name (with the nearest) or a text that is not of the parameter's type.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
            hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(known) or 'none'}"
            raise VmraceError(f"scenario {scenario} has no parameter {name!r}; {hint}")
    return {
        name: _convert(scenario, parameter, given[name]) if name in given else parameter.default
        for name, parameter in known.items()
    }


def _convert(scenario: str, parameter: Parameter, text: str) -> Any:
    wrong = VmraceError(
        f"scenario {scenario}: parameter {parameter.name} is {parameter.allowed}, not {text!r}"
    )
    if parameter.annotation is bool:
        if text not in {"true", "false"}:
            raise wrong
        return text == "true"
    base = parameter.annotation
    if typing.get_origin(base) is typing.Annotated:
        base = typing.get_args(base)[0]
    if base is int and not re.fullmatch(r"[+-]?\d{1,9}", text):
        raise wrong
    try:
        return msgspec.convert(int(text) if base is int else text, parameter.annotation, strict=base is int)
    except (msgspec.ValidationError, ValueError):
        raise wrong from None
