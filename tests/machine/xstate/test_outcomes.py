"""What the manual leaves open, choice by choice: what is allowed, what is not, and all of it spelt out."""

import functools

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.machine.model import cpu_model
from actors.machine.xstate import area as images
from actors.machine.xstate.components import COMPACTED, bits
from actors.machine.xstate.environment import KERNEL, Environment, Operand, Pages
from actors.machine.xstate.faults import general_protection, undefined
from actors.machine.xstate.outcomes import Choice, Edit, Result, apply, count, disallowed, outcomes
from actors.machine.xstate.presets import SAPPHIRE_RAPIDS as D
from actors.machine.xstate.registers import XrstorInfo, XState
from actors.machine.xstate.restore import restore
from actors.machine.xstate.save import save
from actors.machine.xstate.tile_config import config
from protocol.instructions import XsaveArea

FREE, RECORDED, BY_VALUE = (
    cpu_model("sapphire_rapids", tracking=name) for name in ("architectural", "recorded", "by_value")
)
store = functools.partial(images.write, description=D)
AVX = b"\1" * 256
EMPTY = XsaveArea(0, COMPACTED | 0x26)
ALL = 2**64 - 1
INFO = XrstorInfo(0, False, 64, COMPACTED | 0x26)


def saved(name, state, mask=0x26, cpu=FREE, area=EMPTY, environment=KERNEL):
    return save(name, state, mask, Operand(area, 64), environment, cpu)


def spelt(result):
    return dict(outcomes(result, store))


def state(**fields):
    return XState(xcr0=0x602E7, **fields).loaded(2, AVX)


# Saves.


@pytest.mark.parametrize("cpu", [RECORDED, BY_VALUE])
def test_a_profile_that_knows_leaves_no_choice(cpu):
    result = saved("xsaves", state(), cpu=cpu)
    assert result.choices == ()
    assert list(spelt(result)) == [""]


def test_a_component_that_is_initial_may_be_in_use_or_not_each_for_itself():
    found = spelt(saved("xsaves", state()))
    assert set(found) == {"", "in use 1", "in use 5", "in use 1 in use 5"}
    assert {label: one.area.xstate_bv for label, one in found.items()} == {
        "": 4,
        "in use 1": 6,
        "in use 5": 0x24,
        "in use 1 in use 5": 0x26,
    }


def test_if_it_is_in_use_its_initial_content_is_written():
    stale = images.write(EMPTY, 832, b"\xee" * 64, D)
    found = spelt(saved("xsaves", state(), area=stale))
    assert images.read(found[""].area, 832, 64) == b"\xee" * 64
    assert images.read(found["in use 5"].area, 832, 64) == bytes(64)
    mxcsr = b"\x80\x1f\0\0\xff\xff\0\0"
    assert images.read(found["in use 1"].area, 24, 8) == mxcsr
    assert images.read(found["in use 5"].area, 24, 8) == bytes(8)


def test_what_is_not_initial_is_always_in_use_and_mxcsr_makes_component_1_so_in_the_compacted_format():
    full = state().loaded(1, AVX).loaded(5, b"\1" * 64)
    assert saved("xsaves", full).choices == ()
    assert [choice.bits for choice in saved("xsaves", state(mxcsr=0)).choices] == [0x20]
    assert [choice.bits for choice in saved("xsave", state(mxcsr=0)).choices] == [2, 0x20]


def test_xsave_writes_all_data_whatever_the_bit():
    found = spelt(saved("xsave", state(), area=images.write(XsaveArea(), 1088, b"\xee" * 64, D)))
    for one in found.values():
        assert images.read(one.area, 1088, 64) == bytes(64)


def test_the_modified_optimisation_may_apply_or_not():
    restored = state(xrstor_info=INFO, xmodified=0).holding(5, b"\2" * 64)
    restored = msgspec.structs.replace(restored, xmodified=0)
    found = spelt(saved("xsaves", restored))
    assert {"", "skip 2", "skip 5", "skip 2 skip 5", "skip 1", "in use 1"} <= set(found)
    assert images.read(found["skip 2"].area, 576, 256) == bytes(256)
    assert images.read(found["skip 5"].area, 576, 256) == AVX
    assert all(one.area.xstate_bv & 0x24 == 0x24 for one in found.values()), (
        "the bits are written all the same"
    )
    assert set(spelt(saved("xsavec", restored))) == {"", "in use 1"}


def test_what_was_modified_is_saved():
    restored = state(xrstor_info=INFO)
    assert restored.xmodified == 4
    assert not any("skip 2" in label for label in spelt(saved("xsaves", restored)))


def test_in_compatibility_mode_component_7_is_no_choice():
    result = saved(
        "xsavec",
        XState(xcr0=0xE7),
        0x81,
        area=XsaveArea(0, COMPACTED | 0x81),
        environment=Environment(long_mode=False),
    )
    assert [choice.bits for choice in result.choices] == [1]


def test_what_xfd_hides_is_no_choice():
    result = saved(
        "xsaves", XState(xcr0=0x602E7, xfd=1 << 18), 0x60000, area=XsaveArea(0, COMPACTED | 0x60000)
    )
    assert [choice.bits for choice in result.choices] == [1 << 17]


# How many there are.

FILLED = {
    0: b"\x7f\3\0\0\xff".ljust(24, b"\0") + b"\x55" * 10 + bytes(118),
    9: b"\4".ljust(8, b"\0"),
    12: b"\0\x10".ljust(24, b"\0"),
    17: config(16),
}
"""Contents that XRSTORS takes; of the other components it takes any bytes."""


def host(used, xss=0):
    """Return what a context switch on Sapphire Rapids works with, these components in use."""
    found = XState(xcr0=D.xcr0, xss=xss)
    for number in bits(used):
        found = found.loaded(number, FILLED.get(number) or b"\1".ljust(D.size(number), b"\0"))
    return found


def switched(before, area, mask=ALL, name="xsaves"):
    return save(name, before, mask, Operand(area, 64), KERNEL, FREE)


@pytest.mark.parametrize("xss", [0, D.xss])
def test_a_context_switch_of_components_in_use_has_one_outcome(xss):
    """x87, SSE, AVX, AVX-512, PKRU and AMX state, and supervisor state besides: to a fresh area, back, and to it again."""
    full = host(D.xcr0 | xss, xss)
    first = switched(full, XsaveArea())
    assert count(first) == 1
    back = restore("xrstors", host(0, xss), ALL, Operand(first.area, 64), KERNEL, FREE)
    assert back.fault is None
    assert back.state.xrstor_info is not None
    assert count(switched(back.state, first.area)) == 1, "skipped or written, memory is the same"
    later = back.state.loaded(2, AVX).loaded(18, b"\7" * 8192)
    assert count(switched(later, first.area)) == 1


SOME = st.integers(0, 2**19 - 1)


@settings(deadline=None)
@given(xss=SOME, used=SOME, mask=SOME, xfd=st.sampled_from((0, 1 << 18)))
def test_each_component_that_is_initial_doubles_them_and_none_that_is_in_use_or_disabled_does(
    xss, used, mask, xfd
):
    xss &= D.xss
    before = msgspec.structs.replace(host(used & (D.xcr0 | xss), xss), xfd=xfd)
    found = switched(before, XsaveArea(), mask)
    assert count(found) == 1 << (mask & (D.xcr0 | xss) & ~before.live & ~xfd).bit_count()
    if count(found) <= 8:
        assert len({one.area for one in spelt(found).values()}) == count(found)


def test_all_that_the_manual_allows_is_there_even_if_it_is_too_much_to_explore():
    assert count(switched(host(0), XsaveArea())) == 2**9
    assert count(switched(host(0, D.xss), XsaveArea())) == 2**15
    allowed = switched(host(0, D.xss), XsaveArea())
    for xstate_bv in (0, D.xcr0 | D.xss, 0x8021, 0x40100):
        one = apply_ways(allowed, xstate_bv)
        assert one.area.xstate_bv == xstate_bv
        assert disallowed(allowed, one, store) is None


def apply_ways(result, xstate_bv):
    """Return the outcome with these bits of XSTATE_BV."""
    for choice in result.choices:
        (way,) = (way for way in choice.ways if way.xstate_bv == xstate_bv & choice.bits)
        result = apply(result, choice, way, store)
    return result


def test_after_a_restore_of_initial_components_x87_and_mxcsr_have_a_third_way():
    """Their initial values are not zero, so that in an area of zeros skipped is not written."""
    empty = XsaveArea(0, COMPACTED | D.xcr0)
    back = restore("xrstors", host(0), ALL, Operand(empty, 64), KERNEL, FREE)
    found = switched(back.state, empty)
    assert [len(choice.ways) for choice in found.choices] == [3, 3, *[2] * 7]
    assert count(found) == 9 * 2**7


def test_bits_that_are_free_double_them():
    assert count(Result(XState(), value=0, free=0b101)) == 4


# Restores.


def area_of(xstate_bv, xcomp_bv, mxcsr=0x1F80):
    flat = bytearray(4096)
    flat[24:28] = mxcsr.to_bytes(4, "little")
    flat[512:528] = xstate_bv.to_bytes(8, "little") + xcomp_bv.to_bytes(8, "little")
    flat[576:832], flat[832:896] = b"\2" * 256, b"\2" * 64
    return images.from_bytes(bytes(flat), D)


def restored(area, cpu=FREE, pages=None, name="xrstor", mask=0x26):
    return restore(name, state(), mask, Operand(area, 64, pages=pages), KERNEL, cpu)


def test_a_restore_that_retires_leaves_no_choice():
    assert restored(area_of(4, COMPACTED | 0x26)).choices == ()


@pytest.mark.parametrize("pages", [None, Pages(absent=((832, 4096),))])
def test_one_that_faults_midway_may_have_changed_each_component(pages):
    area = area_of(0x24, COMPACTED | 0x26) if pages else area_of(0x26, COMPACTED | 0x26, 0x1F0000)
    result = restored(area, pages=pages)
    found = spelt(result)
    assert {"", "new 2", "new 5", "new 2 new 5"} <= set(found)
    assert found[""].state.contents == state().contents
    assert found["new 2"].state.held(2) == b"\2" * 256
    assert found["new 5"].state.held(5) == b"\2" * 64
    assert all(one.fault == result.fault for one in found.values())


def test_so_may_mxcsr_if_it_is_legal():
    pages = Pages(absent=((832, 4096),))
    assert "new MXCSR" in spelt(restored(area_of(6, COMPACTED | 0x26, 0x1FC0), pages=pages))
    assert not any("MXCSR" in label for label in spelt(restored(area_of(6, COMPACTED | 0x26, 0x1F0000))))


def words(*values):
    return b"".join(value.to_bytes(8, "little") for value in values)


def torn(number, old, new, pages=None):
    """Return what an XRSTORS of one supervisor component may leave of it, with labels."""
    before = XState(xcr0=3, xss=1 << number).loaded(number, old)
    flat = bytearray(4096)
    flat[512:528] = words(1 << number, COMPACTED | 1 << number)
    flat[576 : 576 + len(new)] = new
    operand = Operand(images.from_bytes(bytes(flat), D), pages=pages)
    result = restore("xrstors", before, 1 << number, operand, KERNEL, FREE)
    assert result.fault is not None
    return {label: one.state.content(number, D) for label, one in spelt(result).items()}


def test_each_element_of_supervisor_state_may_be_old_new_or_initial():
    """SDM 13.12: not the component as a whole."""
    old, new = words(0x10, 0x20, 0), words(0x40, 0x20, 0x60)
    found = torn(12, old, new, Pages(absent=((576, 4096),)))
    assert set(found.values()) == {
        words(one, two, three) for one in (0x10, 0x40, 0) for two in (0x20, 0) for three in (0, 0x60)
    }
    assert found[""] == old
    assert found["new 12"] == new
    assert found["init 12"] == bytes(24)
    assert found["torn 12 noo"] == words(0x40, 0x20, 0)
    assert found["torn 12 ion"] == words(0, 0x20, 0x60)


def test_an_element_whose_value_is_refused_is_not_loaded():
    found = torn(11, words(3, 0), words(1, 1))
    assert found == {"": words(3, 0), "torn 11 no": words(1, 0), "init 11": words(0, 0)}


def test_state_of_many_registers_is_old_new_or_initial_as_a_whole():
    """128 bytes of PT state and 808 of LBR state have more mixtures than anybody could go through."""
    found = torn(15, b"\1" * 808, b"\2" * 808, Pages(absent=((576, 4096),)))
    assert found == {"": b"\1" * 808, "new 15": b"\2" * 808, "init 15": bytes(808)}


def test_what_a_fault_midway_has_changed_is_modified_and_no_save_may_leave_it_out():
    """SDM 13.6: XMODIFIED[i] = 0 only if component i has not been modified since the last XRSTOR."""
    before = state(xrstor_info=INFO)
    before = msgspec.structs.replace(before.holding(5, b"\3" * 64), xmodified=0)
    area, pages = area_of(0x26, COMPACTED | 0x26, 0x1FC0), Pages(absent=((832, 4096),))
    faulted = restore("xrstor", before, 0x26, Operand(area, 64, pages=pages), KERNEL, FREE)
    for label, one in spelt(faulted).items():
        changed = {2: "new 2", 5: "new 5", 1: "new MXCSR"}
        assert one.state.xmodified == sum(1 << number for number, said in changed.items() if said in label)
        skipped = " ".join(spelt(saved("xsaves", one.state, area=area)))
        assert ("skip 2" in skipped) == ("new 2" not in label)
        assert ("skip 5" in skipped) == ("new 5" not in label)


def test_xsaves_may_save_mxcsr_modified_or_not():
    """13.11 leaves component 1 out, the Operation section of volume 2 does not while MXCSR is not 1F80H: either is allowed."""
    restored = XState(xcr0=3, mxcsr=0x1FC0, xrstor_info=XrstorInfo(0, False, 64, COMPACTED | 2))
    found = spelt(saved("xsaves", restored, mask=2, area=XsaveArea(0, COMPACTED | 2)))
    assert {images.read(one.area, 24, 4) for one in found.values()} == {bytes(4), b"\xc0\x1f\0\0"}
    assert {one.area.xstate_bv for one in found.values()} == {2}


def test_a_fault_of_the_header_changes_nothing():
    assert restored(area_of(4, COMPACTED | 2)).choices == ()


@pytest.mark.parametrize("cpu", [RECORDED, BY_VALUE])
def test_what_the_other_profiles_do_is_allowed(cpu):
    for area in (area_of(0x26, COMPACTED | 0x26, 0x1F0000), area_of(4, COMPACTED | 0x26), area_of(4, 0)):
        assert disallowed(restored(area), restored(area, cpu=cpu), store) is None
        assert disallowed(saved("xsavec", state()), saved("xsavec", state(), cpu=cpu), store) is None


# What is not allowed.


def wrong(part, **fields):
    allowed = saved("xsaves", state())
    return (
        disallowed(allowed, msgspec.structs.replace(saved("xsaves", state(), cpu=RECORDED), **fields), store)
        == part
    )


def test_each_part_is_compared():
    assert wrong(None)
    assert wrong("fault", fault=general_protection("x"))
    assert wrong("value", value=1)
    assert wrong("value", data=b"x")
    assert wrong("registers", state=state().loaded(5, b"\1" * 64))
    assert wrong("registers", state=state(mxcsr=0))
    assert wrong("registers", state=state(xfd_err=1))


@pytest.mark.parametrize("at", [0, 416, 530, 577, 900])
def test_a_byte_that_no_choice_covers_has_to_be_right(at):
    right = saved("xsaves", state(), cpu=RECORDED)
    other = images.write(right.area, at, b"\x99", D)
    assert wrong("memory", area=other)


def test_a_bit_that_must_be_set_has_to_be():
    right = saved("xsaves", state(), cpu=RECORDED)
    assert wrong("memory", area=msgspec.structs.replace(right.area, xstate_bv=0))


def test_half_of_a_way_is_no_way():
    right = saved("xsaves", state(), cpu=RECORDED, area=images.write(EMPTY, 832, b"\xee" * 64, D))
    allowed = saved("xsaves", state(), area=images.write(EMPTY, 832, b"\xee" * 64, D))
    assert disallowed(allowed, right, store) is None
    bit_alone = msgspec.structs.replace(right.area, xstate_bv=0x24)
    assert disallowed(allowed, msgspec.structs.replace(right, area=bit_alone), store) == "memory"
    data_alone = images.write(right.area, 832, bytes(64), D)
    assert disallowed(allowed, msgspec.structs.replace(right, area=data_alone), store) == "memory"
    together = images.write(bit_alone, 832, bytes(64), D)
    assert disallowed(allowed, msgspec.structs.replace(right, area=together), store) is None


def test_faults_are_compared_by_vector_and_error_code_and_not_by_words():
    one, other = Result(XState(), fault=undefined("a")), Result(XState(), fault=undefined("b"))
    assert disallowed(one, other, store) is None
    assert disallowed(one, Result(XState(), fault=general_protection("a")), store) == "fault"


def test_free_bits_of_a_value_may_be_either():
    allowed = Result(XState(), value=0b100, free=0b001)
    assert disallowed(allowed, Result(XState(), value=0b101), store) is None
    assert disallowed(allowed, Result(XState(), value=0b110), store) == "value"
    assert disallowed(allowed, Result(XState(), value=0b000), store) == "value"


def test_the_last_choice_varies_fastest():
    ways = [Choice((Edit(f"{name}0"), Edit(f"{name}1"))) for name in "ab"]
    assert list(spelt(Result(XState(), choices=tuple(ways)))) == ["a0 b0", "a0 b1", "a1 b0", "a1 b1"]
