"""RDMSR and WRMSR of the registers that extended state has: IA32_XSS, IA32_XFD, IA32_XFD_ERR, and the CET MSRs.

SDM volume 1, 13.3 and 13.14: XSS takes the bits of CPUID.(EAX=0DH,ECX=1):EDX:ECX and exists with XSAVES; a bit of XFD or
XFD_ERR can be set only if CPUID.(EAX=0DH,ECX=i):ECX[2] enumerates it, and they exist with CPUID.(EAX=0DH,ECX=1):EAX[4].
Whether XCR0[i] is set does not matter. The CET MSRs are views of components (`cet`), so writing one makes its component in
use. Any other MSR is unknown here. All of it is #GP(0), and so is CPL > 0. Recorded: the emulator's, which has no XFD, and four
lines of a CPU at CPL 3. Section 13.3 speaks of writing XSS with CR4.OSXSAVE = 1, and not of what happens without; 30 lines
of the emulator write it all the same, and so it is here.

What setting XFD[i] does to component i is a choice of the model (`cpu`): nothing, or kept or initial.
"""

import functools
from collections.abc import Iterator

import msgspec

from actors.machine.xstate import area, cet
from actors.machine.xstate.components import bits, initial
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.description import Description
from actors.machine.xstate.environment import KERNEL, Environment
from actors.machine.xstate.faults import general_protection
from actors.machine.xstate.outcomes import Choice, Edit, Fault, Result, outcomes
from actors.machine.xstate.registers import XState
from protocol.registers import Msr

_FIELD: dict[int, str] = {Msr.XFD: "xfd", Msr.XFD_ERR: "xfd_err", Msr.XSS: "xss"}

Written = tuple[str, XState]
"""A way in which a write can go: its label where there are several, and the state after it."""


def exists(description: Description, msr: int) -> bool:
    """Say whether the CPU has this MSR, as far as it is known here."""
    if msr in cet.PLACE:
        return bool(description.xss >> cet.PLACE[msr][0] & 1)
    if msr == Msr.XSS:
        return description.xsaves
    return description.xfd and msr in {Msr.XFD, Msr.XFD_ERR}


def supported(description: Description, msr: int) -> int:
    """Return the bits that WRMSR may set in XSS, XFD or XFD_ERR."""
    return description.xss if msr == Msr.XSS else description.xfd_capable


def rdmsr(state: XState, msr: int, environment: Environment, cpu: CpuModel) -> Result:
    """Read the MSR."""
    fault = _fault(msr, environment, cpu)
    return Result(state, fault=fault) if fault else Result(state, value=_value(state, msr, cpu.description))


def _fault(msr: int, environment: Environment, cpu: CpuModel) -> Fault | None:
    if environment.cpl > 0:
        return general_protection("CPL > 0")
    return None if exists(cpu.description, msr) else general_protection(f"there is no MSR {msr:#x}")


def _value(state: XState, msr: int, description: Description) -> int:
    if msr not in cet.PLACE:
        return int(getattr(state, _FIELD[msr]))
    component, at = cet.PLACE[msr]
    return int.from_bytes(state.content(component, description)[at : at + 8], "little")


def wrmsr(state: XState, msr: int, value: int, environment: Environment, cpu: CpuModel) -> Result:
    """Write the MSR; setting XFD may leave a choice for each live component that it disables."""
    fault = _fault(msr, environment, cpu) or _illegal(msr, value, cpu.description)
    if fault is not None:
        return Result(state, fault=fault)
    if msr in cet.PLACE:
        return Result(_with_field(state, msr, value, cpu.description))
    after = msgspec.structs.replace(state, **{_FIELD[msr]: value})
    if msr != Msr.XFD or cpu.xfd_set == "keep":
        return Result(after)
    live = bits(value & ~state.xfd & state.in_use)
    return Result(after, choices=tuple(_undefined(after, number, cpu.description) for number in live))


def _illegal(msr: int, value: int, description: Description) -> Fault | None:
    if msr in cet.PLACE:
        broken = cet.refuses(msr, value, description.linear_bits)
        return None if broken is None else general_protection(broken)
    if value & ~supported(description, msr):
        return general_protection("a bit that CPUID does not enumerate")
    return None


def _with_field(state: XState, msr: int, value: int, description: Description) -> XState:
    component, at = cet.PLACE[msr]
    content = state.content(component, description)
    return state.loaded(component, content[:at] + value.to_bytes(8, "little") + content[at + 8 :])


def _undefined(state: XState, number: int, description: Description) -> Choice:
    """A component that was in use when its XFD bit got set: kept, or initial."""
    size = description.size(number)
    kept = Edit("keep", contents=((number, state.content(number, description)),))
    return Choice(
        (kept, Edit(f"init {number}", contents=((number, initial(number, size)),), unused=1 << number))
    )


def ways(state: XState, msr: int, value: int, cpu: CpuModel) -> Iterator[Written]:
    """Yield the ways in which a write at CPL 0 can go; none for #GP."""
    result = wrmsr(state, msr, value, KERNEL, cpu)
    if result.fault is None:
        store = functools.partial(area.write, description=cpu.description)
        yield from ((label, one.state) for label, one in outcomes(result, store))
