"""XSETBV, XGETBV, and WRMSR of XSS, XFD and XFD_ERR (13.3, 13.14, and the instructions' own pages)."""

from tests.machine.manual.cpu import EXTENDED, GP, HI16_ZMM, MXCSR_INIT, SSE, UD, Fault, bit

XSS, XFD, XFD_ERR = 0xDA0, 0x1C4, 0x1C5


def xgetbv(cpu, ecx):
    if not cpu.osxsave:
        raise Fault(UD)
    ecx &= 0xFFFFFFFF
    if ecx == 0:
        return cpu.xcr0
    if ecx == 1:
        result = cpu.in_use()
        if cpu.mxcsr != MXCSR_INIT:
            result |= 1 << SSE
        return result & cpu.xcr0
    raise Fault(GP)


def xsetbv(cpu, ecx, value):
    if not cpu.osxsave:
        raise Fault(UD)
    if cpu.cpl > 0 or ecx & 0xFFFFFFFF != 0 or not legal_xcr0(cpu.supported, value):
        raise Fault(GP)
    cpu.xcr0 = value


def legal_xcr0(supported, value):
    if value & ~supported or not bit(value, 0):
        return False
    if bit(value, 2) and not bit(value, 1):
        return False
    if bit(value, 3) != bit(value, 4):
        return False
    avx512 = [bit(value, 5), bit(value, 6), bit(value, HI16_ZMM)]
    if any(avx512) and not (all(avx512) and bit(value, 2)):
        return False
    if bit(value, 17) != bit(value, 18):
        return False
    return not (bit(value, 19) and bit(value, 3))


def wrmsr(cpu, msr, value):
    if cpu.cpl > 0:
        raise Fault(GP)
    if msr == XSS:
        if value & ~cpu.supported_xss:
            raise Fault(GP)
        cpu.xss = value
    elif msr in (XFD, XFD_ERR):
        allowed = sum(1 << i for i, part in EXTENDED.items() if part.xfd and bit(cpu.supported, i))
        if value & ~allowed or not allowed:
            raise Fault(GP)
        if msr == XFD:
            cpu.xfd = value
        else:
            cpu.xfd_err = value
    else:
        raise Fault(GP)
