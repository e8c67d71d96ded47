"""Plans of restores: what XRSTOR or XRSTORS does, as far as it depends on the header and on masks alone.

A plan is made once for each combination of these. What is left for each execution is to look at the few values that can be
refused or that loading changes, and to pick contents out of tuples.
"""

import functools

import msgspec

from actors.machine.xstate import area as images
from actors.machine.xstate import contents as values
from actors.machine.xstate.components import AVX, COMPACTED, HI16_ZMM, SSE, TILECFG, X87, bits
from actors.machine.xstate.description import Description, facts
from actors.machine.xstate.environment import Environment
from actors.machine.xstate.faults import general_protection, static
from actors.machine.xstate.header import RESERVED, refuses
from actors.machine.xstate.layout import MXCSR_AT, RESERVED_AT, ST_AT, XMM_AT, layout
from actors.machine.xstate.outcomes import Fault
from protocol.registers import Component

NOWHERE = -1


class Plan(msgspec.Struct, frozen=True):
    """Which components are loaded and initialised, and from where; or a fault: `fault` before the header is read, or `refused`.

    `reached` are the components of RFBM that the mode has, `loading` those of them that are loaded. `mxcsr` says what
    becomes of MXCSR, `xmodified` what XMODIFIED is afterwards, `reserved` how many reserved bytes of the header have to be
    looked at.

    Of the area's contents: `mxcsr_at` and `x87_at` are the places of MXCSR and of the two parts of x87 state (NOWHERE: they are
    zero), `checked` the components whose value may be refused, with their places.

    `live` are the components that hold something afterwards if nothing that is loaded turns out initial; `pick` takes their
    contents from x87 state, the area's contents and the state's, in this order; `altered` are components whose bytes
    loading may change, with their places among them. Where `regular` is not set, components have to be taken one by one.
    """

    fault: Fault | None = None
    refused: Fault | None = None
    compact: bool = False
    reserved: int = 0
    rfbm: int = 0
    reached: int = 0
    loading: int = 0
    mxcsr: str = ""
    xmodified: int = 0
    offset: dict[int, int] = {}
    mxcsr_at: int = NOWHERE
    x87_at: tuple[int, int] = (NOWHERE, NOWHERE)
    checked: tuple[tuple[int, int], ...] = ()
    live: int = 0
    pick: images.Pick = images.picker(())
    altered: tuple[tuple[int, int], ...] = ()
    regular: bool = True


@functools.lru_cache(maxsize=1 << 12)
def plan(
    instruction: str,
    encoding: str,
    environment: Environment,
    description: Description,
    enabled: int,
    mask: int,
    xstate_bv: int,
    xcomp_bv: int,
    offsets: tuple[int, ...],
    live: int,
) -> Plan:
    """Plan an execution with this mask, on an area with this header and pieces; `live` are the components that hold something."""
    fault = static(instruction, encoding, environment, description)
    if fault is not None:
        return Plan(fault)
    compact = bool(xcomp_bv & COMPACTED) and description.xsavec
    why = refuses(xstate_bv, xcomp_bv, enabled, compact=compact, supervisor=instruction == "xrstors")
    if why is not None:
        return Plan(refused=general_protection(why))
    known, rfbm = facts(description), mask & enabled
    reached = rfbm if environment.long_mode else rfbm & ~HI16_ZMM
    loading = reached & xstate_bv
    offset = {Component.SSE: XMM_AT, **layout(description, xcomp_bv if compact else 0).offset}
    place = {at: index for index, at in enumerate(offsets)}
    present = loading & (X87 | sum(1 << number for number, at in offset.items() if at in place))
    after = live & ~reached | present
    loaded = {number: place[offset[number]] for number in bits(present & ~X87)}
    return Plan(
        compact=compact,
        reserved=RESERVED[compact] if RESERVED_AT in place else 0,
        rfbm=rfbm,
        reached=reached,
        loading=loading,
        mxcsr=_mxcsr_rule(rfbm, loading, compact=compact),
        xmodified=(known.xcr0 | known.xss) & ~rfbm,
        offset=offset,
        mxcsr_at=place.get(MXCSR_AT, NOWHERE),
        x87_at=(place.get(0, NOWHERE), place.get(ST_AT, NOWHERE)),
        checked=tuple((number, at) for number, at in loaded.items() if values.SUPERVISED >> number & 1),
        live=after,
        pick=_picker(after, loaded, len(offsets), live, x87_loaded=loading & X87),
        altered=tuple((number, place_of(after, number)) for number in loaded if number in values.LOADED),
        regular=environment.long_mode and not known.overlapping and not loading & ~present & TILECFG,
    )


def place_of(mask: int, number: int) -> int:
    """Return how many components of the mask come before this one."""
    return (mask & ((1 << number) - 1)).bit_count()


def _mxcsr_rule(rfbm: int, loading: int, *, compact: bool) -> str:
    """Say what becomes of MXCSR: "load", "init" or nothing."""
    if not compact:
        return "load" if rfbm & (SSE | AVX) else ""
    return "" if not rfbm & SSE else "load" if loading & SSE else "init"


def _picker(after: int, loaded: dict[int, int], pieces: int, live: int, *, x87_loaded: int) -> images.Pick:
    """Return how to pick the contents of `after`: x87 state first, then the area's pieces, then what the state holds."""
    places = [
        1 + loaded[number] if number in loaded else 1 + pieces + place_of(live, number)
        for number in bits(after)
    ]
    if x87_loaded:
        places[0] = 0
    return images.picker(tuple(places))
