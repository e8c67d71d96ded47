"""Which absent byte of an area is a #PF: one of a component in RFBM, or of the header, and no other (silicon fact 18).

The places are said here once more, component by component. One byte of each eight is asked of: all places begin and end there.
"""

import pytest

from actors.machine.model import cpu_model
from actors.machine.xstate import area as images
from actors.machine.xstate.components import COMPACTED
from actors.machine.xstate.environment import KERNEL, Environment, Operand, Pages
from actors.machine.xstate.registers import XState
from actors.machine.xstate.restore import restore
from actors.machine.xstate.save import save

CPU = cpu_model("sapphire_rapids")
STATE = XState(xcr0=0x602E7, xss=1 << 11)
PROBED = range(0, 2880, 8)
HEADER, MXCSR = range(512, 576), range(24, 32)
X87, XMM = (*range(24), *range(32, 160)), range(160, 416)
STANDARD = {2: range(576, 832), 5: range(1088, 1152), 9: range(2688, 2696), 17: range(2752, 2816)}


def legacy(mask, mxcsr):
    return {*(X87 if mask & 1 else ()), *(XMM if mask & 2 else ()), *(MXCSR if mask & mxcsr else ())}


def standard(mask):
    places = {*HEADER} | legacy(mask, 6)
    return probed(places.union(*(place for number, place in STANDARD.items() if mask >> number & 1)))


def probed(places):
    return places & {*PROBED}


def packed(mask, places):
    """A compacted area of AVX (256 bytes), PKRU (8) and CET_U (16) state, of which the mask has some."""
    found, end = {*HEADER} | legacy(mask, 2), 576
    for number, size in ((2, 256), (9, 8), (11, 16)):
        if places >> number & 1:
            found |= {*range(end, end + size)} if mask >> number & 1 else set()
            end += size
    return probed(found)


def faulting(name, mask, xcomp_bv, environment=KERNEL):
    """Return the offsets at which an absent byte is a #PF; the fault says where."""
    found = set()
    for place in PROBED:
        pages = Pages(absent=((place, place + 1),))
        header = bytes(512) + (0).to_bytes(8, "little") + xcomp_bv.to_bytes(8, "little")
        operand = Operand(images.from_bytes(header, CPU.description), pages=pages)
        execute = restore if name.startswith("xrstor") else save
        fault = execute(name, STATE, mask, operand, environment, CPU).fault
        if fault is not None:
            assert (fault.vector, fault.offset) == (14, place)
            found.add(place)
    return found


@pytest.mark.parametrize("name", ["xsave", "xsaveopt", "xrstor"])
@pytest.mark.parametrize("mask", [0, 1, 2, 4, 0x220, 0x20007])
def test_standard(name, mask):
    assert faulting(name, mask, 0) == standard(mask)


@pytest.mark.parametrize("name", ["xsavec", "xsaves"])
@pytest.mark.parametrize("mask", [0, 1, 2, 4, 0x204, 0xA05])
def test_saving_a_compacted_area(name, mask):
    rfbm = mask if name == "xsaves" else mask & ~(1 << 11)
    assert faulting(name, mask, 0) == packed(rfbm, rfbm)


@pytest.mark.parametrize("name", ["xrstor", "xrstors"])
@pytest.mark.parametrize("mask", [0, 1, 2, 4, 0x205, 0x3])
def test_restoring_a_compacted_area_touches_what_is_in_it(name, mask):
    assert faulting(name, mask, COMPACTED | 0x201) == packed(mask & 0x201, 0x201)


def test_the_mode_does_not_matter():
    """13.13: bytes of registers that compatibility mode lacks may be touched; here they are."""
    old = Environment(long_mode=False)
    assert faulting("xsave", 7, 0, old) == standard(7)


@pytest.mark.parametrize(("absent", "vector"), [((2816, 2820), 14), ((8, 16), 7)])
def test_a_page_fault_comes_before_the_nm_of_xfd(absent, vector):
    """Nothing says which comes first; XFD_ERR is not written unless it is the #NM."""
    state = XState(xcr0=0x602E7, xfd=1 << 18)
    header = bytes(512) + (1 << 18).to_bytes(8, "little")
    operand = Operand(images.from_bytes(header, CPU.description), pages=Pages(absent=(absent,)))
    found = restore("xrstor", state, 1 << 18, operand, KERNEL, CPU)
    assert found.fault.vector == vector
    assert found.state.xfd_err == (1 << 18 if vector == 7 else 0)
