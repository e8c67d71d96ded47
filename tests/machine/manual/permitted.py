"""Which bytes of memory a save may write, said by itself and not by saving (13.4, and silicon, facts 9 and 10)."""

from tests.machine.manual.cpu import MXCSR_INIT, SIZES, bit, bits
from tests.machine.manual.layout import compacted_offset, standard_offset


def written(name, cpu, area, mask):
    """Return the offsets that this instruction may write."""
    supervisor = cpu.xss if name == "xsaves" else 0
    rfbm = (cpu.xcr0 | supervisor) & mask
    compacted = name in ("xsavec", "xsaves")
    stored = rfbm if name == "xsave" else rfbm & cpu.tracked()
    mxcsr = bool(rfbm & 6)
    if compacted:
        mxcsr = bit(rfbm, 1) and (bit(stored, 1) or cpu.mxcsr != MXCSR_INIT)
        stored |= mxcsr << 1
    places = {*range(512, 528 if compacted else 520)}
    if mxcsr:
        places |= {*range(24, 32)}
    for i in bits(stored):
        if i == 0:
            places |= {*range(24), *range(32, 160)}
        elif i == 1:
            places |= {*range(160, 160 + cpu.span(1))}
        else:
            start = compacted_offset(i, rfbm) if compacted else standard_offset(i)
            places |= {*range(start, start + min(cpu.span(i), SIZES[i]))}
    return {area + place for place in places}
