"""What CPUID leaf 0DH says of a CPU, before anybody has looked whether a CPU can say that.

SDM volume 1, 13.2, and volume 2, CPUID. `description` makes descriptions of these words, `impossible` says which are none.
"""

import msgspec

from actors.machine.xstate.state_component import StateComponent


class Leaf0D(msgspec.Struct, frozen=True):
    """All of CPUID leaf 0DH, and what else tells CPUs apart here: linear-address bits, MXCSR_MASK, and `amx_ts`.

    The first five flags are CPUID.(EAX=0DH,ECX=1):EAX[4:0], under the names of what they enumerate. `amx_ts`: AMX instructions
    raise #NM if CR0.TS = 1. No source that could be had settles it: KVM's developers reason that this #NM comes before that of
    XFD, the emulator of the vectors executes LDTILECFG and TILEZERO with CR0.TS = 1.
    """

    name: str
    components: tuple[StateComponent, ...]
    xsaveopt: bool = True
    xsavec: bool = True
    xgetbv1: bool = True
    xsaves: bool = True
    xfd: bool = False
    linear_bits: int = 57
    mxcsr_mask: int = 0xFFFF
    amx_ts: bool = True
