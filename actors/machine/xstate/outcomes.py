"""What an instruction does: one mandatory result, and the choices that the manual leaves the CPU.

Choices are independent: each concerns bytes and registers that no other does. So whether a recorded outcome is allowed is
asked choice by choice (`disallowed`), and the 2^n outcomes are only spelt out where somebody explores them (`outcomes`).
The result itself has the first way of each choice. Under a tracking profile other than `architectural` there are no
choices, with one exception: setting XFD, where the model says that it leaves components undefined.

How many there are (`count`). A choice has those ways alone that can be told apart. A component that is in use has one, unless
software has changed the area since it was restored from there: skipped or written, the bytes are the same. So a context
switch of components in use has one outcome. A component that is initial has two: XSTATE_BV[i] may be 0 or 1, and memory tells.
Nothing merges these two, for #NM and #GP of a later XRSTOR depend on the bit, and software can read it; and each of n such
components may be either, so that 2^n outcomes are what the manual allows, and a proof needs all of them. (x87 state and MXCSR
have a third: their initial values are not zero, so that skipped may be told from written.) With all nine user components of
Sapphire Rapids initial that is 512, with its six supervisor components as well 32,768: too many to explore, which who
explores says, and never cuts short.
"""

import itertools
import math
from collections.abc import Callable, Iterator

import msgspec

from actors.machine.xstate.area import read
from actors.machine.xstate.components import SSE, initial
from actors.machine.xstate.registers import XState
from protocol.instructions import XsaveArea
from protocol.registers import Vector


class Fault(msgspec.Struct, frozen=True, cache_hash=True):
    """An exception: its vector and error code, the rule that raised it, and for #PF the offset in the area."""

    vector: Vector
    error_code: int | None
    why: str
    offset: int | None = None


class Edit(msgspec.Struct, frozen=True):
    """One way that a choice can go: the bits of XSTATE_BV and bytes of the area, the contents and MXCSR that it leads to.

    `unused` are components that go out of use by it.
    """

    label: str
    xstate_bv: int = 0
    fields: tuple[tuple[int, bytes], ...] = ()
    contents: tuple[tuple[int, bytes], ...] = ()
    mxcsr: int | None = None
    unused: int = 0


class Choice(msgspec.Struct, frozen=True):
    """Ways of which the CPU takes one. Each tells all of what the choice concerns; `bits` are those of XSTATE_BV in question."""

    ways: tuple[Edit, ...]
    bits: int = 0


class Result(msgspec.Struct, frozen=True):
    """What an instruction leaves: registers, memory, a value read or data stored, or a fault.

    A fault may leave registers changed. `free` are the bits of `value` that the CPU may give as 0 or 1.
    """

    state: XState
    area: XsaveArea | None = None
    fault: Fault | None = None
    value: int | None = None
    data: bytes = b""
    free: int = 0
    choices: tuple[Choice, ...] = ()


Store = Callable[[XsaveArea, int, bytes], XsaveArea]
"""Store bytes at an offset of an area."""


def apply(result: Result, choice: Choice, way: Edit, store: Store) -> Result:
    """Return the result with this choice gone that way."""
    area, state = result.area, result.state
    if area is not None:
        header = (area.xstate_bv & ~choice.bits) | way.xstate_bv
        area = msgspec.structs.replace(area, xstate_bv=header)
        for offset, content in way.fields:
            area = store(area, offset, content)
    for component, content in way.contents:
        state = _changed(state, state.holding(component, content), 1 << component)
    state = state.touched(0, clears=way.unused)
    if way.mxcsr is not None:
        state = _changed(state, msgspec.structs.replace(state, mxcsr=way.mxcsr), SSE)
    return msgspec.structs.replace(result, state=state, area=area)


def _changed(before: XState, after: XState, component: int) -> XState:
    """Return the state after; what came to hold something else is modified, and no save may leave it out (13.6)."""
    return after if after == before else after.touched(0, modifies=component)


def count(result: Result) -> int:
    """Return how many outcomes there are."""
    return math.prod(len(choice.ways) for choice in result.choices) << result.free.bit_count()


def outcomes(result: Result, store: Store) -> Iterator[tuple[str, Result]]:
    """Yield every outcome with its label, the mandatory one first; choices made one by one, the last varying fastest."""
    if not result.choices:
        yield "", result
        return
    for ways in itertools.product(*(choice.ways for choice in result.choices)):
        chosen = msgspec.structs.replace(result, choices=())
        for choice, way in zip(result.choices, ways, strict=True):
            chosen = apply(chosen, choice, way, store)
        yield " ".join(way.label for way in ways if way.label), chosen


def disallowed(allowed: Result, actual: Result, store: Store) -> str | None:
    """Return the first part of an actual outcome that the manual's freedom does not cover; None if it is one of the allowed.

    Asked choice by choice. What the processor tracks is not compared: it shows in values read and areas written.
    """
    if _raised(allowed) != _raised(actual):
        return "fault"
    if ((allowed.value or 0) ^ (actual.value or 0)) & ~allowed.free or allowed.data != actual.data:
        return "value"
    chosen = msgspec.structs.replace(allowed, choices=())
    for choice in allowed.choices:
        way = next((way for way in choice.ways if _fits(actual, choice, way)), choice.ways[0])
        chosen = apply(chosen, choice, way, store)
    if chosen.area is not None and chosen.area != actual.area:
        return "memory"
    return None if _visible(chosen.state) == _visible(actual.state) else "registers"


def _raised(result: Result) -> tuple[Vector, int] | None:
    return None if result.fault is None else (result.fault.vector, result.fault.error_code or 0)


def _visible(state: XState) -> tuple[object, ...]:
    return state.xcr0, state.xss, state.xfd, state.xfd_err, state.mxcsr, state.live, state.contents


def _fits(actual: Result, choice: Choice, way: Edit) -> bool:
    """Say whether what the choice concerns came out this way."""
    area, state = actual.area, actual.state
    if area is not None and area.xstate_bv & choice.bits != way.xstate_bv:
        return False
    if area is not None and any(
        read(area, offset, len(content)) != content for offset, content in way.fields
    ):
        return False
    if any(
        (state.held(number) or initial(number, len(content))) != content for number, content in way.contents
    ):
        return False
    return way.mxcsr in {None, state.mxcsr}
