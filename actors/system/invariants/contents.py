"""What registers and XSAVE areas hold, component by component, so that the two can be compared."""

from collections.abc import Iterator

from actors.machine.xstate import area as images
from actors.machine.xstate.components import bits, initial
from actors.machine.xstate.description import Description
from actors.machine.xstate.layout import XMM_AT, layout
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


def same(x: XState, area: XsaveArea, features: int, description: Description) -> bool:
    """Say whether the registers of these components (mask) hold what the area does.

    Contents are compared and not what is in use: a save may note an initial component either way.
    """
    return all(
        x.content(component, description) == saved(area, component, description)
        for component in bits(features)
    )


def pieces(x: XState) -> Iterator[bytes]:
    """Yield what the registers hold that is not initial."""
    yield from x.contents
