"""Extended feature disable: which instructions raise #NM, and what XFD_ERR then says.

SDM volume 1, 13.14: with XCR0[i] = XFD[i] = 1 an instruction that needs component i does not execute and raises #NM. XFD_ERR
is loaded with the AND of XFD and the components that the instruction needs. A #NM from CR0.TS leaves XFD_ERR alone, and
hardware never clears it. XFD[i] has no effect while XCR0[i] = 0.
"""

import msgspec

from actors.machine.model import CpuModel
from actors.machine.xstate.registers import XState


def disabled(state: XState, needed: int) -> int:
    """Return those of the needed components that XFD disables; nonzero means #NM."""
    return needed & state.xfd & state.xcr0


def device_not_available(state: XState, needed: int, model: CpuModel) -> XState:
    """Return the state after an XFD-#NM: XFD_ERR loaded, or added to where the model accumulates."""
    found = disabled(state, needed)
    before = state.xfd_err if model.xfd_err == "accumulate" else 0
    return msgspec.structs.replace(state, xfd_err=before | found)
