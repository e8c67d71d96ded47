"""Instructions that write one vector, mask or x87 register, PKRU or MXCSR: enough of them to reach every component.

Faults by class (SDM volume 2, 2.4 and 2.8): VEX needs XCR0[2:1] = 11b, EVEX and KMOV XCR0[7:5] and XCR0[2:1] all set, both
need CR4.OSXSAVE = 1, else #UD; then CR0.TS = 1 is #NM, for legacy SSE and x87 as well. (CR4.OSFXSR = 1 and CR0.EM = 0 are
understood.) WRPKRU and RDPKRU are #UD if CR4.PKE = 0 and have no #NM. LDMXCSR is #GP(0) for bits that MXCSR_MASK does not have.

What they do to XINUSE and XMODIFIED is in `events`. Their faults rest on the emulator's lines: #UD without the bits of XCR0,
#GP of LDMXCSR. No line has CR0.TS = 1 with any of them, CR4.PKE = 0, or compatibility mode.
"""

import msgspec

from actors.machine.xstate import events
from actors.machine.xstate.components import AVX, AVX512, PKRU, SSE, X87_BYTES, ZEROS
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.environment import Environment
from actors.machine.xstate.events import Event, happened
from actors.machine.xstate.faults import general_protection, not_available, undefined
from actors.machine.xstate.outcomes import Fault, Result
from actors.machine.xstate.registers import XState
from protocol.registers import Component

_XCR0: dict[str, int] = {"legacy": 0, "vex": SSE | AVX, "evex": SSE | AVX | AVX512}
"""Encoding class to the bits of XCR0 that it needs."""

_WORDS = {256: 1, 512: 2}
_XMM_BYTES, _HALF_YMM, _HALF_ZMM, _ZMM_BYTES = 16, 16, 32, 64
_HIGH = 16


def faults(state: XState, encoding: str, environment: Environment) -> Fault | None:
    """Return the #UD or #NM of an instruction of this class, or None."""
    needed = _XCR0[encoding]
    if needed and not environment.osxsave:
        return undefined("CR4.OSXSAVE = 0")
    if state.xcr0 & needed != needed:
        return undefined("XCR0 does not enable the registers")
    return not_available("CR0.TS = 1") if environment.ts else None


def _put(state: XState, component: int, at: int, data: bytes, cpu: CpuModel) -> XState:
    content = state.content(component, cpu.description)
    return state.holding(component, content[:at] + data + content[at + len(data) :])


def movq_xmm(state: XState, register: int, value: int, environment: Environment, cpu: CpuModel) -> Result:
    """MOVQ xmm, r64 in its legacy encoding: zero-extended to 128 bits, upper parts kept."""
    fault = faults(state, "legacy", environment)
    if fault is not None:
        return Result(state, fault=fault)
    data = value.to_bytes(_XMM_BYTES, "little")
    after = _put(state, Component.SSE, register * _XMM_BYTES, data, cpu)
    return Result(happened(after, _low_or_high(events.LEGACY_SSE, register)))


def movq_from_xmm(state: XState, register: int, environment: Environment, cpu: CpuModel) -> Result:
    """MOVQ r64, xmm in its legacy encoding."""
    fault = faults(state, "legacy", environment)
    if fault is not None:
        return Result(state, fault=fault)
    content = state.content(Component.SSE, cpu.description)
    return Result(state, value=int.from_bytes(content[register * _XMM_BYTES :][:8], "little"))


def vpbroadcastq(
    state: XState, register: int, value: int, width: int, environment: Environment, cpu: CpuModel
) -> Result:
    """EVEX VPBROADCASTQ of a register into so many bits (256, 512); the rest of the ZMM register is zeroed."""
    fault = faults(state, "evex", environment)
    if fault is not None:
        return Result(state, fault=fault)
    whole = (value.to_bytes(8, "little") * (width // 64)).ljust(_ZMM_BYTES, b"\0")
    if register >= _HIGH:
        after = _put(state, Component.HI16_ZMM, (register - _HIGH) * _ZMM_BYTES, whole, cpu)
        return Result(happened(after, events.HIGH))
    after = _put(state, Component.SSE, register * _XMM_BYTES, whole[:16], cpu)
    after = _put(after, Component.AVX, register * _HALF_YMM, whole[16:32], cpu)
    after = _put(after, Component.ZMM_HI256, register * _HALF_ZMM, whole[32:], cpu)
    event = {256: events.VEX_256, 512: events.EVEX_512}[width]
    return Result(happened(after, _low_or_high(event, register)))


def _low_or_high(event: Event, register: int) -> Event:
    """Return the event as it is for that one register: 0 to 7, or 8 to 15."""
    if register < 8:  # noqa: PLR2004  # registers that compatibility mode has
        return event
    return Event(0, event.sets, modifies=event.modifies | event.sets)


def kmovq(state: XState, register: int, value: int, environment: Environment, cpu: CpuModel) -> Result:
    """KMOVQ k, r64."""
    fault = faults(state, "evex", environment)
    if fault is not None:
        return Result(state, fault=fault)
    after = _put(state, Component.OPMASK, register * 8, value.to_bytes(8, "little"), cpu)
    return Result(happened(after, events.OPMASK_WRITE))


def vzeroupper(state: XState, environment: Environment, _cpu: CpuModel) -> Result:
    """VZEROUPPER: bits from 128 on of registers 0 to 15 (0 to 7 in compatibility mode)."""
    return _zeroed(state, (Component.AVX, Component.ZMM_HI256), environment)


def vzeroall(state: XState, environment: Environment, _cpu: CpuModel) -> Result:
    """VZEROALL: all of registers 0 to 15 (0 to 7 in compatibility mode)."""
    return _zeroed(state, (Component.SSE, Component.AVX, Component.ZMM_HI256), environment)


def _zeroed(state: XState, components: tuple[int, ...], environment: Environment) -> Result:
    fault = faults(state, "vex", environment)
    if fault is not None:
        return Result(state, fault=fault)
    after, mask = state, sum(1 << number for number in components)
    for number, content in state.items():
        if number in components:
            low = len(content) if environment.long_mode else len(content) // 2
            after = after.holding(number, ZEROS[low] + content[low:])
    upper = after.xinuse_upper
    after = after.touched(0, clears=mask)
    return Result(after if environment.long_mode else msgspec.structs.replace(after, xinuse_upper=upper))


def wrpkru(state: XState, value: int, environment: Environment, cpu: CpuModel) -> Result:
    """WRPKRU with ECX = EDX = 0."""
    if not environment.pke or not cpu.xcr0 & PKRU:
        return Result(state, fault=undefined("CR4.PKE = 0"))
    content = value.to_bytes(4, "little").ljust(cpu.description.size(Component.PKRU), b"\0")
    return Result(state.loaded(Component.PKRU, content))


def rdpkru(state: XState, environment: Environment, cpu: CpuModel) -> Result:
    """RDPKRU with ECX = 0."""
    if not environment.pke or not cpu.xcr0 & PKRU:
        return Result(state, fault=undefined("CR4.PKE = 0"))
    return Result(state, value=int.from_bytes(state.content(Component.PKRU, cpu.description)[:4], "little"))


def ldmxcsr(state: XState, value: int, environment: Environment, cpu: CpuModel) -> Result:
    """LDMXCSR."""
    fault = faults(state, "legacy", environment)
    if fault is None and value & ~cpu.description.mxcsr_mask:
        fault = general_protection("MXCSR has a reserved bit")
    if fault is not None:
        return Result(state, fault=fault)
    return Result(msgspec.structs.replace(happened(state, events.LDMXCSR), mxcsr=value))


def stmxcsr(state: XState, environment: Environment, _cpu: CpuModel) -> Result:
    """STMXCSR."""
    fault = faults(state, "legacy", environment)
    return Result(state, fault=fault) if fault is not None else Result(state, value=state.mxcsr)


def fninit(state: XState, environment: Environment, cpu: CpuModel) -> Result:
    """FNINIT: control, status and tags as out of reset; the registers keep their contents, and ST0 is R0 again."""
    fault = faults(state, "legacy", environment)
    if fault is not None:
        return Result(state, fault=fault)
    content = state.content(Component.X87, cpu.description)
    top = content[3] >> 3 & 7
    slots = [content[at : at + 16] for at in range(24, X87_BYTES, 16)]
    registers = b"".join(slots[(at - top) % 8] for at in range(8))
    after = state.holding(Component.X87, (b"\x7f\x03".ljust(24, b"\0")) + registers)
    return Result(happened(after, events.X87_WRITE))
