"""The fields of preempt_count, as include/linux/preempt.h has them."""

from hypothesis import given
from hypothesis import strategies as st

from actors.system.kernel import preempt_count as p

MASKS = (p.PREEMPT_MASK, p.SOFTIRQ_MASK, p.HARDIRQ_MASK, p.NMI_MASK)
OFFSETS = (p.PREEMPT_OFFSET, p.SOFTIRQ_OFFSET, p.HARDIRQ_OFFSET, p.NMI_OFFSET)


def test_the_fields_stand_side_by_side_and_each_counts_in_its_own_units():
    assert MASKS == (0x0000FF, 0x00FF00, 0x0F0000, 0xF00000)
    for mask, offset in zip(MASKS, OFFSETS, strict=True):
        assert mask & -mask == offset


def test_disabling_bottom_halves_leaves_alone_the_bit_that_says_that_a_softirq_is_served():
    assert p.SOFTIRQ_DISABLE_OFFSET & p.SOFTIRQ_MASK
    assert not p.SOFTIRQ_DISABLE_OFFSET & p.SOFTIRQ_OFFSET
    served = p.SOFTIRQ_OFFSET + 3 * p.SOFTIRQ_DISABLE_OFFSET
    assert served & p.SOFTIRQ_OFFSET


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 15), st.integers(0, 15))
def test_each_question_looks_at_its_own_fields(preempt, softirq, hardirq, nmi):
    count = sum(n * offset for n, offset in zip((preempt, softirq, hardirq, nmi), OFFSETS, strict=True))
    assert p.in_interrupt(count) == (softirq > 0 or hardirq > 0 or nmi > 0)
    assert p.in_hardirq(count) == (hardirq > 0)
    assert p.in_nmi(count) == (nmi > 0)
