"""How large an fpstate is: xstate_calculate_size(), fpstate_reset() and the sizes that fpstate_realloc() asks for.

Follows arch/x86/kernel/fpu/xstate.c and core.c.
"""

import functools
from itertools import combinations

from actors.machine.model import CpuModel
from actors.machine.xstate import area as images
from actors.machine.xstate.components import COMPACTED, MXCSR_INITIAL, bits
from actors.machine.xstate.layout import MXCSR_AT, compacted
from actors.system.kernel.data import Fpstate
from protocol.areas import XsaveArea


@functools.cache
def size(model: CpuModel, features: int) -> int:
    """xstate_calculate_size(): bytes of an XSAVE area in the compacted format with room for these components (mask)."""
    return compacted(model.description, COMPACTED | features).size


@functools.cache
def fpstate(model: CpuModel, name: str, features: int) -> Fpstate:
    """Return an fpstate with room for these components (mask)."""
    return Fpstate(name, features, features & model.xcr0, size(model, features))


def fpstate_init_user(model: CpuModel, made: Fpstate) -> XsaveArea:
    """fpstate_init_user(): an area that holds nothing, but the format and MXCSR, which XSAVES may leave unwritten.

    The manual lets a save skip what was not modified since the last restore, and still say that it is there: then what was there
    before has to be what an initialising XRSTORS left in the register.
    """
    mxcsr = (MXCSR_AT, MXCSR_INITIAL.to_bytes(4, "little"))
    return images.overwritten(XsaveArea(), 0, COMPACTED | made.xfeatures, (mxcsr,), model.description)


def default_fpstate(model: CpuModel, task: str, features: int) -> Fpstate:
    """Return the fpstate that is a part of a task: __fpstate."""
    return fpstate(model, f"{task}->fpstate", features)


def enlarged(model: CpuModel, ref: Fpstate, task: str, features: int) -> Fpstate:
    """Return the one that takes its place when these components are added; named by what it has more than the first."""
    dynamic = (ref.xfeatures | features) & model.xfd_capable
    return fpstate(model, f"{task}->fpstate[{dynamic:#x}]", ref.xfeatures | features)


def possible_fpstates(model: CpuModel, own: Fpstate, task: str) -> tuple[Fpstate, ...]:
    """Return the fpstates that a task may come to have, whichever is its `own` now: the default one, and all larger ones.

    It has each of these after execve(2), and first uses of dynamic features in some order.
    """
    default = default_fpstate(model, task, own.xfeatures & ~model.xfd_capable)
    dynamic = bits(model.xfd_capable)
    larger = (
        enlarged(model, default, task, sum(1 << number for number in chosen))
        for count in range(1, len(dynamic) + 1)
        for chosen in combinations(dynamic, count)
    )
    return (default, *larger)
