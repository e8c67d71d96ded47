"""XRSTOR and XRSTORS (13.8, 13.12)."""

from tests.machine.manual.cpu import (
    AVX,
    COMPACTED,
    GP,
    HALVED,
    HI16_ZMM,
    MXCSR_INIT,
    MXCSR_MASK,
    NM,
    PKRU,
    SSE,
    TILECFG,
    X87,
    ZMM_HI256,
    Fault,
    bit,
    bits,
    check_state_access,
    initial,
)
from tests.machine.manual.layout import (
    HEADER,
    compacted_offset,
    get,
    load_x87,
    load_xmm,
    standard_offset,
)
from tests.machine.manual.tiles import legal_configuration


def xrstor(cpu, memory, area, mask, *, rexw=True, form=""):
    """Load or initialise the components of RFBM; XCOMP_BV[63] says which form the area has."""
    check_state_access(cpu, area, form=form)
    rfbm = cpu.xcr0 & mask
    xstate_bv = get(memory, area + HEADER, 8)
    xcomp_bv = get(memory, area + HEADER + 8, 8)
    if bit(xcomp_bv, 63):
        _check_compacted(memory, area, xstate_bv, xcomp_bv, cpu.xcr0)
        _check_xfd(cpu, rfbm & xstate_bv)
        _restore_compacted(cpu, memory, area, rfbm, xstate_bv, xcomp_bv, rexw=rexw)
    else:
        if xstate_bv & ~cpu.xcr0 or any(memory[area + 520 : area + 536]):
            raise Fault(GP)
        if (bit(rfbm, SSE) or bit(rfbm, AVX)) and get(memory, area + 24, 4) & ~MXCSR_MASK:
            raise Fault(GP)
        _check_xfd(cpu, rfbm & xstate_bv)
        _restore_standard(cpu, memory, area, rfbm, xstate_bv, rexw=rexw)
    _track(cpu, area, rfbm, xstate_bv, xcomp_bv)


def xrstors(cpu, memory, area, mask, *, rexw=True, form=""):
    """Do so with supervisor components too, in the compacted form only; for the kernel alone."""
    check_state_access(cpu, area, supervisor=True, form=form)
    rfbm = (cpu.xcr0 | cpu.xss) & mask
    xstate_bv = get(memory, area + HEADER, 8)
    xcomp_bv = get(memory, area + HEADER + 8, 8)
    if not bit(xcomp_bv, 63):
        raise Fault(GP)
    _check_compacted(memory, area, xstate_bv, xcomp_bv, cpu.xcr0 | cpu.xss)
    _check_xfd(cpu, rfbm & xstate_bv)
    _restore_compacted(cpu, memory, area, rfbm, xstate_bv, xcomp_bv, rexw=rexw)
    _track(cpu, area, rfbm, xstate_bv, xcomp_bv)


def _check_compacted(memory, area, xstate_bv, xcomp_bv, allowed):
    """None of these checks asks for RFBM."""
    if (xcomp_bv & ~COMPACTED) & ~allowed:
        raise Fault(GP)
    if xstate_bv & ~(xcomp_bv & ~COMPACTED):
        raise Fault(GP)
    if any(memory[area + 528 : area + 576]):
        raise Fault(GP)


def _check_xfd(cpu, required):
    """Loading a component that XFD disables raises #NM; XFD_ERR is loaded with XFD and what is required."""
    stopped = cpu.xfd & cpu.xcr0 & required
    if stopped:
        cpu.xfd_err = stopped
        raise Fault(NM)


def _restore_standard(cpu, memory, area, rfbm, xstate_bv, *, rexw):
    for i in bits(rfbm):
        if not bit(xstate_bv, i):
            initialise(cpu, i)
        elif i == X87:
            load_x87(cpu, memory, area, rexw=rexw)
        elif i == SSE:
            load_xmm(cpu, memory, area)
        else:
            load(cpu, memory, area + standard_offset(i), i)
    if bit(rfbm, SSE) or bit(rfbm, AVX):
        cpu.mxcsr = get(memory, area + 24, 4)


def _restore_compacted(cpu, memory, area, rfbm, xstate_bv, xcomp_bv, *, rexw):
    """Do it in the order that the recorded CPU was seen to keep: an illegal MXCSR is found when part is done."""
    for i in bits(rfbm & ~xstate_bv):
        initialise(cpu, i)
    if bit(rfbm & ~xstate_bv, SSE):
        cpu.mxcsr = MXCSR_INIT
    if bit(rfbm & xstate_bv, X87):
        load_x87(cpu, memory, area, rexw=rexw)
    if bit(rfbm & xstate_bv, SSE):
        load_xmm(cpu, memory, area)
        mxcsr = get(memory, area + 24, 4)
        if mxcsr & ~MXCSR_MASK:
            raise Fault(GP)
        cpu.mxcsr = mxcsr
    for i in bits(rfbm & xstate_bv):
        if i > SSE:
            load(cpu, memory, area + compacted_offset(i, xcomp_bv), i)


def initialise(cpu, i):
    span = cpu.span(i)
    cpu.registers[i][:span] = initial(i)[:span]


def load(cpu, memory, place, i):
    """Load a component of the extended region; TILECFG that LDTILECFG would refuse becomes initial; PKRU has 32 bits."""
    span = cpu.span(i)
    content = memory[place : place + span]
    if i == TILECFG and (not legal_configuration(content) or content[0] == 0):
        content = bytes(span)
    if i == PKRU:
        content = content[:4] + bytes(4)
    cpu.registers[i][:span] = content


def _track(cpu, area, rfbm, xstate_bv, xcomp_bv):
    """What is initialised is no longer in use (it may be so), what is loaded is, and neither is modified.

    Outside 64-bit mode registers 8 and above are not touched. What the recorded CPU then says of them in 64-bit mode fits one
    reading: it looks whether any of ZMM8 to ZMM15 is not zero anywhere, and if so, each component stays in use that was.
    (Lines 26, 304 and 314 of hw-c32: a component of zeros stays in use beside another that is not, and else does not.)
    """
    for i in bits(rfbm):
        now = xstate_bv & 1 << i
        if i in HALVED:
            cpu.xinuse_high = cpu.xinuse_high & ~(1 << i) | _high(cpu, i, now)
        if i != HI16_ZMM:
            cpu.xinuse = cpu.xinuse & ~(1 << i) | now
    cpu.xmodified = ~rfbm
    cpu.xrstor_info = (cpu.cpl, cpu.non_root, area, xcomp_bv)


def _high(cpu, i, now):
    """Say, as bit i, whether registers 8 and above are in use now."""
    if cpu.mode64:
        return now
    kept = i == HI16_ZMM or now or any(any(cpu.registers[j][HALVED[j] :]) for j in (SSE, AVX, ZMM_HI256))
    return cpu.xinuse_high & 1 << i if kept else 0
