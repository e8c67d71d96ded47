"""The six instructions of the second formulation, by name."""

from tests.machine.manual.cpu import Fault
from tests.machine.manual.restore import xrstor, xrstors
from tests.machine.manual.save import xsave, xsavec, xsaveopt, xsaves

SAVES = {"xsave": xsave, "xsaveopt": xsaveopt, "xsavec": xsavec, "xsaves": xsaves}
RESTORES = {"xrstor": xrstor, "xrstors": xrstors}
FAMILY = SAVES | RESTORES


def execute(name, cpu, memory, area, mask, *, rexw=True, form=""):
    """Execute one of them in place, and return the fault that it raises, if any."""
    try:
        FAMILY[name](cpu, memory, area, mask, rexw=rexw, form=form)
    except Fault as fault:
        return fault
    return None
