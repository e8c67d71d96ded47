"""CPUID leaf 0DH, computed from the description.

SDM volume 2, CPUID, and volume 1, 13.2. Sub-leaf 0: the bits of XCR0 (EDX:EAX), the size of the standard format for the current
XCR0 (EBX) and for all user components (ECX). Sub-leaf 1: the features (EAX[4:0]), the size of the compacted format for
XCR0 | IA32_XSS (EBX), the bits of IA32_XSS (EDX:ECX). Sub-leaf i > 1: component i; zeros if there is none.

Recorded: `hw-cpu.json`, and the emulator's sub-leaves, of which EBX of sub-leaf 1 is not believed: it forgets the alignment.
"""

from actors.machine.xstate.components import COMPACTED, bits
from actors.machine.xstate.description import Description, facts
from actors.machine.xstate.layout import compacted, standard_size

LEAF = 0x0D
_LOW = 0xFFFF_FFFF

Registers = tuple[int, int, int, int]
"""EAX, EBX, ECX, EDX."""


def cpuid_0d(description: Description, sub: int, xcr0: int, xss: int) -> Registers:
    """Return what CPUID answers with EAX=0DH and ECX=sub, for the current XCR0 and IA32_XSS."""
    if sub == 0:
        supported = description.xcr0
        enabled, largest = (standard_size(description, bits(mask)) for mask in (xcr0, supported))
        return supported & _LOW, enabled, largest, supported >> 32
    if sub == 1:
        return (
            _features(description),
            _compacted_size(description, xcr0, xss),
            description.xss & _LOW,
            description.xss >> 32,
        )
    component = facts(description).component.get(sub)
    if component is None:
        return 0, 0, 0, 0
    flags = component.supervisor | component.align64 << 1 | component.xfd << 2
    return component.size, component.offset, flags, 0


def _features(cpu: Description) -> int:
    present = (cpu.xsaveopt, cpu.xsavec, cpu.xgetbv1, cpu.xsaves, cpu.xfd)
    return sum(has << bit for bit, has in enumerate(present))


def _compacted_size(cpu: Description, xcr0: int, xss: int) -> int:
    """EBX of sub-leaf 1; without the compacted format it is 0, without XSAVES it does not count IA32_XSS."""
    if not cpu.xsavec:
        return 0
    return compacted(cpu, COMPACTED | xcr0 | (xss if cpu.xsaves else 0)).size
