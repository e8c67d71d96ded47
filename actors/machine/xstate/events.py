"""What register-writing instructions do to XINUSE and XMODIFIED, as a table: the instruction groups of the vectors.

On the recorded silicon (facts 2, 3, 4, 7, 12):

* any write counts, whatever the value: FNINIT, KXOR k,k,k and PXOR x,x make their component in use;
* legacy SSE and VEX.128 writes set bit 1, 256-bit writes bits 1 and 2, 512-bit writes to ZMM0-15 bits 1, 2 and 6; a write
  to a register from 16 on, of any width, sets bit 7 alone; KMOV and KXOR bit 5, x87 instructions bit 0;
* a VEX write zeroes the upper parts but never clears bit 2 or 6; VZEROUPPER clears bits 2 and 6, VZEROALL 1, 2 and 6.
  Nothing else but XRSTOR clears a bit;
* LDMXCSR sets bit 1, even with the default value;
* for XMODIFIED a VEX write counts as one of AVX and ZMM_Hi256 state too, a legacy SSE write or LDMXCSR as one of SSE state
  alone.

`upper` tells whether registers 8 to 15 are written as well. The table is this CPU's; the manual lets a processor be less exact.
"""

import msgspec

from actors.machine.xstate.components import AVX, HI16_ZMM, OPMASK, SSE, X87, ZMM_HI256
from actors.machine.xstate.registers import XState


class Event(msgspec.Struct, frozen=True):
    """Bits of XINUSE set (also by registers 8 to 15) and cleared, and bits of XMODIFIED set besides these."""

    sets: int = 0
    upper: int = 0
    clears: int = 0
    modifies: int = 0


_WIDE = AVX | ZMM_HI256
_XMM, _YMM, _ZMM = SSE, SSE | AVX, SSE | AVX | ZMM_HI256

NOTHING = Event()
X87_WRITE = Event(X87)
OPMASK_WRITE = Event(OPMASK)
LEGACY_SSE = Event(_XMM)
LEGACY_SSE_ALL = Event(_XMM, _XMM)
VEX_128 = Event(_XMM, modifies=_WIDE)
VEX_128_ALL = Event(_XMM, _XMM, modifies=_WIDE)
VEX_256 = Event(_YMM, modifies=_WIDE)
VEX_256_ALL = Event(_YMM, _YMM, modifies=_WIDE)
EVEX_512 = Event(_ZMM)
EVEX_512_LOW = Event(_ZMM, _ZMM)
HIGH = Event(HI16_ZMM)
EVEX_512_ALL = Event(_ZMM | HI16_ZMM, _ZMM)
LDMXCSR = Event(SSE)
VZEROUPPER = Event(clears=_WIDE)
VZEROALL = Event(clears=_ZMM)

GROUPS: dict[str, Event] = {
    "none": NOTHING,
    "fninit": X87_WRITE,
    "emms": X87_WRITE,
    "fnclex": X87_WRITE,
    "fldz_fstp": X87_WRITE,
    "fld1": X87_WRITE,
    "fldcw_default": X87_WRITE,
    "vzeroupper": VZEROUPPER,
    "vzeroall": VZEROALL,
    "kxor_all": OPMASK_WRITE,
    "kmov1": OPMASK_WRITE,
    "kmov1_zero": OPMASK_WRITE,
    "pxor_all": LEGACY_SSE_ALL,
    "vpxor_xmm_all": VEX_128_ALL,
    "vpxor_ymm_all": VEX_256_ALL,
    "vpxorq_zmm_lo16": EVEX_512_LOW,
    "vpxorq_zmm_hi16": HIGH,
    "vpxorq_zmm_all": EVEX_512_ALL,
    "pxor_xmm0": LEGACY_SSE,
    "movaps_self": LEGACY_SSE,
    "vmovaps_ymm_self": VEX_256,
    "vmovaps_zmm_self": EVEX_512,
    "vmovaps_zmm20_self": HIGH,
    "pcmpeq_xmm1": LEGACY_SSE,
    "vpcmpeq_xmm1": VEX_128,
    "vpcmpeq_ymm1": VEX_256,
    "vpternlog_zmm1": EVEX_512,
    "vpternlog_zmm17": HIGH,
    "vpternlog_xmm17": HIGH,
    "ldmxcsr_default": LDMXCSR,
    "ldmxcsr_9fc0": LDMXCSR,
}
"""The instruction groups of FORMAT.md, section 2.1."""


def happened(state: XState, event: Event) -> XState:
    """Return the state after the event; contents are the instruction's own business."""
    return state.touched(event.sets, event.upper, event.clears, event.modifies)
