"""Plans of restores: what XRSTOR or XRSTORS does, as far as it depends on the header and on masks alone.

A plan is made once for each combination of these. What is left for each execution is to look at the few values that can be
refused or that loading changes, and to pick contents out of tuples.
"""

import functools

import msgspec

from actors.machine.xstate import area as images
from actors.machine.xstate import contents as values
from actors.machine.xstate.components import AVX, COMPACTED, HI16_ZMM, NOT_BY_ZEROS, SSE, X87, bits
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
    becomes of MXCSR ("load", "init" or nothing), `xmodified` what XMODIFIED is afterwards, `form` the XCOMP_BV that
    XRSTOR_INFO keeps, `reserved` how many reserved bytes of the header have to be looked at.

    Of the area's contents: `mxcsr_at` and `x87_at` are the places of MXCSR and of the two parts of x87 state (NOWHERE: they are
    zero), `checked` the components whose value may be refused, with their places.

    Where `regular` is set, whole contents are picked at once, if those that `inspect` picks (of the components `particular`,
    see `contents.looked_at`) are taken as they are. `live` are the components that hold something then; `pick` takes what
    they hold, but for x87 state that is loaded, from the area's contents and, where `keeps` says that any stay as they are,
    the state's behind them.
    """

    fault: Fault | None = None
    refused: Fault | None = None
    compact: bool = False
    form: int = 0
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
    regular: bool = False
    live: int = 0
    keeps: bool = False
    pick: images.Pick = images.picker(())
    particular: int = 0
    inspect: images.Pick = images.picker(())


@functools.lru_cache(maxsize=1 << 12)
def plan(
    instruction: str,
    encoding: str,
    misaligned: bool,
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
    fault = static(instruction, encoding, environment, description, misaligned=misaligned)
    if fault is not None:
        return Plan(fault)
    compact = bool(xcomp_bv & COMPACTED) and description.xsavec
    why = refuses(xstate_bv, xcomp_bv, enabled, compact=compact, supervisor=instruction == "xrstors")
    if why is not None:
        return Plan(refused=general_protection(why))
    known, rfbm = facts(description), mask & enabled
    reached = rfbm if environment.long_mode else rfbm & ~HI16_ZMM
    loading, form = reached & xstate_bv, xcomp_bv if compact else 0
    offset = {Component.SSE: XMM_AT, **layout(description, form).offset}
    place = {at: index for index, at in enumerate(offsets)}
    present = loading & (X87 | sum(1 << number for number, at in offset.items() if at in place))
    loaded = {number: place[offset[number]] for number in bits(present & ~X87)}
    reserved = RESERVED[compact] if RESERVED_AT in place else 0
    mxcsr = _mxcsr_rule(rfbm, loading, compact=compact)
    particular = loading & (X87 | values.PARTICULAR) & present | (SSE if mxcsr == "load" else 0)
    legacy = _legacy(particular)
    inspected = (
        *(place.get(at, NOWHERE) for at in legacy),
        *(loaded[number] for number in bits(particular & ~(X87 | SSE))),
    )
    regular = environment.long_mode and not known.overlapping and not loading & ~present & NOT_BY_ZEROS
    return Plan(
        compact=compact,
        form=form,
        reserved=reserved,
        rfbm=rfbm,
        reached=reached,
        loading=loading,
        mxcsr=mxcsr,
        xmodified=(known.xcr0 | known.xss) & ~rfbm,
        offset=offset,
        mxcsr_at=place.get(MXCSR_AT, NOWHERE),
        x87_at=(place.get(0, NOWHERE), place.get(ST_AT, NOWHERE)),
        checked=tuple((number, at) for number, at in loaded.items() if values.SUPERVISED >> number & 1),
        regular=regular and not reserved and NOWHERE not in inspected,
        live=live & ~reached | present,
        keeps=bool(live & ~reached),
        pick=_picker((live & ~reached | present) & ~(loading & X87), loaded, len(offsets), live),
        particular=particular,
        inspect=images.picker(inspected),
    )


def _legacy(particular: int) -> tuple[int, ...]:
    """Return where in the legacy region something has to be looked at: x87 state, then MXCSR."""
    return (*((0, ST_AT) if particular & X87 else ()), *((MXCSR_AT,) if particular & SSE else ()))


def place_of(mask: int, number: int) -> int:
    """Return how many components of the mask come before this one."""
    return (mask & ((1 << number) - 1)).bit_count()


def _mxcsr_rule(rfbm: int, loading: int, *, compact: bool) -> str:
    """Say what becomes of MXCSR: "load", "init" or nothing."""
    if not compact:
        return "load" if rfbm & (SSE | AVX) else ""
    return "" if not rfbm & SSE else "load" if loading & SSE else "init"


def _picker(after: int, loaded: dict[int, int], pieces: int, live: int) -> images.Pick:
    """Return how to pick the contents of `after`: out of the area's pieces, and behind them what the state holds."""
    return images.picker(
        tuple(
            loaded[number] if number in loaded else pieces + place_of(live, number) for number in bits(after)
        )
    )
