"""x87 state in an XSAVE area: how it is stored, and how loading makes it regular.

SDM volume 1, 13.5.1, for the two formats of the instruction and data pointers: with REX.W in 64-bit mode 64-bit FIP and
FDP, otherwise 32-bit ones with FCS and FDS, which are deprecated and always 0 here (CPUID.(EAX=07H,ECX=0):EBX[13]). The six
bytes behind each ST register are written as 0 and not read.

Silicon adds (fact 17; nothing of it is in chapter 13): on loading, FCW := FCW & 1F3FH | 40H; FSW.ES and FSW.B (bits 7 and
15) := whether an exception flag in FSW is unmasked in FCW; byte 5 is dropped; FOP keeps 11 bits; FIP is sign-extended from
the highest linear-address bit, while FDP keeps all 64 bits. The width was 57 on the recorded CPU; that 48 goes by the same rule
is an inference.
"""

import functools

_FCW, _FCW_ALWAYS = 0x1F3F, 0x40
_EXCEPTIONS = 0x3F
_SUMMARY = 1 << 15 | 1 << 7
_FOP = 0x7FF
_ENVIRONMENT_BYTES = 24
_SLOT, _REGISTER = 16, 10

Parts = tuple[bytes, bytes]
"""Bytes 0-23 and bytes 32-159 of an area."""


@functools.lru_cache(maxsize=1 << 12)
def store(content: bytes, rexw: bool) -> Parts:
    """Return what a save writes for this content."""
    environment, registers = content[:_ENVIRONMENT_BYTES], content[_ENVIRONMENT_BYTES:]
    if not rexw:
        fip, fdp = environment[8:12], environment[16:20]
        environment = environment[:8] + fip + bytes(4) + fdp + bytes(4)
    return environment, registers


@functools.lru_cache(maxsize=1 << 12)
def load(environment: bytes, registers: bytes, rexw: bool, linear_bits: int) -> bytes:
    """Return the content that these bytes are loaded as."""

    def number(first: int, size: int) -> int:
        return int.from_bytes(environment[first : first + size], "little")

    fcw = number(0, 2) & _FCW | _FCW_ALWAYS
    fsw = number(2, 2) & ~_SUMMARY
    fsw |= _SUMMARY if fsw & ~fcw & _EXCEPTIONS else 0
    width = 8 if rexw else 4
    fip = _sign_extend(number(8, 8), linear_bits) if rexw else number(8, 4)
    loaded = (
        (fcw, 2),
        (fsw, 2),
        (number(4, 1), 2),  # the abridged tag word, and byte 5
        (number(6, 2) & _FOP, 2),
        (fip, 8),
        (number(16, width), 8),
    )
    slots = (registers[at : at + _REGISTER].ljust(_SLOT, b"\0") for at in range(0, len(registers), _SLOT))
    return b"".join(value.to_bytes(size, "little") for value, size in loaded) + b"".join(slots)


def _sign_extend(address: int, linear_bits: int) -> int:
    sign = 1 << (linear_bits - 1)
    address &= (1 << linear_bits) - 1
    return ((address ^ sign) - sign) & (1 << 64) - 1
