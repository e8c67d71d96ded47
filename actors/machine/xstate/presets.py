"""Descriptions of CPUs, each with its source.

`emerald_rapids`: the CPU that the `hw-*` vectors were recorded on (`hw-cpu.json` beside them), a KVM guest without PKU and
AMX. `emulated`: the emulator of the `emu` and `emuamx` vectors (`FORMAT.md`, section 4). `suites`: the CPU that the `suites`
vectors are written for: the user components of Sapphire Rapids. `sapphire_rapids`: leaf 0DH of an Intel host with AMX, all
sub-leaves, as Yang Zhong (Intel) posted them to qemu-devel on 22 March 2022 ("Re: [PULL 15/22] x86: Grant AMX permission for
guest", <20220322082652.GA30793@yangzhon-Virtual>). The mail does not name the model; the leaf is what Linux reports on
Sapphire Rapids: XCR0 602E7H. Of the catalogue's rest HDC and HWP state are one MSR each (SDM volume 1, 13.5), MPX state is as
the CPUs that had it enumerated it, APX state as its specification has it, in the place of MPX state. `mail_2021`: the leaf of
`sapphire_rapids` with the second XFD-capable component that the design mail of 2021 supposes: bit 19, 64 bytes, aligned,
behind all others. It has no counterpart on any released CPU, where bit 19 is APX state and has no XFD.
"""

import msgspec

from actors.machine.xstate.description import Description, ImpossibleCpu, StateComponent
from protocol.registers import Component

AVX = StateComponent(Component.AVX, 256, 576)
BNDREGS = StateComponent(Component.BNDREGS, 64, 960)
BNDCSR = StateComponent(Component.BNDCSR, 64, 1024)
OPMASK = StateComponent(Component.OPMASK, 64, 1088)
ZMM_HI256 = StateComponent(Component.ZMM_HI256, 512, 1152)
HI16_ZMM = StateComponent(Component.HI16_ZMM, 1024, 1664)
PT = StateComponent(Component.PT, 128, supervisor=True)
PKRU = StateComponent(Component.PKRU, 8, 2688)
PASID = StateComponent(Component.PASID, 8, supervisor=True)
CET_U = StateComponent(Component.CET_U, 16, supervisor=True)
CET_S = StateComponent(Component.CET_S, 24, supervisor=True)
HDC = StateComponent(Component.HDC, 8, supervisor=True)
UINTR = StateComponent(Component.UINTR, 48, supervisor=True)
LBR = StateComponent(Component.LBR, 808, supervisor=True)
HWP = StateComponent(Component.HWP, 8, supervisor=True)
TILECFG = StateComponent(Component.TILECFG, 64, 2752, align64=True)
TILEDATA = StateComponent(Component.TILEDATA, 8192, 2816, align64=True)
TILEDATA_XFD = msgspec.structs.replace(TILEDATA, xfd=True)
APX = StateComponent(Component.APX, 128, 960)
SECOND_DYNAMIC = StateComponent(Component.APX, 64, 11008, align64=True, xfd=True)

CATALOGUE = (
    *(AVX, BNDREGS, BNDCSR, OPMASK, ZMM_HI256, HI16_ZMM, PKRU, TILECFG, TILEDATA_XFD, APX),
    *(PT, PASID, CET_U, CET_S, HDC, UINTR, LBR, HWP),
)
"""Every component that the manual describes, as the CPUs that have it enumerate it."""

_VECTORS = (AVX, OPMASK, ZMM_HI256, HI16_ZMM)
_USER = (*_VECTORS, PKRU, TILECFG, TILEDATA_XFD)
_SUPERVISOR = (PT, PASID, CET_U, CET_S, UINTR, LBR)


def offering(name: str, xcr0: int, xss: int = 0) -> Description:
    """Describe a CPU of that name with these components, as the catalogue has them, and with XFD.

    Raises ImpossibleCpu for a combination that cannot be, or a component that the manual does not describe.
    """
    wanted = (xcr0 | xss) & ~3
    known = sum(1 << one.number for one in CATALOGUE)
    if wanted & ~known:
        raise ImpossibleCpu(f"{name} cannot exist: nothing is known of components {wanted & ~known:#x}")
    chosen = tuple(one for one in CATALOGUE if wanted >> one.number & 1)
    cpu = Description(name, chosen, xfd=True)
    if (cpu.xcr0, cpu.xss) != (xcr0 | 3, xss):
        raise ImpossibleCpu(
            f"{name} cannot exist: XCR0 {xcr0:#x} and XSS {xss:#x} mix up user and supervisor state"
        )
    return cpu


EMERALD_RAPIDS = Description("emerald_rapids", _VECTORS)
EMULATED = Description("emulated", (*_VECTORS, PKRU, CET_U, CET_S, UINTR, TILECFG, TILEDATA), amx_ts=False)
SUITES = offering("suites", 0x602E7)
SAPPHIRE_RAPIDS = Description("sapphire_rapids", (*_USER, *_SUPERVISOR), xfd=True)
MAIL_2021 = Description("mail_2021", (*_USER, SECOND_DYNAMIC, *_SUPERVISOR), xfd=True)

DESCRIPTIONS: dict[str, Description] = {
    one.name: one for one in (EMERALD_RAPIDS, SAPPHIRE_RAPIDS, MAIL_2021, EMULATED, SUITES)
}
