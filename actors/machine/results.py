"""What the pure functions of `xstate` return, as effects on the CPU: one for each outcome.

Under `architectural` the manual leaves choices, and each way of each choice is an outcome of the step. The set is the smallest
that is sound: ways that come to the same registers, memory and reply are one (skipping bytes that are the same already, in-use
bits that no instruction would look at), and what is left differs in something that a program can see: a bit of XSTATE_BV, which
decides about #NM and #GP of a later XRSTOR, bytes in memory, a bit of XGETBV(1). A step with too many outcomes to be explored is
refused, and not cut short.

Labels say what differs from the first outcome: `in use 17,18`, `skip 2`, `init 18`.
"""

import functools
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from actors.machine.describe import describe
from actors.machine.environment import where
from actors.machine.step import Effect, Effects, Step, raised
from actors.machine.xstate import area as images
from actors.machine.xstate.components import TILEDATA, bits
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.outcomes import Choice, Result, Store, apply, count, outcomes
from actors.machine.xstate.outcomes import Fault as Raised
from actors.machine.xstate.registers import XState
from actors.runtime.errors import ModelError
from protocol.registers import Vector
from protocol.replies import Data, Fault, PageFault, Value

OUTCOMES = 4096
"""The most outcomes that one step can have."""

_WORD = (1 << 64) - 1

PLAIN = "plain"
"""The label of the outcome with nothing to be said of it."""

IMPLIED: dict[str, int] = {"architectural": 0, "by_value": TILEDATA}
"""By profile, the bits of XINUSE that count besides the contents: in-use bits that nobody looks at make no states."""


def effects(step: Step, result: Result, *, data: bool = False) -> Effects:
    """Return what an instruction on extended state does to the CPU; with `data`, it replies the result's data."""
    if not result.choices and not result.free:
        return (_effect(step, "", result, data=data),)
    store = functools.partial(images.write, description=step.model.description)
    found: dict[tuple[Any, ...], Effect] = {}
    for label, one in _spelt_out(step, result, store):
        effect = _effect(step, label or PLAIN, one, data=data)
        found.setdefault((effect.cpu, effect.reply, effect.writes), effect)
    if len(found) == 1:
        return tuple(msgspec.structs.replace(effect, label="") for effect in found.values())
    return tuple(found.values())


def tracked(x: XState, model: CpuModel) -> XState:
    """Return the state with the in-use bits that its profile takes from the contents set by these."""
    counts = IMPLIED.get(model.tracking)
    if counts is None:
        return x
    used = x.live & ~counts | (x.live | x.in_use) & counts
    if (x.xinuse, x.xinuse_upper) == (used, 0):
        return x
    return msgspec.structs.replace(x, xinuse=used, xinuse_upper=0)


def _effect(step: Step, label: str, result: Result, *, data: bool) -> Effect:
    x, fault = tracked(result.state, step.model), result.fault
    cpu = step.cpu if x is step.cpu.x else msgspec.structs.replace(step.cpu, x=x)
    if fault is not None:
        return msgspec.structs.replace(raised(cpu, _as_reply(step, fault))[0], label=label)
    effect = Effect(cpu, label=label)
    if data:
        return msgspec.structs.replace(effect, reply=Data(result.data))
    if result.value is not None:
        return msgspec.structs.replace(effect, reply=Value(result.value))
    if result.area is not None:
        return msgspec.structs.replace(effect, writes=((where(step.message).area, result.area),))
    return effect


def _as_reply(step: Step, fault: Raised) -> Fault:
    """Return the exception as the program is told of it: of #PF, where it was."""
    if fault.vector is not Vector.PF:
        return Fault(fault.vector, fault.error_code)
    found = where(step.message)
    address = (found.address or 0) + (fault.offset or 0)
    return PageFault(Vector.PF, fault.error_code, address=address & _WORD, area=found.area)


def _spelt_out(step: Step, result: Result, store: Store) -> Iterator[tuple[str, Result]]:
    """Yield the outcomes with their labels; raises ModelError if they are too many."""
    choices = tuple(_distinct(step, result, choice, store) for choice in result.choices)
    result, free = msgspec.structs.replace(result, choices=choices), bits(result.free)
    found = count(result)
    if found > OUTCOMES:
        raise ModelError(
            f"{step.sender.name}: {describe(step.message)}: {found} outcomes with tracking="
            f"{step.model.tracking}, more than {OUTCOMES}, as the manual leaves each component a choice; "
            "ask for fewer components, enable fewer, or choose -p tracking=recorded"
        )
    for label, one in outcomes(result, store):
        for number in range(len(free) + 1):
            for chosen in itertools.combinations(free, number):
                value = one.value if one.value is None else one.value | sum(1 << bit for bit in chosen)
                words = [label, *(f"in use {bit}" for bit in chosen)]
                yield shortened(words), msgspec.structs.replace(one, value=value, free=0)


def _distinct(step: Step, result: Result, choice: Choice, store: Store) -> Choice:
    """Return the choice without ways that come to the same as an earlier one."""
    alone = msgspec.structs.replace(result, choices=())
    ways: dict[tuple[Any, ...], Any] = {}
    for way in choice.ways:
        after = apply(alone, choice, way, store)
        ways.setdefault((tracked(after.state, step.model), after.area), way)
    return msgspec.structs.replace(choice, ways=tuple(ways.values()))


_PART = re.compile(r"(?:(in use|skip|init|new) (\d+))|(new MXCSR|\w+)")


def shortened(labels: Iterable[str]) -> str:
    """Return labels as one, with the numbers of those that say the same in one list: `in use 17,18`."""
    found: dict[str, list[str]] = {}
    for what, number, word in _PART.findall(" ".join(labels)):
        found.setdefault(what or word, []).append(number)
    return " ".join(f"{what} {','.join(numbers)}".strip(" ,") for what, numbers in found.items())
