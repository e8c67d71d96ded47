import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.xstate import presets as p
from actors.machine.xstate.components import COMPACTED
from actors.machine.xstate.description import Description
from actors.machine.xstate.layout import compacted, layout, standard, standard_size

CPU = p.SAPPHIRE_RAPIDS
xcomp_bvs = st.integers(0, 2**63 - 1).map(lambda mask: COMPACTED | mask)


def test_the_standard_format_has_user_components_at_the_offsets_of_cpuid():
    assert standard(CPU).offset == {2: 576, 5: 1088, 6: 1152, 7: 1664, 9: 2688, 17: 2752, 18: 2816}
    assert standard(CPU).size == 2816 + 8192


@given(xcomp_bv=xcomp_bvs)
def test_compacted_components_follow_each_other_in_order_and_are_aligned_where_they_have_to_be(xcomp_bv):
    form, at = compacted(CPU, xcomp_bv), 576
    for number in sorted(form.offset):
        if number in {17, 18}:
            at += -at % 64
        assert form.offset[number] == at
        at += CPU.size(number)
    assert form.size == at
    present = {number for number in range(2, 63) if (CPU.xcr0 | CPU.xss) & xcomp_bv & 1 << number}
    assert set(form.offset) == present


def test_the_bit_63_chooses_the_format():
    assert layout(CPU, 0x602E7) is standard(CPU)
    assert layout(CPU, COMPACTED | 0x24).offset == {2: 576, 5: 832}


@given(xcomp_bv=st.one_of(xcomp_bvs, st.just(0)), cpu=st.sampled_from(list(p.DESCRIPTIONS.values())))
def test_slots_cover_each_byte_once_but_for_the_headers_words(xcomp_bv, cpu):
    form, at = layout(cpu, xcomp_bv), 0
    for offset, size in form.slots.items():
        if at == 512:
            at = 528
        assert (offset, size > 0) == (at, True)
        at = offset + size
    assert at == max(form.size, 576)


@given(xcomp_bv=st.one_of(xcomp_bvs, st.just(0)))
def test_each_component_is_a_slot(xcomp_bv):
    form = layout(CPU, xcomp_bv)
    for number, offset in form.offset.items():
        assert form.slots[offset] == CPU.size(number)


def test_where_apx_state_lies_on_mpx_state_the_slots_are_those_of_mpx_state():
    cpu = Description("both", (p.BNDREGS, p.BNDCSR, p.APX))
    assert standard(cpu).offset == {3: 960, 4: 1024, 19: 960}
    assert {960, 1024} <= set(standard(cpu).slots)


@pytest.mark.parametrize(("components", "size"), [((), 576), ((0, 1), 576), ((2,), 832), ((2, 9), 2696)])
def test_the_standard_size_is_the_end_of_the_last(components, size):
    assert standard_size(CPU, components) == size
