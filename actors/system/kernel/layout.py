"""How large an fpstate is: xstate_calculate_size(), fpstate_reset() and the sizes that fpstate_realloc() asks for.

Follows arch/x86/kernel/fpu/xstate.c.
"""

import functools
from itertools import combinations

from actors.machine.model import CpuModel
from actors.machine.xstate.components import COMPACTED, bits
from actors.machine.xstate.layout import compacted
from actors.system.kernel.data import Fpstate


@functools.cache
def size(model: CpuModel, features: int) -> int:
    """xstate_calculate_size(): bytes of an XSAVE area in the compacted format with room for these components (mask)."""
    return compacted(model.description, COMPACTED | features).size


@functools.cache
def fpstate(model: CpuModel, name: str, features: int) -> Fpstate:
    """Return an fpstate with room for these components (mask)."""
    return Fpstate(name, features, features & model.xcr0, size(model, features))


def default_fpstate(model: CpuModel, task: str, features: int) -> Fpstate:
    """Return the fpstate that is a part of a task: __fpstate."""
    return fpstate(model, f"{task}->fpstate", features)


def enlarged(model: CpuModel, ref: Fpstate, task: str, features: int) -> Fpstate:
    """Return the one that takes its place when these components are added; named by what it has more than the first."""
    dynamic = (ref.xfeatures | features) & model.xfd_capable
    return fpstate(model, f"{task}->fpstate[{dynamic:#x}]", ref.xfeatures | features)


def possible_fpstates(model: CpuModel, own: Fpstate, task: str) -> tuple[Fpstate, ...]:
    """Return the fpstate that a task has first, and those that it may come to have, with more dynamic features."""
    lacking = bits(model.xfd_capable & ~own.xfeatures)
    larger = (
        enlarged(model, own, task, sum(1 << number for number in chosen))
        for count in range(1, len(lacking) + 1)
        for chosen in combinations(lacking, count)
    )
    return (own, *larger)
