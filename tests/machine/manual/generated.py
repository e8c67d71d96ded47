"""Strategies for CPUs and XSAVE areas: any state that a CPU can be in, and any area that software may put before it.

Contents come from seeds and not from Hypothesis's own bytes: which bytes they are does not matter, only whose, and a failing
example shrinks to few numbers.
"""

import functools
import random

from hypothesis import strategies as st

from tests.machine.manual.cpu import COMPACTED, HALVED, SIZES, Cpu, bit, bits, initial
from tests.machine.manual.layout import compacted_offset, put, standard_offset

SUPPORTED, SUPPORTED_XSS = 0x602E7, 0x17800
USER, SUPERVISOR = bits(SUPPORTED), bits(SUPPORTED_XSS)
MEMORY = 0x2C00
"""Enough for the largest area, and something behind it."""

CONFIGURATION = bytes([1, 3]) + bytes(14) + bytes([64, 0, 4, 0]) + bytes(28) + bytes([16, 5]) + bytes(14)

TILECFG = 1 << 17
"""A configuration of zeros that is nevertheless in use is a question of its own, which no strategy here asks."""

XCR0 = (0x602E7, 0x602E7, 0x602E7, 0x1, 0x3, 0x7, 0xE7, 0x2E7, 0x60201, 0x60007)
XSS = (0, 0x800, 0x1000, 0x4000, 0x12000, 0x17800)
MXCSR = (0x1F80, 0x1F80, 0x9FC0, 0x0, 0xFFFF)
ILLEGAL_MXCSR = (0x11F80, 0x80001F80, 0xFFFFFFFF)

seeds = st.integers(0, 3)
_ANY = st.sampled_from((-1, -1, 0)) | st.integers(0, 2**19 - 1)


@functools.cache
def often(usual, *rare):
    """Draw the usual value in most cases."""
    return st.sampled_from([usual] * 7 + list(rare))


@functools.cache
def masks(of):
    """Draw some of these bits, all of them, or none."""
    return _ANY.map(lambda some: some & of)


INSTRUCTION_MASKS = _ANY.map(lambda some: some % 2**64) | st.integers(0, 2**64 - 1)
"""EDX:EAX: also bits that name nothing."""


def content(component, seed):
    """Return bytes that this component may hold, not its initial ones."""
    noise = _noise(component, seed, SIZES[component])
    if component == 0:
        return _x87(noise)
    if component == 9:
        return bytearray(noise[:4] + bytes(4))
    if component in (11, 12):
        return bytearray(
            b"".join((8 * (seed + i + 1)).to_bytes(8, "little") for i in range(SIZES[component] // 8))
        )
    if component in (13, 16):
        return bytearray(noise if seed % 2 else 8)
    if component == 14:
        return bytearray(32) + bytearray(noise[:8]) + bytearray(8)
    if component == 17:
        return bytearray(CONFIGURATION)
    return bytearray(noise)


@functools.cache
def _noise(what, seed, size):
    return random.Random(f"{what} {seed}").randbytes(size)


def _x87(noise):
    """Return x87 contents as loading leaves them, so that loading them again changes nothing."""
    fcw = int.from_bytes(noise[0:2], "little") & 0x1F3F | 0x40
    fsw = int.from_bytes(noise[2:4], "little") & ~0x8080
    fsw |= 0x8080 if fsw & ~fcw & 0x3F else 0
    pointers = noise[8:12] + bytes(4) + noise[16:20] + bytes(4)
    slots = b"".join(noise[24 + 16 * slot : 34 + 16 * slot] + bytes(6) for slot in range(8))
    head = (
        fcw.to_bytes(2, "little")
        + fsw.to_bytes(2, "little")
        + noise[4:5]
        + b"\0"
        + noise[6:7]
        + bytes([noise[7] & 7])
    )
    return bytearray(head + pointers + slots)


@st.composite
def cpus(draw, *, faulting=True):
    """Draw a CPU; one that is not `faulting` raises nothing before it looks at the area."""
    cpu = Cpu(SUPPORTED, SUPPORTED_XSS)
    cpu.xcr0, cpu.xss = draw(st.sampled_from(XCR0)), draw(st.sampled_from(XSS))
    cpu.mode64 = draw(often(True, False))
    cpu.cpl, cpu.ts, cpu.osxsave, cpu.non_root = 0, False, True, draw(st.booleans())
    if faulting:
        cpu.cpl, cpu.ts, cpu.osxsave = draw(often(0, 3)), draw(often(False, True)), draw(often(True, False))
        cpu.xfd = draw(often(0, 1 << 18, 1 << 18))
        cpu.xfd_err = draw(often(0, 1 << 18))
    cpu.mxcsr = draw(st.sampled_from(MXCSR))
    seed, empty = draw(seeds), draw(often(0, *HALVED))
    for i in bits(draw(masks(SUPPORTED | SUPPORTED_XSS))):
        cpu.registers[i] = content(i, seed)
        if i in HALVED and i == empty:
            half = HALVED[i] or SIZES[i] // 2
            cpu.registers[i][half:] = bytes(SIZES[i] - half)
    idle = draw(masks((SUPPORTED | SUPPORTED_XSS) & ~TILECFG))
    cpu.xinuse = idle & ~0x80 | _mask(i for i in cpu.registers if _low(cpu, i)) & ~0x80
    cpu.xinuse_high = idle & 0xC6 | _mask(i for i in HALVED if any(cpu.registers[i][HALVED[i] :]))
    cpu.xmodified = draw(masks(SUPPORTED | SUPPORTED_XSS))
    return cpu


def _low(cpu, i):
    span = HALVED.get(i, SIZES[i])
    return cpu.registers[i][:span] != initial(i)[:span]


@st.composite
def areas(draw, cpu, *, spoilt=True):
    """Draw memory with an area at its beginning that this CPU may restore, or that it refuses for some reason."""
    seed, blank = draw(seeds), draw(masks((cpu.xcr0 | cpu.xss) & ~TILECFG))
    memory = bytearray(_noise("memory", seed, MEMORY) if seed else MEMORY)
    allowed = cpu.xcr0 | (cpu.xss if draw(st.booleans()) else 0)
    xcomp_bv = COMPACTED | draw(masks(allowed)) if draw(st.booleans()) else 0
    xstate_bv = draw(masks(xcomp_bv & ~COMPACTED if xcomp_bv else cpu.xcr0))
    memory[512:576] = bytes(64)
    put(memory, 512, 8, xstate_bv)
    put(memory, 520, 8, xcomp_bv)
    put(memory, 24, 4, draw(st.sampled_from(MXCSR)))
    for i in bits(xstate_bv):
        if i >= 2:
            place = compacted_offset(i, xcomp_bv) if xcomp_bv else standard_offset(i)
            memory[place : place + SIZES[i]] = initial(i) if bit(blank, i) else content(i, seed + 1)
    if spoilt:
        _spoil(draw, memory)
    return memory


def _spoil(draw, memory):
    kind = draw(often(None, "mxcsr", "header", "reserved"))
    if kind == "mxcsr":
        put(memory, 24, 4, draw(st.sampled_from(ILLEGAL_MXCSR)))
    elif kind == "header":
        place, number = draw(st.sampled_from((512, 520))), draw(st.integers(0, 63))
        put(memory, place, 8, int.from_bytes(memory[place : place + 8], "little") ^ 1 << number)
    elif kind == "reserved":
        memory[draw(st.integers(528, 575))] = 1


@st.composite
def infos(draw, cpu, area, xcomp_bv):
    """Draw what the last XRSTOR left in XRSTOR_INFO: what matches, what nearly does, or nothing."""
    matching = (cpu.cpl, cpu.non_root, area, xcomp_bv)
    return draw(
        st.sampled_from(
            [
                None,
                matching,
                matching,
                (3 - cpu.cpl, *matching[1:]),
                (cpu.cpl, not cpu.non_root, *matching[2:]),
                (cpu.cpl, cpu.non_root, area + 4096, xcomp_bv),
                (cpu.cpl, cpu.non_root, area, xcomp_bv ^ COMPACTED),
            ]
        )
    )


def _mask(numbers):
    return sum(1 << i for i in numbers)
