"""XSETBV and XGETBV: what XCR0 can hold, as a table of rules, and what is read from it.

SDM volume 1, 13.3; volume 2, XSETBV and XGETBV. #UD if CR4.OSXSAVE = 0 comes before #GP(0) for CPL > 0 (XSETBV), for a
register that does not exist (RCX[63:32] is ignored), and for a value that breaks a rule. CR0.TS does not matter. Clearing a
bit leaves the component's registers as they are. In VMX non-root operation XSETBV always exits, after #UD; what comes first
of the exit and #GP for CPL > 0 is not verified.

XGETBV with ECX=1 reads XCR0 & XINUSE, with bit 1 set as well if MXCSR != 1F80H (13.6, silicon fact 5): so an XRSTOR of AVX
state alone can change it. Under `architectural` the bits of components that are initial, or that XFD disables, are free.
"""

from collections.abc import Callable

import msgspec

from actors.machine.xstate.components import AVX, AVX512, MPX, MXCSR_INITIAL, SSE, TILES, X87
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.description import Description, facts, overlap
from actors.machine.xstate.environment import Environment
from actors.machine.xstate.faults import general_protection, undefined
from actors.machine.xstate.outcomes import Fault, Result
from actors.machine.xstate.registers import XState
from actors.machine.xstate.tracking import in_use
from protocol.registers import Component

_LOW = 0xFFFF_FFFF
_MASK64 = (1 << 64) - 1
_APX = 1 << Component.APX

RULES: tuple[tuple[str, Callable[[int], bool]], ...] = (
    ("x87 is always enabled", lambda v: bool(v & X87)),
    ("AVX needs SSE", lambda v: not v & AVX or bool(v & SSE)),
    ("both MPX components or neither", lambda v: v & MPX in {0, MPX}),
    ("all three AVX-512 components or none", lambda v: v & AVX512 in {0, AVX512}),
    ("AVX-512 needs AVX", lambda v: not v & AVX512 or bool(v & AVX)),
    ("both tile components or neither", lambda v: v & TILES in {0, TILES}),
)


def _apx_in_place_of_mpx(description: Description) -> bool:
    """Say whether component 19 is APX state, which lies where MPX state does, and not the hypothetical one."""
    component = facts(description).component
    apx, bndregs = component.get(Component.APX), component.get(Component.BNDREGS)
    return apx is not None and bndregs is not None and overlap(apx, bndregs)


def refuses(value: int, description: Description) -> str | None:
    """Return the rule that `value` breaks, or None if XCR0 can hold it."""
    if value & ~description.xcr0:
        return "a bit that is not supported"
    if value & _APX and value & MPX and _apx_in_place_of_mpx(description):
        return "APX and MPX exclude each other"
    return next((rule for rule, holds in RULES if not holds(value)), None)


def xsetbv(state: XState, ecx: int, value: int, environment: Environment, cpu: CpuModel) -> Result:
    """Write EDX:EAX into the register ECX."""
    fault = _xsetbv_fault(ecx, value, environment, cpu)
    return Result(state, fault=fault) if fault else Result(msgspec.structs.replace(state, xcr0=value))


def _xsetbv_fault(ecx: int, value: int, environment: Environment, cpu: CpuModel) -> Fault | None:
    if not environment.osxsave:
        return undefined("CR4.OSXSAVE = 0")
    if environment.cpl > 0:
        return general_protection("CPL > 0")
    if ecx & _LOW:
        return general_protection("there is no such extended control register")
    broken = refuses(value, cpu.description)
    return None if broken is None else general_protection(broken)


def xgetbv(state: XState, ecx: int, environment: Environment, cpu: CpuModel) -> Result:
    """Read the register ECX, at any privilege level."""
    if not environment.osxsave:
        return Result(state, fault=undefined("CR4.OSXSAVE = 0"))
    if ecx & _LOW == 0:
        return Result(state, value=state.xcr0)
    if ecx & _LOW == 1 and cpu.description.xgetbv1:
        return _in_use(state, environment, cpu)
    return Result(state, fault=general_protection("there is no such extended control register"))


def _in_use(state: XState, environment: Environment, cpu: CpuModel) -> Result:
    must, may = in_use(state, cpu, long_mode=environment.long_mode)
    if cpu.tracking == "architectural":
        must &= ~state.xfd
    if state.mxcsr != MXCSR_INITIAL:
        must |= SSE
    return Result(state, value=state.xcr0 & must, free=state.xcr0 & may & ~must)
