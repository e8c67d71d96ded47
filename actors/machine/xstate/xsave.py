"""XSAVES and XRSTORS of the components that are modelled.

SDM volume 1, 13.11 and 13.12, and 13.14 for XFD. The save instructions never fault for XFD: they act as if XINUSE[i] were 0.
XRSTORS raises #NM if XFD disables a component that it would load (XSTATE_BV[i] = 1); one that it would initialise does not
count. All header checks come first and ignore the instruction mask.
"""

import msgspec

from actors.machine.xstate.components import MODELLED, bits
from actors.machine.xstate.registers import XState
from actors.machine.xstate.xfd import disabled
from protocol.instructions import XsaveArea

COMPACTED = 1 << 63
"""XCOMP_BV[63]: the area has the compacted format."""


def unmodelled(rfbm: int) -> int:
    """Return those of the requested components that are not here yet; nonzero is #UD."""
    return rfbm & ~MODELLED


def xsaves(state: XState, rfbm: int) -> XsaveArea:
    """Return the area that XSAVES writes for the requested components."""
    requested = rfbm & (state.xcr0 | state.xss)
    saved = requested & state.in_use & ~state.xfd
    components = tuple((component, state.content(component)) for component in bits(saved))
    return XsaveArea(saved, COMPACTED | requested, components)


def refuses(state: XState, area: XsaveArea) -> str | None:
    """Return the header rule that the area breaks (#GP), or None."""
    if not area.xcomp_bv & COMPACTED:
        return "XCOMP_BV[63] = 0"
    if area.xcomp_bv & ~COMPACTED & ~(state.xcr0 | state.xss):
        return "XCOMP_BV has a component that XCR0 and XSS do not enable"
    if area.xstate_bv & ~area.xcomp_bv or area.xstate_bv & COMPACTED:
        return "XSTATE_BV has a bit that XCOMP_BV lacks"
    return None


def to_load(state: XState, rfbm: int, area: XsaveArea) -> int:
    """Return the components that XRSTORS would load: requested, enabled, and present in the area."""
    return rfbm & (state.xcr0 | state.xss) & area.xstate_bv


def blocked(state: XState, rfbm: int, area: XsaveArea) -> int:
    """Return the components whose loading XFD forbids; nonzero is #NM."""
    return disabled(state, to_load(state, rfbm, area))


def xrstors(state: XState, rfbm: int, area: XsaveArea) -> XState:
    """Return the state after loading what the area has and initialising what it lacks, of the requested components."""
    requested = rfbm & (state.xcr0 | state.xss)
    loading = to_load(state, rfbm, area)
    after = state.initialised(requested & ~loading)
    contents = dict(area.components)
    for component in bits(loading):
        after = after.loaded(component, contents[component])
    return msgspec.structs.replace(after, in_use=(state.in_use & ~requested) | loading)
