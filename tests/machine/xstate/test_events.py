"""The instruction groups of the vectors, by silicon facts 2, 3, 4, 7 and 12, each said in a word."""

import pytest

from actors.machine.xstate.events import GROUPS, happened
from actors.machine.xstate.registers import XrstorInfo, XState

X, S, A, K, Z, H = 0x01, 0x02, 0x04, 0x20, 0x40, 0x80
FRESH = XState(xrstor_info=XrstorInfo(3, False, 0, 0))
FULL = XState(xinuse=0xE7, xinuse_upper=0x46, xrstor_info=XrstorInfo(3, False, 0, 0))

EXPECTED = {
    "none": (0, 0),
    "fninit": (X, X),
    "emms": (X, X),
    "fnclex": (X, X),
    "fldz_fstp": (X, X),
    "fld1": (X, X),
    "fldcw_default": (X, X),
    "kxor_all": (K, K),
    "kmov1": (K, K),
    "kmov1_zero": (K, K),
    "pxor_all": (S, S),
    "pxor_xmm0": (S, S),
    "movaps_self": (S, S),
    "pcmpeq_xmm1": (S, S),
    "ldmxcsr_default": (S, S),
    "ldmxcsr_9fc0": (S, S),
    "vpxor_xmm_all": (S, S | A | Z),
    "vpcmpeq_xmm1": (S, S | A | Z),
    "vpxor_ymm_all": (S | A, S | A | Z),
    "vmovaps_ymm_self": (S | A, S | A | Z),
    "vpcmpeq_ymm1": (S | A, S | A | Z),
    "vpxorq_zmm_lo16": (S | A | Z, S | A | Z),
    "vmovaps_zmm_self": (S | A | Z, S | A | Z),
    "vpternlog_zmm1": (S | A | Z, S | A | Z),
    "vpxorq_zmm_hi16": (H, H),
    "vmovaps_zmm20_self": (H, H),
    "vpternlog_zmm17": (H, H),
    "vpternlog_xmm17": (H, H),
    "vpxorq_zmm_all": (S | A | Z | H, S | A | Z | H),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_write_brings_into_use_and_counts_as_a_modification(name):
    after = happened(FRESH, GROUPS[name])
    assert (after.in_use, after.xmodified) == EXPECTED[name]
    assert happened(FULL, GROUPS[name]).in_use == 0xE7, "and takes nothing out of use"


@pytest.mark.parametrize(("name", "left"), [("vzeroupper", X | S | K | H), ("vzeroall", X | K | H)])
def test_two_instructions_take_registers_out_of_use(name, left):
    after = happened(FULL, GROUPS[name])
    assert after.in_use == left
    assert after.xmodified & A
    assert after.xmodified & Z


def test_every_group_is_known():
    assert set(GROUPS) == set(EXPECTED) | {"vzeroupper", "vzeroall"}


@pytest.mark.parametrize(
    "name", [name for name in GROUPS if name.endswith(("_all", "_lo16")) and name[0] != "k"]
)
def test_groups_on_all_registers_write_8_to_15_too(name):
    after = happened(FRESH, GROUPS[name])
    assert after.xinuse_upper == after.xinuse & 0x46


@pytest.mark.parametrize("name", ["pxor_xmm0", "vpcmpeq_ymm1", "vpternlog_zmm1", "ldmxcsr_default"])
def test_groups_on_one_register_do_not(name):
    assert happened(FRESH, GROUPS[name]).xinuse_upper == 0
