"""XSETBV, XGETBV, WRMSR and LDTILECFG: what both formulations accept and read."""

import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.machine.xstate import msr, tile_config, xcr0
from actors.machine.xstate.environment import Environment
from tests.machine.manual import control
from tests.machine.manual.cpu import Cpu, Fault
from tests.machine.manual.generated import CONFIGURATION, SUPPORTED, SUPPORTED_XSS, cpus
from tests.machine.manual.tiles import legal_configuration
from tests.machine.xstate import bridge

few = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
NAMED = (0, 1, 2, 3, 5, 6, 7, 9, 17, 18, 19, 63)


def manual(call, *arguments):
    """Return the value or nothing, and the fault."""
    try:
        return call(*arguments), None
    except Fault as fault:
        return None, (fault.vector, fault.error)


def model(call, cpu, *arguments):
    environment = Environment(cpu.cpl, cpu.osxsave, cpu.ts, cpu.mode64, cpu.non_root)
    result = call(bridge.state_of(cpu), *arguments, environment, bridge.MODEL)
    bridge.take_controls(cpu, result.state)
    fault = result.fault
    return result.value, fault and (int(fault.vector), fault.error_code or 0)


def test_every_combination_of_bits_that_xcr0_may_hold():
    accepted = 0
    for chosen in range(1 << len(NAMED)):
        value = sum(1 << bit for place, bit in enumerate(NAMED) if chosen >> place & 1)
        legal = control.legal_xcr0(SUPPORTED, value)
        assert (xcr0.refuses(value, bridge.DESCRIPTION) is None) == legal, hex(value)
        accepted += legal
    assert accepted == 16


@given(
    cpu=cpus(),
    ecx=st.sampled_from((0, 1, 2, 1 << 31, 1 << 32, 1 << 32 | 1)),
    value=st.sampled_from((0, 1, 3, 7, 5, 0x602E7)),
)
@few
def test_extended_control_registers(cpu, ecx, value):
    other = copy.deepcopy(cpu)
    assert model(xcr0.xgetbv, other, ecx) == manual(control.xgetbv, cpu, ecx)
    assert model(xcr0.xsetbv, other, ecx, value) == manual(control.xsetbv, cpu, ecx, value)
    assert other.xcr0 == cpu.xcr0


@given(
    cpu=cpus(),
    register=st.sampled_from((control.XSS, control.XFD, control.XFD_ERR)),
    value=st.sampled_from((0, 1 << 18, 1 << 17, SUPPORTED_XSS, 0x800, 0x100, 1 << 63)),
)
@few
def test_model_specific_registers(cpu, register, value):
    other = copy.deepcopy(cpu)
    assert model(msr.wrmsr, other, register, value) == manual(control.wrmsr, cpu, register, value)
    assert (other.xss, other.xfd, other.xfd_err) == (cpu.xss, cpu.xfd, cpu.xfd_err)


@pytest.mark.parametrize("palette", [0, 1, 2, 255])
@given(
    changes=st.lists(
        st.tuples(st.integers(1, 63), st.sampled_from((0, 1, 5, 16, 17, 64, 65, 255))), max_size=3
    )
)
@few
def test_tile_configurations(palette, changes):
    content = bytearray(CONFIGURATION)
    content[0] = palette
    for place, value in changes:
        content[place] = value
    assert tile_config.acceptable(bytes(content)) == legal_configuration(content)


def test_each_byte_of_a_configuration():
    accepted = 0
    for place in range(64):
        for value in range(256):
            content = bytearray(CONFIGURATION)
            content[place] = value
            legal = legal_configuration(content)
            assert tile_config.acceptable(bytes(content)) == legal, (place, value)
            accepted += legal
    assert 256 < accepted < 1000


def test_the_cpu_that_both_have_is_the_same():
    assert (bridge.DESCRIPTION.xcr0, bridge.DESCRIPTION.xss) == (
        Cpu(SUPPORTED, SUPPORTED_XSS).supported,
        SUPPORTED_XSS,
    )
