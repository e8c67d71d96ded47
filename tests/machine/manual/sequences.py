"""An emulator's sequence on the second formulation: what silicon could not be asked (supervisor components, tiles).

The XSAVE family, XSETBV, XGETBV, LDTILECFG and the writes of XSS are executed and compared. Everything else only fills
registers: whether it faults is taken from the record. The emulator's in-use tracking is by value, so XINUSE is told before each
instruction from what the registers hold.
"""

import zlib

from tests.machine.manual.control import XFD, XFD_ERR, XSS, wrmsr, xgetbv, xsetbv
from tests.machine.manual.cpu import GP, PKRU, TILECFG, TILEDATA, Cpu, Fault, bit, initial
from tests.machine.manual.family import FAMILY
from tests.machine.manual.layout import compacted_offset, get, put
from tests.machine.manual.tiles import legal_configuration

AREA = 0x3000
CET = {0x6A0: (11, 0), 0x6A7: (11, 8), 0x6A4: (12, 0), 0x6A5: (12, 8), 0x6A6: (12, 16)}


class Sequence:
    def __init__(self):
        self.cpu = Cpu(0x602E7, 0x5800)
        self.memory = bytearray(4 * AREA)
        self.tiles_loaded = False
        self.result = None

    def step(self, op):
        """Execute one step, and return the first field that differs from the record."""
        name = op.__struct_config__.tag
        cpu = self.cpu
        self.tell_what_is_in_use()
        cpu.ts = bool(op.ts)
        fault = None
        try:
            if name in FAMILY:
                FAMILY[name](cpu, self.memory, op.area * AREA + op.off, op.rfbm)
                self.tiles_loaded = bit(cpu.xinuse, TILEDATA)
            else:
                getattr(self, name, self.other)(op)
        except Fault as error:
            fault = error.vector
        cpu.ts = False
        if fault != op.vec:
            return f"vec {fault}"
        self.tell_what_is_in_use()
        seen = (cpu.xcr0, xgetbv(cpu, 1)) if cpu.osxsave else (None, None)
        if seen != (op.xcr0, op.xin):
            return f"xcr0, xin {seen}"
        if fault is None and name.startswith("xsave") and name in FAMILY:
            return self.saved(op, name)
        if name == "xgetbv" and fault is None and self.result != op.res:
            return "res"
        return None

    def tell_what_is_in_use(self):
        cpu = self.cpu
        cpu.xinuse = sum(1 << i for i, content in cpu.registers.items() if content != initial(i))
        cpu.xinuse = cpu.xinuse & ~(1 << TILEDATA) | self.tiles_loaded << TILEDATA
        cpu.xinuse_high, cpu.xrstor_info = 0, None

    def saved(self, op, name):
        area = self.memory[op.area * AREA : (op.area + 1) * AREA]
        xcomp_bv = get(area, 520, 8)
        if op.hdr != (get(area, 512, 8), xcomp_bv):
            return f"hdr {get(area, 512, 8):x} {xcomp_bv:x}"
        legacy = op.leg
        if legacy.mxcsr != get(area, 24, 4):
            return "leg.mxcsr"
        for field, start, end in (("env", 0, 24), ("st", 32, 160), ("xmm", 160, 416)):
            if getattr(legacy, field) != zlib.crc32(area[start:end]):
                return f"leg.{field}"
        for i, located in op.comp.items():
            offset = located.offset
            if name in ("xsavec", "xsaves") and offset != compacted_offset(i, xcomp_bv):
                return f"comp {i} offset"
            if located.crc != zlib.crc32(area[offset : offset + len(self.cpu.registers[i])]):
                return f"comp {i}"
        return None if op.crc == zlib.crc32(area) else "crc"

    def xsetbv(self, op):
        xsetbv(self.cpu, op.ecx, op.val)

    def xgetbv(self, op):
        self.result = xgetbv(self.cpu, op.ecx)

    def wrmsr(self, op):
        if op.msr in (XSS, XFD, XFD_ERR):
            if op.msr != XSS:
                raise Fault(GP)  # the emulator has no XFD
            wrmsr(self.cpu, op.msr, op.val)
            return
        self.other(op)
        component, offset = CET[op.msr]
        put(self.cpu.registers[component], offset, 8, op.val)

    def ldtilecfg(self, op):
        self.other_than(op, GP)
        if not legal_configuration(op.cfg):
            raise Fault(GP)
        self.tilerelease(op)
        if op.cfg[0]:
            self.cpu.registers[TILECFG] = bytearray(op.cfg)

    def other(self, op):
        """Fault as recorded."""
        if op.vec is not None:
            raise Fault(op.vec)

    def other_than(self, op, vector):
        if op.vec is not None and op.vec != vector:
            raise Fault(op.vec)

    def poke(self, op):
        put(self.memory, op.area * AREA + op.off, 8, op.val)

    def fill(self, op):
        start = op.area * AREA
        self.memory[start : start + AREA] = op.val.to_bytes(8, "little") * (AREA // 8)
        self.memory[start + 512 : start + 576] = bytes(64)
        put(self.memory, start + 24, 8, 0x0000FFFF00001F80)

    def tilerelease(self, op):
        self.other(op)
        self.cpu.registers[TILECFG], self.cpu.registers[TILEDATA] = initial(TILECFG), initial(TILEDATA)
        self.tiles_loaded = False

    def tileloadd(self, op):
        self.other(op)
        source = b"".join(((op.base + i * op.step) % 2**64).to_bytes(8, "little") for i in range(0, 1024, 8))
        config = self.cpu.registers[TILECFG]
        rows, colsb = config[48 + op.tile], get(config, 16 + 2 * op.tile, 2)
        content = b"".join(source[64 * row : 64 * row + colsb].ljust(64, b"\0") for row in range(rows))
        self.cpu.registers[TILEDATA][1024 * op.tile : 1024 * (op.tile + 1)] = content.ljust(1024, b"\0")
        self.tiles_loaded = True

    def tilezero(self, op):
        self.other(op)
        self.cpu.registers[TILEDATA][1024 * op.tile : 1024 * (op.tile + 1)] = bytes(1024)

    def cr4_osxsave(self, op):
        self.cpu.osxsave = bool(op.val)

    def wrpkru(self, op):
        self.other(op)
        put(self.cpu.registers[PKRU], 0, 4, op.val)

    def ldmxcsr(self, op):
        self.other(op)
        self.cpu.mxcsr = op.val

    def fninit(self, op):
        self.other(op)
        x87 = self.cpu.registers[0]
        x87[0:24] = initial(0)[0:24]

    def vzeroupper(self, op):
        self.other(op)
        self.cpu.registers[2], self.cpu.registers[6] = initial(2), initial(6)

    def vzeroall(self, op):
        self.vzeroupper(op)
        self.cpu.registers[1] = initial(1)

    def set_xmm3(self, op):
        self.other(op)
        self.cpu.registers[1][48:64] = op.val.to_bytes(16, "little")

    def set_ymm2(self, op):
        self.broadcast(op, 2, 2)
        self.cpu.registers[6][64:96] = bytes(32)

    def set_zmm1(self, op):
        self.broadcast(op, 1, 4)

    def broadcast(self, op, register, words):
        self.other(op)
        value = op.val.to_bytes(8, "little") * 2
        self.cpu.registers[1][16 * register : 16 * register + 16] = value
        self.cpu.registers[2][16 * register : 16 * register + 16] = value
        if words == 4:
            self.cpu.registers[6][32 * register : 32 * register + 32] = value * 2

    def set_zmm17(self, op):
        self.other(op)
        self.cpu.registers[7][64:128] = op.val.to_bytes(8, "little") * 8

    def set_k1(self, op):
        self.other(op)
        put(self.cpu.registers[5], 8, 8, op.val)


def first_difference(line):
    """Return where a sequence differs before its first step that is not to be trusted, and how many steps agree."""
    sequence = Sequence()
    for place, op in enumerate(line.ops):
        if op.sus:
            return place, None
        found = sequence.step(op)
        if found is not None:
            return place, f"ops[{place}] {op.__struct_config__.tag}: {found}"
    return len(line.ops), None
