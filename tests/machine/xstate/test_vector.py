import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.machine.model import cpu_model
from actors.machine.xstate import vector as v
from actors.machine.xstate.environment import KERNEL, Environment
from actors.machine.xstate.registers import XrstorInfo, XState
from protocol.registers import Vector

CPU = cpu_model("sapphire_rapids")
D = CPU.description
ENABLED = XState(xcr0=0x602E7, xrstor_info=XrstorInfo(0, False, 0, 0))
OUTSIDE, STOPPED = Environment(osxsave=False), Environment(ts=True)
OLD = Environment(long_mode=False)

LEGACY = {
    "movq_xmm": lambda s, env: v.movq_xmm(s, 3, 5, env, CPU),
    "ldmxcsr": lambda s, env: v.ldmxcsr(s, 0x1F81, env, CPU),
    "movq_from_xmm": lambda s, env: v.movq_from_xmm(s, 3, env, CPU),
    "fninit": lambda s, env: v.fninit(s, env, CPU),
}
VEX = {
    "vzeroupper": lambda s, env: v.vzeroupper(s, env, CPU),
    "vzeroall": lambda s, env: v.vzeroall(s, env, CPU),
}
EVEX = {
    "vpbroadcastq": lambda s, env: v.vpbroadcastq(s, 2, 5, 256, env, CPU),
    "vpbroadcastq high": lambda s, env: v.vpbroadcastq(s, 17, 5, 512, env, CPU),
    "kmovq": lambda s, env: v.kmovq(s, 1, 5, env, CPU),
}


def vector(result):
    return result.fault and result.fault.vector


@pytest.mark.parametrize("name", LEGACY)
def test_legacy_instructions_need_nothing_and_stop_at_cr0_ts(name):
    assert vector(LEGACY[name](XState(), OUTSIDE)) is None
    assert vector(LEGACY[name](XState(), STOPPED)) is Vector.NM


@pytest.mark.parametrize("name", VEX)
def test_vex_needs_sse_and_avx_enabled(name):
    assert vector(VEX[name](XState(xcr0=7), KERNEL)) is None
    for state, environment in ((XState(xcr0=3), STOPPED), (XState(xcr0=7), OUTSIDE)):
        assert vector(VEX[name](state, environment)) is Vector.UD
    assert vector(VEX[name](XState(xcr0=7), STOPPED)) is Vector.NM


@pytest.mark.parametrize("name", EVEX)
def test_evex_and_kmov_need_all_of_avx_512(name):
    assert vector(EVEX[name](XState(xcr0=0xE7), KERNEL)) is None
    for state, environment in ((XState(xcr0=7), STOPPED), (XState(xcr0=0xE7), OUTSIDE)):
        assert vector(EVEX[name](state, environment)) is Vector.UD
    assert vector(EVEX[name](XState(xcr0=0xE7), STOPPED)) is Vector.NM


def test_movq_zero_extends_to_128_bits_and_keeps_the_rest():
    state = ENABLED.holding(1, b"\7" * 256).holding(2, b"\7" * 256)
    after = v.movq_xmm(state, 3, 0x1122, KERNEL, CPU).state
    assert after.content(1, D) == b"\7" * 48 + b"\x22\x11" + bytes(14) + b"\7" * 192
    assert after.content(2, D) == b"\7" * 256
    assert (after.in_use, after.xmodified) == (2, 2)


def test_movq_from_a_register_reads_its_low_64_bits_and_makes_nothing_in_use():
    state = ENABLED.holding(1, bytes(range(256)))
    for register in (0, 3, 15):
        result = v.movq_from_xmm(state, register, KERNEL, CPU)
        assert result.value == int.from_bytes(bytes(range(register * 16, register * 16 + 8)), "little")
        assert result.state == state
    assert v.movq_from_xmm(ENABLED, 3, KERNEL, CPU).value == 0


@given(st.integers(0, 15), st.integers(0, 2**64 - 1))
def test_what_movq_writes_movq_reads(register, value):
    after = v.movq_xmm(ENABLED, register, value, KERNEL, CPU).state
    assert v.movq_from_xmm(after, register, KERNEL, CPU).value == value


def test_a_256_bit_broadcast_zeroes_the_upper_half_of_the_zmm_register():
    state = ENABLED.holding(6, b"\7" * 512)
    after = v.vpbroadcastq(state, 2, 0x55, 256, KERNEL, CPU).state
    word = b"\x55" + bytes(7)
    assert after.content(1, D)[32:48] == word * 2
    assert after.content(2, D)[32:48] == word * 2
    assert after.content(6, D) == b"\7" * 64 + bytes(32) + b"\7" * 416
    assert (after.in_use, after.xmodified) == (6, 0x46)


def test_a_512_bit_broadcast_fills_the_register():
    after = v.vpbroadcastq(ENABLED, 1, 0x55, 512, KERNEL, CPU).state
    word = b"\x55" + bytes(7)
    assert after.content(6, D)[32:64] == word * 4
    assert after.in_use == 0x46
    high = v.vpbroadcastq(ENABLED, 17, 0x55, 512, KERNEL, CPU).state
    assert high.content(7, D) == bytes(64) + word * 8 + bytes(14 * 64)
    assert high.in_use == 0x80


def test_registers_from_8_on_are_tracked_apart():
    after = v.vpbroadcastq(ENABLED, 9, 1, 512, KERNEL, CPU).state
    assert (after.xinuse, after.xinuse_upper, after.xmodified) == (0, 0x46, 0x46)
    assert v.movq_xmm(ENABLED, 8, 1, KERNEL, CPU).state.xinuse_upper == 2


def test_kmovq_writes_one_mask_register():
    after = v.kmovq(ENABLED, 1, 0x1122, KERNEL, CPU).state
    assert after.content(5, D) == bytes(8) + b"\x22\x11" + bytes(54)
    assert after.in_use == 0x20


def full():
    state = ENABLED
    for number in (1, 2, 6, 7):
        state = state.loaded(number, b"\7" * D.size(number))
    return state


def test_vzeroupper_and_vzeroall_zero_what_they_say():
    upper, everything = (f(full(), KERNEL, CPU).state for f in (v.vzeroupper, v.vzeroall))
    assert (upper.live, upper.in_use) == (0x82, 0x82)
    assert (everything.live, everything.in_use) == (0x80, 0x80)


def test_in_compatibility_mode_they_leave_registers_8_to_15():
    after = v.vzeroall(full(), OLD, CPU).state
    assert after.content(1, D) == bytes(128) + b"\7" * 128
    assert after.content(6, D) == bytes(256) + b"\7" * 256
    assert (after.xinuse, after.xinuse_upper) == (0x80, 0x46)


@pytest.mark.parametrize("environment", [Environment(pke=False)])
def test_wrpkru_needs_cr4_pke_and_nothing_else(environment):
    assert vector(v.wrpkru(XState(), 5, environment, CPU)) is Vector.UD
    assert vector(v.wrpkru(XState(), 5, KERNEL, cpu_model("emerald_rapids"))) is Vector.UD
    after = v.wrpkru(XState(), 0x1122, Environment(ts=True, cpl=3), CPU).state
    assert after.content(9, D) == b"\x22\x11" + bytes(6)
    assert after.in_use == 1 << 9


def test_ldmxcsr_refuses_reserved_bits_and_brings_xmm_into_use():
    assert vector(v.ldmxcsr(XState(), 0x10000, KERNEL, CPU)) is Vector.GP
    after = v.ldmxcsr(XState(), 0x1F80, KERNEL, CPU).state
    assert (after.mxcsr, after.in_use) == (0x1F80, 2)
    assert v.ldmxcsr(XState(), 0xFFFF, KERNEL, CPU).state.mxcsr == 0xFFFF


def test_fninit_resets_the_environment_and_turns_the_registers_back():
    slots = [bytes([n]) * 10 + bytes(6) for n in range(8)]
    content = b"\x40\x00" + (3 << 11).to_bytes(2, "little") + b"\xff" + bytes(19) + b"".join(slots)
    after = v.fninit(ENABLED.holding(0, content), KERNEL, CPU).state
    assert after.content(0, D)[:24] == b"\x7f\x03" + bytes(22)
    # ST0 was R3, so R0 was ST5
    assert after.content(0, D)[24:] == b"".join(slots[(n - 3) % 8] for n in range(8))
    assert after.in_use == 1
    assert v.fninit(XState(), KERNEL, CPU).state.live == 0, "in use, and initial"
