"""Where a recorded sequence is not believed: what the emulator does there, what this model does, and why.

A sequence stops at its first op with such a tag. The op is carried out on the model all the same, and `Verdict.got` says in
which field the model's answer differs; so the disagreement is looked at, and not merely skipped.
"""

from typing import NamedTuple


class Suspect(NamedTuple):
    """One kind of disagreement: the emulator's answer, the model's, and what the model's rests on."""

    emulator: str
    model: str
    why: str


SUSPECTS: dict[str, Suspect] = {
    "hdr1-mxcsr": Suspect(
        "XSAVE and XSAVEOPT write XSTATE_BV[1] = 1 where MXCSR alone is not 1F80h",
        "XSTATE_BV[1] follows the XMM registers alone",
        "SDM volume 1, 13.7 and 13.9, and silicon fact 6; the exception for MXCSR is XSAVEC's and XSAVES's (13.10, 13.11)",
    ),
    "pkru-pad": Suspect(
        "bytes 7:4 of the PKRU component are not written",
        "all 8 bytes are written, the upper 4 as zeros",
        "CPUID gives the component 8 bytes, of which the manual uses 4 and says nothing of the others (SDM volume 1, 13.5.7); "
        "no recorded CPU has PKRU, so silicon has not confirmed it",
    ),
    "tilezero-xinuse": Suspect(
        "a TILEZERO of the last tile in use takes TILEDATA out of use",
        "TILEDATA stays in use until it is initialised",
        "SDM volume 1, 13.6 allows both, and whether silicon tracks this is unknown; an event can only be seen to make it in use",
    ),
    "xrstor-clears-tiledata": Suspect(
        "XRSTOR and XRSTORS that load or initialise TILECFG clear TILEDATA too",
        "TILEDATA is left alone unless it is loaded or initialised itself",
        "SDM volume 1, 13.5.14",
    ),
    "xrstor-std-mxcsr-partial": Suspect(
        "standard XRSTOR with an illegal MXCSR has changed x87 and initialised components before its #GP",
        "nothing changes: the check comes first in the standard form",
        "silicon fact 15: all 36 recorded cases in which part of the work was done are of the compacted form",
    ),
    "cpuid-d1-ebx-unaligned": Suspect(
        "CPUID.(0DH,1):EBX adds sizes and forgets that components are aligned to 64 bytes",
        "EBX is the size of the compacted area that XSAVES writes for XCR0 | XSS",
        "SDM volume 1, 13.4.3; the offsets in the areas that the emulator itself writes are aligned",
    ),
    "x87-fip-raw": Suspect(
        "all 64 bits of FIP are kept",
        "FIP is sign-extended from bit 56",
        "silicon fact 17, on a CPU with 57 linear-address bits; the manual does not say",
    ),
    "tainted": Suspect(
        "the sequence has diverged at an earlier op",
        "whatever its own state leads to",
        "nothing that follows a disagreement can be compared",
    ),
}
"""By tag, in the order of `tests/vectors/README.md`."""
