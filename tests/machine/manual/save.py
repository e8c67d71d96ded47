"""XSAVE, XSAVEOPT, XSAVEC and XSAVES (13.7, 13.9, 13.10, 13.11)."""

from tests.machine.manual.cpu import (
    AVX,
    COMPACTED,
    MXCSR_INIT,
    SSE,
    X87,
    bit,
    bits,
    check_state_access,
    initial,
)
from tests.machine.manual.layout import (
    HEADER,
    compacted_offset,
    exists,
    get,
    put,
    standard_offset,
    store_extended,
    store_mxcsr,
    store_x87,
    store_xmm,
)


def xsave(cpu, memory, area, mask, *, rexw=True, form=""):
    """Write every component of RFBM, in use or not, and their bits of XSTATE_BV."""
    check_state_access(cpu, area, form=form)
    rfbm = cpu.xcr0 & mask
    disabled = cpu.xfd & cpu.xcr0
    for i in bits(rfbm):
        content = initial(i) if bit(disabled, i) else None
        if i == X87:
            store_x87(cpu, memory, area, rexw=rexw, content=content)
        elif i == SSE:
            store_xmm(cpu, memory, area, content)
        else:
            store_extended(cpu, memory, area + standard_offset(i), i, content)
    if bit(rfbm, SSE) or bit(rfbm, AVX):
        store_mxcsr(cpu, memory, area)
    _standard_header(cpu, memory, area, rfbm)


def xsaveopt(cpu, memory, area, mask, *, rexw=True, form=""):
    """Write those of RFBM that are in use and modified since the XRSTOR from here, if that was the last."""
    check_state_access(cpu, area, form=form)
    rfbm = cpu.xcr0 & mask
    written = rfbm & cpu.tracked()
    if cpu.xrstor_info == (cpu.cpl, cpu.non_root, area, 0):
        written &= cpu.xmodified
    for i in bits(written):
        if i == X87:
            store_x87(cpu, memory, area, rexw=rexw)
        elif i == SSE:
            store_xmm(cpu, memory, area)
        else:
            store_extended(cpu, memory, area + standard_offset(i), i)
    if bit(rfbm, SSE) or bit(rfbm, AVX):
        store_mxcsr(cpu, memory, area)
    _standard_header(cpu, memory, area, rfbm)


def xsavec(cpu, memory, area, mask, *, rexw=True, form=""):
    """Write those of RFBM that are in use, each where the compacted form with all of RFBM has it."""
    check_state_access(cpu, area, form=form)
    rfbm = cpu.xcr0 & mask
    xstate_bv = _compacted_xstate_bv(cpu, rfbm)
    _write_compacted(cpu, memory, area, rfbm, xstate_bv, rexw=rexw)
    _compacted_header(memory, area, rfbm, xstate_bv)


def xsaves(cpu, memory, area, mask, *, rexw=True, form=""):
    """Do as XSAVEC does, with supervisor components and the modified optimisation; for the kernel alone."""
    check_state_access(cpu, area, supervisor=True, form=form)
    rfbm = (cpu.xcr0 | cpu.xss) & mask
    xstate_bv = _compacted_xstate_bv(cpu, rfbm)
    written = xstate_bv
    if cpu.xrstor_info == (cpu.cpl, cpu.non_root, area, COMPACTED | rfbm):
        written &= cpu.xmodified
    _write_compacted(cpu, memory, area, rfbm, written, rexw=rexw)
    _compacted_header(memory, area, rfbm, xstate_bv)


def _standard_header(cpu, memory, area, rfbm):
    """Bits of XSTATE_BV outside RFBM are kept; the rest of the header is neither read nor written."""
    old = get(memory, area + HEADER, 8)
    put(memory, area + HEADER, 8, old & ~rfbm | cpu.tracked() & rfbm)


def _compacted_xstate_bv(cpu, rfbm):
    xstate_bv = cpu.tracked() & rfbm
    if bit(rfbm, SSE) and cpu.mxcsr != MXCSR_INIT:
        xstate_bv |= 1 << SSE
    return xstate_bv


def _compacted_header(memory, area, rfbm, xstate_bv):
    put(memory, area + HEADER, 8, xstate_bv)
    put(memory, area + HEADER + 8, 8, COMPACTED | rfbm)


def _write_compacted(cpu, memory, area, rfbm, written, *, rexw):
    for i in bits(written):
        if i == X87:
            store_x87(cpu, memory, area, rexw=rexw)
        elif i == SSE:
            store_xmm(cpu, memory, area)
            store_mxcsr(cpu, memory, area)
        elif exists(cpu, i):
            store_extended(cpu, memory, area + compacted_offset(i, rfbm), i)
