"""RDMSR and WRMSR of the registers that extended state has: XFD, XFD_ERR and XSS.

SDM volume 1, 13.14: a bit of XFD or XFD_ERR can be set only if CPUID.(EAX=0DH,ECX=i):ECX[2] enumerates it; else #GP. XSS takes
the bits of CPUID.(EAX=0DH,ECX=1):EDX:ECX. Any other MSR is unknown here, and #GP.
"""

import itertools

import msgspec

from actors.machine.model import CpuModel
from actors.machine.xstate.components import bits
from actors.machine.xstate.registers import XState
from protocol.registers import Msr

_FIELD: dict[int, str] = {Msr.XFD: "xfd", Msr.XFD_ERR: "xfd_err", Msr.XSS: "xss"}

Written = tuple[str, XState]
"""A way in which a write can go: its label where there are several, and the state after it."""


def rdmsr(state: XState, msr: int) -> int | None:
    """Return the MSR's value, or None for #GP."""
    field = _FIELD.get(msr)
    return None if field is None else getattr(state, field)


def supported(model: CpuModel, msr: int) -> int:
    """Return the bits that WRMSR may set in this MSR."""
    return {Msr.XFD: model.xfd_capable, Msr.XFD_ERR: model.xfd_capable, Msr.XSS: model.xss}.get(Msr(msr), 0)


def wrmsr(state: XState, msr: int, value: int, model: CpuModel) -> tuple[Written, ...]:
    """Return the ways in which the write can go; none for #GP."""
    field = _FIELD.get(msr)
    if field is None or value & ~supported(model, msr):
        return ()
    after = msgspec.structs.replace(state, **{field: value})
    if msr == Msr.XFD and model.xfd_set == "undefined":
        return _undefined(after, bits(value & ~state.xfd & state.in_use))
    return (("", after),)


def _undefined(after: XState, armed: tuple[int, ...]) -> tuple[Written, ...]:
    """Each component that is in use when its bit gets set is kept or becomes initial."""
    ways: list[Written] = []
    for choice in itertools.product((False, True), repeat=len(armed)):
        lost = [component for component, gone in zip(armed, choice, strict=True) if gone]
        label = "init " + ",".join(str(component) for component in lost) if lost else "keep" if armed else ""
        ways.append((label, after.initialised(sum(1 << component for component in lost))))
    return tuple(ways)
