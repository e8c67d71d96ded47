"""Where components lie in an XSAVE area: the legacy region, the header, and the two formats of the extended region.

SDM volume 1, 13.4. Legacy region: x87 state in bytes 0-23 and 32-159, MXCSR and MXCSR_MASK in 24-31, XMM registers in
160-415; 416-463 are reserved and 464-511 software's, and no instruction touches either. Header: XSTATE_BV at 512, XCOMP_BV
at 520, 48 reserved bytes. Standard format: each user component at the offset that CPUID tells. Compacted format: the
components in XCOMP_BV, ascending from 576, each directly behind the one before it, or on the next 64-byte boundary if
CPUID.(EAX=0DH,ECX=i):ECX[1] says so.

The standard format is silicon's up to component 7, and the compacted format without alignment; no line of a CPU has a component
that is aligned (those of AMX alone are). That rests on the emulator and on the CPUID of real hosts (`presets`).

A layout also cuts an area into *slots*: one for each of these parts and for the gaps between them. `area` keeps the bytes of an
area slot by slot, so that equal areas are equal values.
"""

import functools
from collections.abc import Iterable

import msgspec

from actors.machine.xstate.components import COMPACTED, EXTENDED_REGION, SSE, SSE_BYTES, X87, bits
from actors.machine.xstate.description import REMEMBERED, Description, facts
from protocol.registers import Component

MXCSR_AT = 24
ST_AT = 32
XMM_AT = 160
HEADER_AT = 512
RESERVED_AT = 528

_LEGACY = ((0, 24), (MXCSR_AT, 8), (ST_AT, 128), (XMM_AT, 256), (416, 96), (RESERVED_AT, 48))


class Layout(msgspec.Struct, frozen=True):
    """One format: component to offset, slot offset to length (ascending), and the bytes up to its end."""

    offset: dict[int, int]
    slots: dict[int, int]
    size: int


def _align(offset: int) -> int:
    return (offset + 63) & ~63


def layout(description: Description, xcomp_bv: int) -> Layout:
    """Return the layout that a header with this XCOMP_BV calls for; bits of components that the CPU lacks take no place."""
    if xcomp_bv & COMPACTED:
        return compacted(description, xcomp_bv)
    return standard(description)


@functools.lru_cache(maxsize=REMEMBERED)
def standard(description: Description) -> Layout:
    """Return the standard format: all user components of the CPU, at fixed offsets."""
    known = facts(description)
    # APX state takes the place of MPX state; where both exist, the slots are those of MPX state
    return _layout(
        {number: known.component[number].offset for number in bits(known.xcr0) if number > Component.SSE},
        known.size,
    )


@functools.lru_cache(maxsize=1 << 12)
def compacted(description: Description, xcomp_bv: int) -> Layout:
    """Return the compacted format for the components in XCOMP_BV."""
    known = facts(description)
    at, offset = EXTENDED_REGION, {}
    for number in bits(xcomp_bv & (known.xcr0 | known.xss)):
        if number > Component.SSE:
            at = _align(at) if known.component[number].align64 else at
            offset[number] = at
            at += known.size[number]
    return _layout(offset, known.size)


def _layout(offset: dict[int, int], sizes: dict[int, int]) -> Layout:
    slots = dict(_LEGACY)
    end = EXTENDED_REGION
    for number, at in sorted(offset.items(), key=lambda one: one[1]):
        if at < end:
            continue
        if at > end:
            slots[end] = at - end
        slots[at] = sizes[number]
        end = at + sizes[number]
    return Layout(offset, slots, end)


def legacy_extents(components: int, *, mxcsr: bool) -> tuple[tuple[int, int], ...]:
    """Return the bytes of the legacy region that these components have, as offsets and numbers, with MXCSR or without it."""
    x87 = ((0, MXCSR_AT), (ST_AT, XMM_AT - ST_AT)) if components & X87 else ()
    xmm = ((XMM_AT, SSE_BYTES),) if components & SSE else ()
    return (*x87, *(((MXCSR_AT, 8),) if mxcsr else ()), *xmm)


def standard_size(description: Description, components: Iterable[int]) -> int:
    """Return the bytes that these components need in the standard format."""
    known = facts(description).component
    return max((known[n].offset + known[n].size for n in components if n in known), default=EXTENDED_REGION)
