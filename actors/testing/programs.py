"""Programs of guests and of host tasks as Hypothesis strategies: small, valid on the CPU that they are for, as data.

`interpreters` carry them out. They shrink to few instructions: a list shrinks by leaving out, and what does less stands
first. Valid means that no instruction faults but by what is asked about: XFD, or CR0.TS in a guest whose program sets it. So an
LDTILECFG is put before an instruction on tiles that has none before it.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from actors.machine.model import HYPOTHETICAL, CpuModel, CpuName, cpu_model
from actors.machine.xstate.components import PKRU, TILES
from actors.machine.xstate.tiles import ROWS, TILE_BYTES, config
from actors.testing.interpreters import (
    HostCode,
    InKernel,
    InterruptsOff,
    KernelCode,
    PreemptOff,
    Reschedule,
)
from protocol import instructions as op
from protocol.instructions import Instruction
from protocol.registers import Component, Msr

T = TypeVar("T")

_THREE_TILES = op.Ldtilecfg(config(ROWS, ROWS, ROWS))
_CONTENTS = (b"\x55" * TILE_BYTES, b"\xaa" * TILE_BYTES)
_TILES: tuple[Instruction, ...] = (
    op.Tilezero(0),
    *(op.Tileloadd(0, data) for data in _CONTENTS),
    op.Tilestored(0),
    op.Tdpbssd(0, 1, 2),
)
"""Instructions on tiles: without a configuration they are #UD."""

_CONFIGURATION: tuple[Instruction, ...] = (_THREE_TILES, op.Sttilecfg(), op.Tilerelease())


def guest_programs(
    cpu: CpuName = "sapphire_rapids", *, max_size: int = 6
) -> SearchStrategy[tuple[Instruction, ...]]:
    """Draw programs for `guest_code`: at most `max_size` instructions, not counting a configuration that has to come before."""
    model = cpu_model(cpu)
    xfd = _subsets(model.xfd_capable)
    instructions: tuple[Instruction, ...] = (
        op.Nop(),
        *_anywhere(model),
        *(op.Wrmsr(Msr.XFD, value) for value in xfd),
        op.Rdmsr(Msr.XFD),
        op.Rdmsr(Msr.XFD_ERR),
        *(op.Wrmsr(Msr.XFD_ERR, value) for value in xfd),
        op.MovCr0Ts(ts=True),
        op.MovCr0Ts(ts=False),
        op.MovFromCr0(),
        op.Cli(),
        op.Sti(),
    )
    return st.lists(st.sampled_from(instructions), max_size=max_size).map(_configured)


def host_programs(
    cpu: CpuName = "sapphire_rapids", *, max_size: int = 4
) -> SearchStrategy[tuple[HostCode, ...]]:
    """Draw programs for `host_code`: at most `max_size` instructions of user mode and system calls, and as many in each block."""
    model = cpu_model(cpu)
    user: tuple[HostCode, ...] = (op.Nop(), *_anywhere(model))
    called = _tuples(_in_kernel(max_size), max_size).map(InKernel)
    return st.lists(st.one_of(st.sampled_from(user), called), max_size=max_size).map(_configured)


def _in_kernel(max_size: int) -> SearchStrategy[KernelCode]:
    """Draw what kernel code does, not counting that it uses no extended state: it would be somebody else's."""
    instructions: SearchStrategy[Instruction] = st.sampled_from(
        (
            op.Nop(),
            op.Rdmsr(Msr.XFD),
            op.Rdmsr(Msr.XFD_ERR),
            op.Wrmsr(Msr.XFD_ERR, 0),
            op.MovFromCr0(),
            op.Xgetbv(),
        )
    )
    interrupts_off = _tuples(instructions, max_size).map(InterruptsOff)
    preempt_off = _tuples(st.one_of(instructions, interrupts_off), max_size).map(PreemptOff)
    return st.one_of(instructions, st.builds(Reschedule, asked=st.booleans()), interrupts_off, preempt_off)


def _tuples(of: SearchStrategy[T], max_size: int) -> SearchStrategy[tuple[T, ...]]:
    return st.lists(of, max_size=max_size).map(tuple)


def _anywhere(model: CpuModel) -> tuple[Instruction, ...]:
    """Return what any code may do on extended state that its CPU has."""
    tiles = (*_TILES, *_CONFIGURATION) if model.xcr0 & TILES == TILES else ()
    second = (op.Touch(Component.APX, b"\1"),) if model.xcr0 & HYPOTHETICAL else ()
    keys = (op.Wrpkru(0), op.Wrpkru(4), op.Rdpkru()) if model.xcr0 & PKRU else ()
    return (*tiles, *second, *keys, op.Xgetbv())


def _subsets(mask: int) -> tuple[int, ...]:
    """Return what can be made of the bits of a mask, the fewest bits first."""
    bits = [1 << place for place in range(mask.bit_length()) if mask >> place & 1]
    return tuple(sum(some) for count in range(len(bits) + 1) for some in combinations(bits, count))


def _configured(code: Sequence[T]) -> tuple[T | Instruction, ...]:
    """Put a configuration before instructions on tiles that have none."""
    return tuple(_with_configuration(code))


def _with_configuration(code: Sequence[T]) -> Iterable[T | Instruction]:
    configured = False
    for one in code:
        if one in _TILES and not configured:
            yield _THREE_TILES
            configured = True
        elif one in _CONFIGURATION:
            configured = one == _THREE_TILES or (configured and not isinstance(one, op.Tilerelease))
        yield one
