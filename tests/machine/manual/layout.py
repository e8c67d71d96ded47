"""Where things are in an XSAVE area (13.4): the legacy region, the header, the extended region in both its forms."""

from tests.machine.manual.cpu import EXTENDED, HI16_ZMM, bit

HEADER = 512
EXTENDED_REGION = 576


def get(memory, address, size):
    return int.from_bytes(memory[address : address + size], "little")


def put(memory, address, size, value):
    memory[address : address + size] = value.to_bytes(size, "little")


def standard_offset(component):
    return EXTENDED[component].offset


def compacted_offset(component, xcomp_bv):
    """Return where component is when the area has those of XCOMP_BV: each follows the one before (13.4.3)."""
    place = EXTENDED_REGION
    for other in range(2, component + 1):
        if not bit(xcomp_bv, other):
            continue
        part = EXTENDED[other]
        if part.align64:
            place = (place + 63) // 64 * 64
        if other == component:
            return place
        place += part.size
    raise AssertionError(f"XCOMP_BV {xcomp_bv:x} has no component {component}")


def store_x87(cpu, memory, area, *, rexw, content=None):
    """Store bytes 0 to 23 and 32 to 159; without REX.W the pointers have 32 bits, and FCS and FDS are zero."""
    content = cpu.registers[0] if content is None else content
    memory[area : area + 8] = content[0:8]
    if rexw:
        memory[area + 8 : area + 24] = content[8:24]
    else:
        memory[area + 8 : area + 24] = content[8:12] + bytes(4) + content[16:20] + bytes(4)
    memory[area + 32 : area + 160] = content[24:152]


def load_x87(cpu, memory, area, *, rexw):
    """Load them, as the recorded CPU normalises them."""
    fcw = get(memory, area, 2) & 0x1F3F | 0x40
    fsw = get(memory, area + 2, 2)
    unmasked = fsw & ~fcw & 0x3F
    fsw = fsw & ~0x8080 | (0x8080 if unmasked else 0)
    fop = get(memory, area + 6, 2) & 0x7FF
    if rexw:
        fip, fdp = get(memory, area + 8, 8), get(memory, area + 16, 8)
        sign = 1 << (cpu.linear_bits - 1)
        fip &= 2 * sign - 1
        if fip & sign:
            fip += (1 << 64) - 2 * sign
    else:
        fip, fdp = get(memory, area + 8, 4), get(memory, area + 16, 4)
    content = bytearray(152)
    put(content, 0, 2, fcw)
    put(content, 2, 2, fsw)
    content[4] = memory[area + 4]
    put(content, 6, 2, fop)
    put(content, 8, 8, fip)
    put(content, 16, 8, fdp)
    for slot in range(8):
        start = area + 32 + 16 * slot
        content[24 + 16 * slot : 24 + 16 * slot + 10] = memory[start : start + 10]
    cpu.registers[0] = content


def store_mxcsr(cpu, memory, area):
    put(memory, area + 24, 4, cpu.mxcsr)
    put(memory, area + 28, 4, 0x0000FFFF)


def store_xmm(cpu, memory, area, content=None):
    content = cpu.registers[1] if content is None else content
    span = cpu.span(1)
    memory[area + 160 : area + 160 + span] = content[:span]


def load_xmm(cpu, memory, area):
    span = cpu.span(1)
    cpu.registers[1][:span] = memory[area + 160 : area + 160 + span]


def store_extended(cpu, memory, place, component, content=None):
    content = cpu.registers[component] if content is None else content
    span = cpu.span(component)
    memory[place : place + span] = content[:span]


def exists(cpu, component):
    """ZMM16 to ZMM31 are no registers outside 64-bit mode."""
    return cpu.mode64 or component != HI16_ZMM
