"""Which of these instructions leave a guest, as far as extended state decides it.

SDM volume 3, 25.1.3, and volume 1, 13.11. XSETBV exits always; #UD for CR4.OSXSAVE = 0 comes before. XSAVES and XRSTORS exit if
the instruction mask, IA32_XSS and the XSS-exiting bitmap have a bit in common; with the VM-execution control "enable
XSAVES/XRSTORS" = 0 they are #UD instead (`faults`). MSRs exit by the MSR bitmap, which is not extended state.

No line is of a guest.
"""

from actors.machine.xstate.registers import XState


def xss_exiting(state: XState, mask: int, bitmap: int) -> int:
    """Return the bits for which XSAVES or XRSTORS with this instruction mask exits; nonzero is a VM-exit."""
    return mask & state.xss & bitmap
