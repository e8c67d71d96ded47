"""The CET MSRs that are XSAVE-managed, as views of components 11 (CET_U) and 12 (CET_S).

SDM volume 1, 13.5.9, and volume 4. CET_U has IA32_U_CET and IA32_PL3_SSP, CET_S has IA32_PL0_SSP, IA32_PL1_SSP and
IA32_PL2_SSP. (IA32_S_CET and the interrupt SSP table address belong to no component, and are not here.) A value that breaks
a rule below is #GP, for WRMSR as for XRSTORS.

Recorded are the emulator's WRMSRs alone: 17 lines refuse a misaligned shadow-stack pointer, 110 accept a value. No line refuses
a value of U_CET, or a pointer that is not canonical; no line has XRSTORS load either component.
"""

from collections.abc import Callable

from protocol.registers import Component

U_CET, PL0_SSP, PL1_SSP, PL2_SSP, PL3_SSP = 0x6A0, 0x6A4, 0x6A5, 0x6A6, 0x6A7

FIELDS: dict[int, dict[int, int]] = {
    Component.CET_U: {U_CET: 0, PL3_SSP: 8},
    Component.CET_S: {PL0_SSP: 0, PL1_SSP: 8, PL2_SSP: 16},
}
"""Component to MSR to the offset of the MSR in it."""

PLACE: dict[int, tuple[int, int]] = {
    msr: (component, at) for component, fields in FIELDS.items() for msr, at in fields.items()
}
"""MSR to its component and offset."""

_RESERVED = 0x3C0
_SUPPRESS, _TRACKER = 1 << 10, 1 << 11
_ALIGNMENT = 3


def canonical(address: int, linear_bits: int) -> bool:
    """Say whether a linear address is canonical: all bits from the highest one that counts are equal."""
    top = address >> (linear_bits - 1)
    return top in {0, (1 << (65 - linear_bits)) - 1}


_Rule = tuple[Callable[[int, int], bool], str]
_CET: tuple[_Rule, ...] = (
    (lambda value, _: value & _RESERVED != 0, "bits 9:6 of U_CET are reserved"),
    (lambda value, _: bool(value & _SUPPRESS and value & _TRACKER), "U_CET has both SUPPRESS and TRACKER"),
    (
        lambda value, width: not canonical(value & ~0xFFF, width),
        "the bitmap's address in U_CET is not canonical",
    ),
)
_SSP: tuple[_Rule, ...] = (
    (lambda value, _: value & _ALIGNMENT != 0, "a shadow-stack pointer is not aligned to 4 bytes"),
    (lambda value, width: not canonical(value, width), "a shadow-stack pointer is not canonical"),
)


def refuses(msr: int, value: int, linear_bits: int) -> str | None:
    """Return the rule that the value breaks in this MSR, or None."""
    rules = _CET if msr == U_CET else _SSP
    return next((rule for broken, rule in rules if broken(value, linear_bits)), None)
