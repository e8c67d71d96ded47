"""A line of a `hw-*` file on the model: set up, execute one instruction, compare everything.

The set-up is an XRSTOR with all components requested, then an instruction group whose effect on tracking is known
(`xstate.events`); the registers' contents are given. So XGETBV(1) before the instruction is compared too: it tests the
tracking of the set-up.
"""

import functools
from collections.abc import Callable, Iterator

import msgspec

from actors.machine.conform.hardware import Encoding, HardwareLine
from actors.machine.conform.verdicts import Verdict, shown
from actors.machine.xstate import area as images
from actors.machine.xstate import msr, tiles, xcr0
from actors.machine.xstate.components import HALVED
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.environment import Environment, Operand
from actors.machine.xstate.events import GROUPS, happened
from actors.machine.xstate.faults import ANOTHER, undefined
from actors.machine.xstate.outcomes import Fault, Result, disallowed
from actors.machine.xstate.presets import EMERALD_RAPIDS
from actors.machine.xstate.registers import XrstorInfo, XState
from actors.machine.xstate.restore import restore
from actors.machine.xstate.save import save
from actors.machine.xstate.save_plan import SAVES
from protocol.instructions import XsaveArea
from protocol.registers import Component, Vector

CPL = 3
PAGE, ELSEWHERE = 0x10000, 0x20000
"""Where the recorded memory is, and another place that the set-up may have restored from."""

FIELDS: dict[str, int] = {
    "x87": Component.X87,
    "sse": Component.SSE,
    "avx": Component.AVX,
    "k": Component.OPMASK,
    "zmmh": Component.ZMM_HI256,
    "hi16": Component.HI16_ZMM,
}

_CPU = CpuModel(EMERALD_RAPIDS)
_FREE = CpuModel(EMERALD_RAPIDS, tracking="architectural")
_STORE = functools.partial(images.write, description=EMERALD_RAPIDS)
_LONG, _COMPATIBLE = Environment(cpl=CPL), Environment(cpl=CPL, long_mode=False)
_CONFIG = bytes(64)


def before(line: HardwareLine) -> XState:
    """Return the registers as the set-up left them."""
    used = int(line.setup.xbv) & EMERALD_RAPIDS.xcr0
    address = PAGE + line.off if line.setup.same else ELSEWHERE
    state = XState(
        xcr0=EMERALD_RAPIDS.xcr0,
        xinuse=used,
        xinuse_upper=used & HALVED,
        xrstor_info=XrstorInfo(CPL, False, address, 0),  # not in a guest, as far as it knows
    )
    return _holding(happened(state, GROUPS[line.setup.post]), line.r0)


def _holding(state: XState, registers: object) -> XState:
    for name, component in FIELDS.items():
        content = getattr(registers, name)
        if content is not None:
            state = state.holding(component, bytes(content))
    mxcsr = getattr(registers, "mxcsr", None)
    return state if mxcsr is None else msgspec.structs.replace(state, mxcsr=int(mxcsr))


def _area(memory: bytes, line: HardwareLine) -> XsaveArea:
    return images.from_bytes(memory[line.off :], EMERALD_RAPIDS)


def _memory(line: HardwareLine) -> bytes:
    return line.m0 if isinstance(line.m0, bytes) else b""


def _patched(line: HardwareLine) -> bytes:
    memory = bytearray(_memory(line))
    for offset, content in line.m1 if isinstance(line.m1, tuple) else ():
        memory[offset : offset + len(content)] = content
    return bytes(memory)


# Executing.

_Other = Callable[[XState, HardwareLine, Environment, CpuModel], Result]

_OTHERS: dict[str, _Other] = {
    "xgetbv": lambda state, line, env, cpu: xcr0.xgetbv(state, _ecx(line), env, cpu),
    "xsetbv": lambda state, line, env, cpu: xcr0.xsetbv(state, _ecx(line), int(line.rfbm), env, cpu),
    "rdmsr": lambda state, line, env, cpu: msr.rdmsr(state, _ecx(line) & 0xFFFF_FFFF, env, cpu),
    "wrmsr": lambda state, line, env, cpu: msr.wrmsr(
        state, _ecx(line) & 0xFFFF_FFFF, int(line.rfbm), env, cpu
    ),
    "tilerelease": lambda state, _, env, cpu: tiles.tilerelease(state, env, cpu),
    "ldtilecfg": lambda state, _, env, cpu: tiles.ldtilecfg(state, _CONFIG, env, cpu),
    "sttilecfg": lambda state, _, env, cpu: tiles.sttilecfg(state, env, cpu),
    "tilezero": lambda state, _, env, cpu: tiles.tilezero(state, 0, env, cpu),
}


def _ecx(line: HardwareLine) -> int:
    return int(line.ecx) if isinstance(line.ecx, int) else 0


def execute(line: HardwareLine, state: XState, cpu: CpuModel) -> Result:
    """Execute the line's instruction."""
    how: Encoding = line.encoding
    environment = _COMPATIBLE if how.compat else _LONG
    if (how.instruction, how.form) in ANOTHER:
        return Result(state, _area(_memory(line), line))
    if how.instruction in _OTHERS:
        if how.form:  # at CPL 3 without AMX none of them is an instruction that executes
            return Result(state, fault=undefined(f"{how.form} is no encoding of {how.instruction}"))
        return _OTHERS[how.instruction](state, line, environment, cpu)
    operand = Operand(_area(_memory(line), line), PAGE + line.off, how.rexw, how.form)
    if how.instruction in SAVES:
        return save(how.instruction, state, int(line.rfbm), operand, environment, cpu)
    return restore(how.instruction, state, int(line.rfbm), operand, environment, cpu)


# Comparing.


def differences(line: HardwareLine, *, freedom: bool) -> Iterator[Verdict]:
    """Yield what differs, field by field."""
    state = before(line)
    yield from _in_use(line, "xin0", line.xin0, state, _LONG, freedom=freedom)
    if line.xin32 is not msgspec.UNSET:
        yield from _in_use(line, "xin32", line.xin32, state, _COMPATIBLE, freedom=freedom)
    result = execute(line, state, _FREE if freedom else _CPU)
    if freedom:
        yield from _outside(line, state, result)
        return
    yield from _compared(line, state, result)
    if line.xin1 is not None:
        yield from _in_use(line, "xin1", line.xin1, result.state, _LONG, freedom=False)


def _in_use(
    line: HardwareLine, field: str, wanted: object, state: XState, environment: Environment, *, freedom: bool
) -> Iterator[Verdict]:
    assert isinstance(wanted, int)
    read = xcr0.xgetbv(state, 1, environment, _FREE if freedom else _CPU)
    if ((read.value or 0) ^ wanted) & ~read.free:
        yield _differs(line, field, int(wanted), read.value)


def _differs(line: HardwareLine, field: str, expected: object, got: object) -> Verdict:
    return Verdict(line.id, "failed", field, shown(expected), shown(got))


def _compared(line: HardwareLine, state: XState, result: Result) -> Iterator[Verdict]:
    fault = result.fault
    got = None if fault is None else (int(fault.vector), fault.error_code or 0)
    wanted = None if line.fault is None else (line.fault.vec, line.fault.err)
    if got != wanted:
        yield _differs(line, "fault", wanted, got)
    if line.fault is None and line.edxeax is not msgspec.UNSET and line.edxeax != result.value:
        yield _differs(line, "edxeax", line.edxeax, result.value)
    yield from _compared_memory(line, result)
    expected = _holding(state, line.r1)
    for name, component in FIELDS.items():
        one, other = (each.content(component, EMERALD_RAPIDS) for each in (expected, result.state))
        if one != other:
            yield _differs(line, f"r1.{name}", one, other)
    if expected.mxcsr != result.state.mxcsr:
        yield _differs(line, "r1.mxcsr", expected.mxcsr, result.state.mxcsr)


def _compared_memory(line: HardwareLine, result: Result) -> Iterator[Verdict]:
    if line.m0 is msgspec.UNSET:
        return
    memory, expected = _memory(line), _patched(line)
    after = memory
    if result.area is not None:
        after = memory[: line.off] + images.to_bytes(result.area, len(memory) - line.off)
    if after != expected:
        at = next(place for place, pair in enumerate(zip(after, expected, strict=True)) if pair[0] != pair[1])
        at -= at % 4
        yield _differs(line, f"m1 at {at}", expected[at : at + 16], after[at : at + 16])


def _vector(number: int) -> Vector:
    """Return the exception; any other than those that the model raises is told from them by being none of them."""
    return Vector(number) if number in Vector._value2member_map_ else Vector.DF


def _outside(line: HardwareLine, state: XState, allowed: Result) -> Iterator[Verdict]:
    """Yield what was recorded and is not allowed."""
    fault = line.fault
    recorded = Result(
        _holding(state, line.r1),
        None if allowed.area is None else _area(_patched(line), line),
        None if fault is None else Fault(_vector(fault.vec), fault.err, "recorded"),
        int(line.edxeax) if isinstance(line.edxeax, int) and fault is None else None,
    )
    part = disallowed(allowed, recorded, _STORE)
    if part is not None:
        yield Verdict(line.id, "failed", part, "one of the allowed outcomes", "another")
    if line.xin1 is not None:
        yield from _in_use(line, "xin1", line.xin1, recorded.state, _LONG, freedom=True)
