"""Faults of PKRU instructions, and the order of those of LDMXCSR."""

import pytest

from actors.machine.model import cpu_model
from actors.machine.xstate.environment import KERNEL, Environment
from actors.machine.xstate.registers import XState
from actors.machine.xstate.vector import ldmxcsr, rdpkru, wrpkru
from protocol.registers import Vector

CPU = cpu_model("sapphire_rapids")
STATE = XState(xcr0=0x602E7)


@pytest.mark.parametrize(
    ("cpu", "environment"),
    [(CPU, Environment(pke=False)), (cpu_model("emerald_rapids"), KERNEL)],
    ids=["CR4.PKE", "no PKU"],
)
def test_pkru_instructions_are_undefined(cpu, environment):
    assert rdpkru(STATE, environment, cpu).fault.vector == Vector.UD
    assert wrpkru(STATE, 1, environment, cpu).fault.vector == Vector.UD


def test_what_wrpkru_writes_rdpkru_reads_with_cr0_ts_and_without_xcr0_too():
    after = wrpkru(XState(), 0x8765_4321, Environment(ts=True), CPU).state
    assert rdpkru(after, Environment(ts=True), CPU).value == 0x8765_4321


@pytest.mark.parametrize(
    ("ts", "value", "vector"),
    [(False, 1 << 16, Vector.GP), (True, 1 << 16, Vector.NM), (True, 0x1F80, Vector.NM)],
)
def test_ldmxcsr_takes_nm_before_gp(ts, value, vector):
    found = ldmxcsr(STATE, value, Environment(ts=ts), CPU)
    assert (found.fault.vector, found.state) == (vector, STATE)
