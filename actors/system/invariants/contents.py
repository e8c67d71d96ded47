"""What registers and XSAVE areas hold, component by component, so that the two can be compared."""

from collections.abc import Iterator

from actors.machine.xstate import area as images
from actors.machine.xstate.components import MXCSR_INITIAL, SSE, bits, initial
from actors.machine.xstate.description import Description
from actors.machine.xstate.layout import MXCSR_AT, XMM_AT, layout
from actors.machine.xstate.registers import XState
from protocol.instructions import XsaveArea
from protocol.registers import Component


def saved(area: XsaveArea, component: int, description: Description) -> bytes:
    """Return what XRSTORS would load: the component's bytes, or its initial content where XSTATE_BV has no bit."""
    size = description.size(component)
    if not area.xstate_bv >> component & 1:
        return initial(component, size)
    at = XMM_AT if component == Component.SSE else layout(description, area.xcomp_bv).offset[component]
    return images.read(area, at, size)


def saved_mxcsr(area: XsaveArea) -> int:
    """Return what XRSTORS with RFBM[1] = 1 would load into MXCSR, of the compacted format."""
    return int.from_bytes(images.read(area, MXCSR_AT, 4), "little") if area.xstate_bv & SSE else MXCSR_INITIAL


def same(x: XState, area: XsaveArea, features: int, description: Description) -> bool:
    """Say whether the registers of these components (mask) hold what the area does; MXCSR goes with component 1.

    Contents are compared and not what is in use: a save may note an initial component either way.
    """
    if features & SSE and x.mxcsr != saved_mxcsr(area):
        return False
    return all(
        x.content(component, description) == saved(area, component, description)
        for component in bits(features)
    )


def pieces(x: XState) -> Iterator[bytes]:
    """Yield what the registers hold that is not initial."""
    yield from x.contents
