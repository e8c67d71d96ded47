"""An MSR that the CPU lacks can be neither read nor written, not even with 0."""

import pytest

from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.description import Description
from actors.machine.xstate.environment import KERNEL
from actors.machine.xstate.msr import rdmsr, wrmsr
from actors.machine.xstate.registers import XState
from protocol.registers import Msr, Vector

XSAVES = Description("xsaves", (), xfd=True)
NO_XFD = Description("no_xfd", ())
NO_XSAVES = Description("no_xsaves", (), xsaves=False)


@pytest.mark.parametrize(
    ("description", "msr", "exists"),
    [
        (XSAVES, Msr.XSS, True),
        (XSAVES, Msr.XFD, True),
        (XSAVES, Msr.XFD_ERR, True),
        (NO_XFD, Msr.XSS, True),
        (NO_XFD, Msr.XFD, False),
        (NO_XFD, Msr.XFD_ERR, False),
        (NO_XSAVES, Msr.XSS, False),
    ],
)
def test_an_msr_exists_with_its_feature(description, msr, exists):
    cpu = CpuModel(description)
    for result in (rdmsr(XState(), msr, KERNEL, cpu), wrmsr(XState(), msr, 0, KERNEL, cpu)):
        assert (result.fault is None) == exists
        assert exists or (result.fault.vector, result.fault.error_code) == (Vector.GP, 0)
