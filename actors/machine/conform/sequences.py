"""A sequence on the model: one op after the other on registers and four memory areas, compared after each.

An emulator's sequence ends as `stopped` at its first op with a `sus` tag: from there on it is known not to follow the manual
(see `suspects`). A suite's sequence begins where its `init` says, and compares what is asserted alone.
"""

import functools
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from actors.machine.conform import ops
from actors.machine.conform.lines import EmulatorLine, SuiteLine
from actors.machine.conform.verdicts import Verdict, shown
from actors.machine.xstate import area as images
from actors.machine.xstate import dot_product, msr, tiles, vector, xcr0
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.cpuid import cpuid_0d
from actors.machine.xstate.description import REMEMBERED
from actors.machine.xstate.environment import Environment, Operand
from actors.machine.xstate.layout import layout
from actors.machine.xstate.outcomes import Result, disallowed
from actors.machine.xstate.presets import EMULATED, offering
from actors.machine.xstate.registers import XState
from actors.machine.xstate.restore import restore
from actors.machine.xstate.save import save
from protocol.instructions import XsaveArea

_EMULATOR = CpuModel(EMULATED, tracking="by_value")
_AREA_SPACING = 0x10000
_XCR0 = 0x602E7
_FILLED_HEADER = bytes(64)
_FILLED_MXCSR = (0x1F80 | 0xFFFF << 32).to_bytes(8, "little")
_TILE_BUFFER = 1024
_STORED_OVER = b"\xa5" * _TILE_BUFFER


class Run:
    """Registers, CR4.OSXSAVE and memory on their way through a sequence."""

    def __init__(self, cpu: CpuModel, state: XState, *, osxsave: bool) -> None:
        self.cpu = cpu
        self.state = state
        self.osxsave = osxsave
        self.areas = [XsaveArea()] * ops.AREAS

    def environment(self, op: ops.Op) -> Environment:
        """CPL 0 in 64-bit mode; CR0.TS as the op says."""
        return Environment(osxsave=self.osxsave, ts=bool(op.ts))

    def flat(self, number: int) -> bytes:
        """Return an area's bytes."""
        return images.to_bytes(self.areas[number], ops.AREA_BYTES)


def start(line: EmulatorLine | SuiteLine) -> Run:
    """Return the run at its beginning."""
    if isinstance(line, EmulatorLine):
        return Run(_EMULATOR, XState(xcr0=_XCR0), osxsave=True)
    init = line.init
    cpu = CpuModel(offering("suites", int(init.cpuid_xcr0), int(init.xss)))
    state = XState(int(init.xcr0), int(init.xss), int(init.xfd), int(init.xfd_err))
    return Run(cpu, state, osxsave=bool(init.cr4_osxsave))


# Ops that are instructions: each gives the result of executing it on a CPU.

_Execute = Callable[[Run, Any, Environment, CpuModel], Result]


def _operand(run: Run, op: ops.OnArea) -> Operand:
    return Operand(run.areas[op.area], (op.area + 1) * _AREA_SPACING + op.off)


def _name(op: ops.Op) -> str:
    return str(type(op).__struct_config__.tag)


def _save(run: Run, op: ops.Save, environment: Environment, cpu: CpuModel) -> Result:
    return save(_name(op), run.state, int(op.rfbm), _operand(run, op), environment, cpu)


def _restore(run: Run, op: ops.OnArea, environment: Environment, cpu: CpuModel) -> Result:
    return restore(_name(op), run.state, int(op.rfbm), _operand(run, op), environment, cpu)


def _tileloadd(run: Run, op: ops.Tileloadd, environment: Environment, cpu: CpuModel) -> Result:
    if isinstance(op.fill_byte, int):
        memory, stride = bytes([op.fill_byte]) * tiles.ROW_BYTES, 0
    else:
        assert isinstance(op.base, int)
        assert isinstance(op.step, int)
        words = ((op.base + at * op.step) % (1 << 64) for at in range(0, _TILE_BUFFER, 8))
        memory, stride = struct.pack(f"<{_TILE_BUFFER // 8}Q", *words), tiles.ROW_BYTES
    return tiles.tileloadd(run.state, op.tile, memory, environment, cpu, stride=stride)


_INSTRUCTIONS: dict[type[ops.Op], _Execute] = {
    ops.Xsetbv: lambda run, op, env, cpu: xcr0.xsetbv(run.state, op.ecx, int(op.val), env, cpu),
    ops.Xgetbv: lambda run, op, env, cpu: xcr0.xgetbv(run.state, op.ecx, env, cpu),
    ops.Rdmsr: lambda run, op, env, cpu: msr.rdmsr(run.state, int(op.msr), env, cpu),
    ops.Wrmsr: lambda run, op, env, cpu: msr.wrmsr(run.state, int(op.msr), int(op.val), env, cpu),
    ops.Xsave: _save,
    ops.Xsaveopt: _save,
    ops.Xsavec: _save,
    ops.Xsaves: _save,
    ops.Xrstor: _restore,
    ops.Xrstors: _restore,
    ops.Ldtilecfg: lambda run, op, env, cpu: tiles.ldtilecfg(run.state, bytes(op.cfg), env, cpu),
    ops.Sttilecfg: lambda run, _, env, cpu: tiles.sttilecfg(run.state, env, cpu),
    ops.Tilerelease: lambda run, _, env, cpu: tiles.tilerelease(run.state, env, cpu),
    ops.Tilezero: lambda run, op, env, cpu: tiles.tilezero(run.state, op.tile, env, cpu),
    ops.Tileloadd: _tileloadd,
    ops.Tilestored: lambda run, op, env, cpu: tiles.tilestored(run.state, op.tile, env, cpu),
    ops.Tdpbssd: lambda run, op, env, cpu: dot_product.tdpbssd(run.state, op.dst, op.src1, op.src2, env, cpu),
    ops.SetXmm3: lambda run, op, env, cpu: vector.movq_xmm(run.state, 3, op.val, env, cpu),
    ops.SetYmm2: lambda run, op, env, cpu: vector.vpbroadcastq(run.state, 2, op.val, 256, env, cpu),
    ops.SetZmm1: lambda run, op, env, cpu: vector.vpbroadcastq(run.state, 1, op.val, 512, env, cpu),
    ops.SetZmm17: lambda run, op, env, cpu: vector.vpbroadcastq(run.state, 17, op.val, 512, env, cpu),
    ops.SetK1: lambda run, op, env, cpu: vector.kmovq(run.state, 1, op.val, env, cpu),
    ops.Wrpkru: lambda run, op, env, cpu: vector.wrpkru(run.state, int(op.val), env, cpu),
    ops.Ldmxcsr: lambda run, op, env, cpu: vector.ldmxcsr(run.state, int(op.val), env, cpu),
    ops.Fninit: lambda run, _, env, cpu: vector.fninit(run.state, env, cpu),
    ops.Vzeroupper: lambda run, _, env, cpu: vector.vzeroupper(run.state, env, cpu),
    ops.Vzeroall: lambda run, _, env, cpu: vector.vzeroall(run.state, env, cpu),
}


# Ops that are something else: stores to memory, and CR4.


def _poke(run: Run, op: ops.Poke) -> None:
    data = op.val.to_bytes(8, "little")
    run.areas[op.area] = images.write(run.areas[op.area], op.off, data, run.cpu.description)


def _fill(run: Run, op: ops.Fill) -> None:
    flat = bytearray(op.val.to_bytes(8, "little") * (ops.AREA_BYTES // 8))
    flat[512:576], flat[24:32] = _FILLED_HEADER, _FILLED_MXCSR
    run.areas[op.area] = images.from_bytes(bytes(flat), run.cpu.description)


def _zero_area(run: Run, op: ops.ZeroArea) -> None:
    run.areas[op.area] = XsaveArea()


def _fill_bytes(run: Run, op: ops.FillBytes) -> None:
    data = bytes([op.byte]) * op.len
    run.areas[op.area] = images.write(run.areas[op.area], op.off, data, run.cpu.description)


def _osxsave(run: Run, op: ops.Cr4Osxsave) -> None:
    run.osxsave = bool(op.val)


_OTHERS: dict[type[ops.Op], Callable[[Run, Any], None]] = {
    ops.Poke: _poke,
    ops.Fill: _fill,
    ops.ZeroArea: _zero_area,
    ops.FillBytes: _fill_bytes,
    ops.Cr4Osxsave: _osxsave,
    ops.CpuidD: lambda run, op: None,  # noqa: ARG005  # compared below
}

# Comparing.

Differences = Iterator[tuple[str, object, object]]
"""Field, expected, got."""


def differences(line: EmulatorLine | SuiteLine, *, freedom: bool) -> Iterator[Verdict]:
    """Yield what differs, op by op and field by field, or where the sequence stops."""
    run = start(line)
    for place, op in enumerate(line.ops):
        if op.sus:
            answers = next(step(run, op, freedom=False), None)
            yield Verdict(line.id, "stopped", "sus", ", ".join(op.sus), _answer(op, answers), place)
            return
        for field, expected, got in step(run, op, freedom=freedom):
            yield Verdict(line.id, "failed", f"{_name(op)}.{field}", shown(expected), shown(got), place)


def _answer(op: ops.Op, difference: tuple[str, object, object] | None) -> str:
    """Say how the model answers an op that is not believed."""
    if difference is None:
        return "the same"
    field, recorded, got = difference
    return f"{_name(op)}.{field} {shown(got)}, not {shown(recorded)}"


def step(run: Run, op: ops.Op, *, freedom: bool) -> Differences:
    """Execute an op, and yield each field that differs from what was recorded."""
    result = Result(run.state)
    before = run.state
    if type(op) in _OTHERS:
        _OTHERS[type(op)](run, op)
    else:
        execute, environment = _INSTRUCTIONS[type(op)], run.environment(op)
        result = execute(run, op, environment, run.cpu)
        if freedom:
            yield from _outside(run, execute(run, op, environment, _free(run.cpu)), result)
        run.state = result.state
        if result.area is not None:
            run.areas[op.area] = result.area  # type: ignore[attr-defined]  # saves alone have an area
    yield from _compared_fault(op, result)
    yield from _compared_results(run, op, result, before)
    yield from _compared_registers(run, op)


@functools.lru_cache(maxsize=REMEMBERED)
def _free(cpu: CpuModel) -> CpuModel:
    return msgspec.structs.replace(cpu, tracking="architectural")


def _outside(run: Run, allowed: Result, actual: Result) -> Differences:
    """Yield the part of the outcome that is not allowed."""
    store = functools.partial(images.write, description=run.cpu.description)
    part = disallowed(allowed, actual, store)
    if part is not None:
        yield part, "one of the allowed outcomes", "another"


def _compared_fault(op: ops.Op, result: Result) -> Differences:
    if op.vec is msgspec.UNSET:
        return
    fault = result.fault
    got = None if fault is None else int(fault.vector)
    if got != op.vec:
        yield "vec", op.vec, got
    elif fault is not None and op.err is not msgspec.UNSET and op.err != (fault.error_code or 0):
        yield "err", op.err, fault.error_code or 0


def _compared_registers(run: Run, op: ops.Op) -> Differences:
    for field, ecx in (("xcr0", 0), ("xin", 1)):
        wanted = getattr(op, field)
        if wanted is not msgspec.UNSET:
            environment = Environment(osxsave=run.osxsave)
            got = xcr0.xgetbv(run.state, ecx, environment, run.cpu).value
            if got != wanted:
                yield field, wanted, got


def _compared_results(run: Run, op: ops.Op, result: Result, before: XState) -> Differences:
    """Compare what the op gives besides faults; where it faults, the line has nothing of it."""
    if isinstance(op, ops.Xgetbv | ops.Rdmsr):
        yield from _unless_equal("res", op.res, result.value)
    elif isinstance(op, ops.CpuidD):
        yield from _unless_equal(
            "res", op.res, cpuid_0d(run.cpu.description, op.sub, run.state.xcr0, run.state.xss)
        )
    elif isinstance(op, ops.Sttilecfg):
        yield from _unless_equal("out", op.out, result.data)
    elif isinstance(op, ops.Tilestored) and result.fault is None:
        stored = tiles.spilled(before, op.tile, _STORED_OVER)
        yield from _unless_equal("crc", op.crc, zlib.crc32(stored))
    elif isinstance(op, ops.WithArea):
        yield from _compared_area(run, op)


def _unless_equal(field: str, wanted: object, got: object) -> Differences:
    if wanted is not msgspec.UNSET and wanted != got:
        yield field, wanted, got


def _compared_area(run: Run, op: ops.WithArea) -> Differences:
    area = run.areas[op.area]
    yield from _compared_header(op, area)
    if isinstance(op, ops.Save):
        yield from _compared_legacy(op, run.flat(op.area))
        yield from _compared_components(run, op, area)
        yield from _unless_equal("crc", op.crc, zlib.crc32(run.flat(op.area)))
    if isinstance(op.region, ops.Region):
        offset, length = op.region.offset, op.region.length
        yield from _unless_equal("region", op.region.content, run.flat(op.area)[offset : offset + length])


def _compared_header(op: ops.WithArea, area: XsaveArea) -> Differences:
    if isinstance(op.hdr, tuple):
        mask = op.hdr_mask if isinstance(op.hdr_mask, tuple) else (-1, -1)
        got = (area.xstate_bv & mask[0], area.xcomp_bv & mask[1])
        yield from _unless_equal("hdr", op.hdr, got)


def _compared_legacy(op: ops.Save, flat: bytes) -> Differences:
    if isinstance(op.leg, ops.Legacy):
        for name, first, end in (("env", 0, 24), ("st", 32, 160), ("xmm", 160, 416)):
            yield from _unless_equal(f"leg.{name}", getattr(op.leg, name), zlib.crc32(flat[first:end]))
        yield from _unless_equal("leg.mxcsr", op.leg.mxcsr, int.from_bytes(flat[24:28], "little"))


def _compared_components(run: Run, op: ops.Save, area: XsaveArea) -> Differences:
    """Compare the components at their places: all user components, or those in XCOMP_BV."""
    if not isinstance(op.comp, dict):
        return
    compacted, cpu, flat = isinstance(op, ops.Xsavec | ops.Xsaves), run.cpu.description, run.flat(op.area)
    places = layout(cpu, area.xcomp_bv if compacted else 0).offset
    yield from _unless_equal("comp", sorted(op.comp), sorted(places))
    for number in op.comp.keys() & places.keys():
        located, at = op.comp[number], places[number]
        content = flat[at : at + cpu.size(number)]
        yield from _unless_equal(f"comp.{number}", (located.offset, located.crc), (at, zlib.crc32(content)))
