"""A recorded line on the second formulation: sets the CPU up as the line says, executes, and names what differs."""

from tests.machine.manual.control import wrmsr, xgetbv, xsetbv
from tests.machine.manual.cpu import GP, UD, Cpu, Fault
from tests.machine.manual.family import FAMILY

NAMES = {"x87": 0, "sse": 1, "avx": 2, "k": 5, "zmmh": 6, "hi16": 7}

X87, XMM, YMM, ZMM, HI16, OPMASK = 0x1, 0x2, 0x6, 0x46, 0x80, 0x20
TOUCHED = {
    **dict.fromkeys(("none", "vzeroupper", "vzeroall"), 0),
    **dict.fromkeys(("fninit", "emms", "fnclex", "fldz_fstp", "fld1", "fldcw_default"), X87),
    **dict.fromkeys(("kxor_all", "kmov1", "kmov1_zero"), OPMASK),
    **dict.fromkeys(("pxor_all", "pxor_xmm0", "movaps_self", "pcmpeq_xmm1"), XMM),
    **dict.fromkeys(("ldmxcsr_default", "ldmxcsr_9fc0", "vpxor_xmm_all", "vpcmpeq_xmm1"), XMM),
    **dict.fromkeys(("vpxor_ymm_all", "vmovaps_ymm_self", "vpcmpeq_ymm1"), YMM),
    **dict.fromkeys(("vpxorq_zmm_lo16", "vmovaps_zmm_self", "vpternlog_zmm1"), ZMM),
    **dict.fromkeys(("vpxorq_zmm_hi16", "vmovaps_zmm20_self", "vpternlog_zmm17", "vpternlog_xmm17"), HI16),
    "vpxorq_zmm_all": ZMM | HI16,
}
"""What each group of instructions puts in use, whatever it writes (silicon, facts 2, 4 and 7)."""

CLEARED = {"vzeroupper": 0x44, "vzeroall": 0x46}
"""What it turns back to initial (fact 3)."""

MODIFIED = {
    "vpxor_xmm_all": ZMM,
    "vpcmpeq_xmm1": ZMM,
    "vpxor_ymm_all": ZMM,
    "vmovaps_ymm_self": ZMM,
    "vpcmpeq_ymm1": ZMM,
}
"""What it marks as modified beyond that: a VEX write clears everything above (fact 12)."""

ALL_REGISTERS = ("_all", "zmm_lo16")


def differences(line):
    """Return the fields in which the second formulation differs from what was recorded."""
    cpu = before(line)
    area = line.off
    memory = bytearray(line.m0) if line.m0 else bytearray(4096)
    expected_memory = bytearray(memory)
    for offset, blob in line.m1 or ():
        expected_memory[offset : offset + len(blob)] = blob
    found = []
    encoding = line.encoding
    if line.xin0 != xgetbv_in(cpu, True):
        found.append("xin0")
    if line.xin32 and line.xin32 != xgetbv_in(cpu, False):
        found.append("xin32")
    cpu.mode64 = not encoding.compat
    fault = result = None
    try:
        result = execute(cpu, line, encoding, memory, area)
    except Fault as error:
        fault = error
    if (fault and (fault.vector, fault.error)) != (line.fault and (line.fault.vec, line.fault.err)):
        return [*found, "fault"]
    if memory != expected_memory:
        found.append("m1")
    if encoding.instruction == "xgetbv" and fault is None and result != line.edxeax:
        found.append("edxeax")
    found += registers_that_differ(cpu, line)
    if line.xin1 is not None and line.xin1 != xgetbv_in(cpu, True):
        found.append("xin1")
    return found


def execute(cpu, line, encoding, memory, area):
    name = encoding.instruction
    if name in FAMILY:
        return FAMILY[name](cpu, memory, area, line.rfbm, rexw=encoding.rexw, form=encoding.form)
    if name == "xgetbv":
        return xgetbv(cpu, line.ecx)
    if name == "xsetbv":
        return xsetbv(cpu, line.ecx, line.rfbm)
    if name == "wrmsr":
        return wrmsr(cpu, line.ecx, line.rfbm)
    raise Fault(GP if name == "rdmsr" else UD)


def before(line):
    cpu = Cpu()
    cpu.cpl = 3
    for name, number in NAMES.items():
        blob = getattr(line.r0, name)
        if blob is not None:
            cpu.registers[number] = bytearray(blob)
    cpu.mxcsr = line.r0.mxcsr
    xbv, post = line.setup.xbv, line.setup.post
    cleared, touched = CLEARED.get(post, 0), TOUCHED[post]
    cpu.xinuse = (xbv & ~cleared | touched) & ~HI16
    cpu.xinuse_high = xbv & ~cleared & 0xC6 | touched & HI16
    if post.endswith(ALL_REGISTERS):
        cpu.xinuse_high |= touched & 0xC6
    cpu.xmodified = touched | cleared | MODIFIED.get(post, 0)
    cpu.xrstor_info = (cpu.cpl, cpu.non_root, line.off if line.setup.same else -1, 0)
    return cpu


def xgetbv_in(cpu, mode64):
    kept, cpu.mode64 = cpu.mode64, mode64
    result = xgetbv(cpu, 1)
    cpu.mode64 = kept
    return result


def registers_that_differ(cpu, line):
    found = []
    for name, number in NAMES.items():
        expected = getattr(line.r1, name)
        if expected is None:
            expected = getattr(line.r0, name)
        if expected is None:
            expected = Cpu().registers[number]
        if cpu.registers[number] != bytes(expected):
            found.append(name)
    if cpu.mxcsr != (line.r0.mxcsr if line.r1.mxcsr is None else line.r1.mxcsr):
        found.append("mxcsr")
    return found
