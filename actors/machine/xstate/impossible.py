"""What no CPU can be described as: a table of rules, each with what breaks it, the reason in words, and its source.

Sections are of SDM volume 1. What the manual does not exclude is accepted, however unusual: standard offsets that nothing
divides, out of order or with gaps between; components of 64 bytes or more that are not aligned (TILEDATA among them); a
component from 19 on of any size, user or supervisor; XFD without a component that has it; AMX without AVX.

Three rules are not the manual's. XFD without XSAVES: Linux has the one depend on the other. XFD of a component before 17: no
source says which instructions it would stop. And the size of an area: the model keeps contents as bytes, and a slip of the pen
should not ask for gigabytes.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from actors.machine.xstate.components import AVX, AVX512, EXTENDED_REGION, MPX, TILES, bits
from actors.machine.xstate.leaf_0d import Leaf0D
from actors.machine.xstate.state_component import StateComponent, overlap
from protocol.registers import Component

LARGEST_AREA = 1 << 20
"""The most bytes that an XSAVE area can have here; on released CPUs it is 11,008."""

_REGISTER = 1 << 32
_LARGEST = 62
_USER = frozenset({2, 3, 4, 5, 6, 7, 9, 17, 18})
_SUPERVISOR = frozenset({8, 10, 11, 12, 13, 14, 15, 16})
_BEFORE_XFD = _USER - {17, 18}
_EXACT = {
    2: 256,
    3: 64,
    5: 64,
    6: 512,
    7: 1024,
    10: 8,
    11: 16,
    12: 24,
    13: 8,
    14: 48,
    16: 8,
    17: 64,
    18: 8192,
}
_AT_LEAST = {4: 16, 8: 72, 9: 4, 15: 808}
"""Sizes by what the manual lays out in a component: all of its bytes, or some with reserved ones behind them."""


class Rule(NamedTuple):
    """What breaks the rule, as fields of the reason, once for each culprit; the reason; where the rule is from."""

    culprits: Callable[[Leaf0D], Iterator[dict[str, Any]]]
    reason: str
    source: str


_OfOne = Callable[[StateComponent, Leaf0D], bool]


def _name(number: int) -> str:
    known = number in Component._value2member_map_
    return f"component {number} ({Component(number).name})" if known else f"component {number}"


def _component(broken: _OfOne) -> Callable[[Leaf0D], Iterator[dict[str, Any]]]:
    """Ask of each component."""

    def culprits(cpu: Leaf0D) -> Iterator[dict[str, Any]]:
        for one in cpu.components:
            if broken(one, cpu):
                exact, least = _EXACT.get(one.number), _AT_LEAST.get(one.number)
                end = one.offset + one.size
                yield {"name": _name(one.number), "one": one, "exact": exact, "least": least, "end": end}

    return culprits


def _no_components(cpu: Leaf0D) -> Iterator[dict[str, Any]]:
    found: object = cpu.components
    if not isinstance(found, tuple):
        yield {"what": f"a tuple of StateComponent, not {type(found).__name__}"}
        return
    for one in found:
        if not isinstance(one, StateComponent):
            yield {"what": f"StateComponent each, not {one!r}"}


def _no_numbers(cpu: Leaf0D) -> Iterator[dict[str, Any]]:
    for one in cpu.components:
        for value in (one.number, one.size, one.offset):
            if not isinstance(value, int):
                yield {"number": one.number, "other": value}


def _cpu(broken: Callable[[Leaf0D], bool]) -> Callable[[Leaf0D], Iterator[dict[str, Any]]]:
    """Ask of the whole."""
    return lambda cpu: iter([{"cpu": cpu, "end": _end(cpu), "largest": LARGEST_AREA}] if broken(cpu) else [])


def _twice(cpu: Leaf0D) -> Iterator[dict[str, Any]]:
    for one, other in itertools.combinations(cpu.components, 2):
        if one.number == other.number:
            yield {"name": _name(one.number)}


def _overlapping(cpu: Leaf0D) -> Iterator[dict[str, Any]]:
    """Two user components on the same bytes; APX state has the place of MPX state, by its own specification."""
    user = sorted((one for one in cpu.components if not one.supervisor), key=lambda one: one.number)
    for one, other in itertools.combinations(user, 2):
        if overlap(one, other) and not (1 << one.number & MPX and other.number == Component.APX):
            yield {"name": _name(one.number), "other": _name(other.number)}


def _lacking(group: int) -> Callable[[Leaf0D], Iterator[dict[str, Any]]]:
    """Components of a group that are missing while others of it are there."""

    def culprits(cpu: Leaf0D) -> Iterator[dict[str, Any]]:
        has = _mask(cpu)
        if has & group and group & ~has:
            yield {"missing": ", ".join(_name(number) for number in bits(group & ~has))}

    return culprits


def _mask(cpu: Leaf0D) -> int:
    return sum(1 << one.number for one in cpu.components)


def _end(cpu: Leaf0D) -> int:
    """Return how many bytes an area with all components has, in the format that takes more."""
    standard = max((one.offset + one.size for one in cpu.components), default=0)
    compacted = EXTENDED_REGION + sum(one.size + 63 for one in cpu.components)
    return max(standard, compacted)


RULES: tuple[Rule, ...] = (
    Rule(_no_components, "its components are {what}", "13.2"),
    Rule(
        _no_numbers,
        "component {number!r}: number, size and offset are whole numbers, not {other!r}",
        "13.2",
    ),
    Rule(
        _component(lambda one, _: one.number in {0, 1} and one.xfd),
        "{name} cannot be disabled by XFD: no sub-leaf enumerates it",
        "13.2",
    ),
    Rule(
        _component(lambda one, _: one.number in {0, 1}),
        "{name} lies in the legacy region and cannot be moved or resized",
        "13.4.1",
    ),
    Rule(
        _component(lambda one, _: not 0 <= one.number <= _LARGEST),
        "component {one.number}: a bitmap has components 2 to 62",
        "13.1",
    ),
    Rule(_twice, "{name} is described twice", "13.2"),
    Rule(_component(lambda one, _: one.size <= 0), "{name} has no bytes", "13.2"),
    Rule(
        _component(lambda one, _: one.size >= _REGISTER),
        "{name} has {one.size} bytes, and CPUID tells the size in 32 bits",
        "13.2",
    ),
    Rule(
        _component(lambda one, _: one.size != _EXACT.get(one.number, one.size)),
        "{name} has {exact} bytes, not {one.size}",
        "13.5",
    ),
    Rule(
        _component(lambda one, _: one.size < _AT_LEAST.get(one.number, 0)),
        "{name} has at least {least} bytes, not {one.size}",
        "13.5",
    ),
    Rule(
        _component(lambda one, _: one.supervisor and one.number in _USER),
        "{name} is user state, managed by XCR0",
        "13.1",
    ),
    Rule(
        _component(lambda one, _: not one.supervisor and one.number in _SUPERVISOR),
        "{name} is supervisor state: XCR0 has no bit for it",
        "13.1",
    ),
    Rule(
        _component(lambda one, _: one.supervisor and one.offset != 0),
        "{name} is supervisor state, which the standard format has no place for",
        "13.2",
    ),
    Rule(
        _component(lambda one, _: not one.supervisor and one.offset < EXTENDED_REGION),
        "{name} at {one.offset} lies in the legacy region or the header",
        "13.4",
    ),
    Rule(
        _component(lambda one, _: one.offset + one.size >= _REGISTER),
        "{name} ends at {end}, and CPUID tells the size of an area in 32 bits",
        "13.2",
    ),
    Rule(_overlapping, "{name} and {other} overlap in the standard format", "13.4.3"),
    Rule(
        _component(lambda one, cpu: one.supervisor and not cpu.xsaves),
        "{name} is supervisor state, and there is no XSAVES",
        "13.2",
    ),
    Rule(
        _cpu(lambda cpu: cpu.xsaves and not cpu.xsavec),
        "XSAVES without XSAVEC, whose compacted format it writes",
        "13.2",
    ),
    Rule(_cpu(lambda cpu: cpu.xfd and not cpu.xsaves), "XFD without XSAVES", "Linux's cpuid_deps"),
    Rule(
        _component(lambda one, cpu: one.xfd and not cpu.xfd),
        "{name} is XFD-capable, and CPUID.(EAX=0DH,ECX=1):EAX[4] = 0",
        "13.14",
    ),
    Rule(
        _component(lambda one, _: one.xfd and one.supervisor),
        "{name} is supervisor state, which XFD does not disable: it counts where XCR0[i] = 1",
        "13.14",
    ),
    Rule(
        _component(lambda one, _: one.xfd and one.number in _BEFORE_XFD),
        "{name} is XFD-capable, and no source says which of its instructions that would stop",
        "13.14 names TILEDATA alone",
    ),
    Rule(_lacking(MPX), "MPX state lacks {missing}", "13.3"),
    Rule(_lacking(AVX512), "AVX-512 state lacks {missing}", "13.3"),
    Rule(_lacking(TILES), "AMX state lacks {missing}", "13.3"),
    Rule(
        _cpu(lambda cpu: bool(_mask(cpu) & AVX512) and not _mask(cpu) & AVX),
        "AVX-512 state without AVX state",
        "13.3",
    ),
    Rule(
        _cpu(lambda cpu: cpu.linear_bits not in {48, 57}),
        "{cpu.linear_bits} linear-address bits: 48 or 57",
        "3.3.7",
    ),
    Rule(
        _cpu(lambda cpu: cpu.mxcsr_mask not in {0xFFBF, 0xFFFF}),
        "MXCSR_MASK {cpu.mxcsr_mask:#x}: MXCSR has bits 15:0, of which bit 6 alone may be missing",
        "11.6.6",
    ),
    Rule(
        _cpu(lambda cpu: _end(cpu) > LARGEST_AREA),
        "an area of {end} bytes, and the model has at most {largest}",
        "a limit of the model",
    ),
)
"""In this order: of several that are broken the first is told."""


def broken(cpu: Leaf0D) -> tuple[Rule, str] | None:
    """Return the first rule that a description breaks, with the reason in words; None if a CPU can be like that."""
    for rule in RULES:
        for fields in rule.culprits(cpu):
            reason = rule.reason.format(**fields)
            where = f"SDM volume 1, {rule.source}" if rule.source[0].isdigit() else rule.source
            return rule, f"{reason} ({where})"
    return None
