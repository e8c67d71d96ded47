"""The CPU actor against the pure functions: from any state, any mode and any operand the same outcomes, reply for reply.

What is asked here is the way through messages alone: that the operands, the privilege level, the mode, the control registers
and the profile reach the function, and all of what it leaves comes back. Each example says anew which function it is.
"""

import functools
import itertools

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from actors.machine.state import Ring, Saved, cpu_cell
from actors.machine.xstate import area as images
from actors.machine.xstate import msr, tiles, vector, xcr0
from actors.machine.xstate.components import bits
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.dot_product import tdpbssd
from actors.machine.xstate.environment import Environment, Operand
from actors.machine.xstate.outcomes import outcomes
from actors.machine.xstate.restore import restore
from actors.machine.xstate.save import save
from actors.machine.xstate.tiles import config
from actors.runtime import RETRY
from protocol import instructions as op
from protocol.handles import Cell
from protocol.registers import ExitReason, Msr, Vector
from protocol.replies import Data, Done, Fault, PageFault, Value, VmExit
from tests.machine.manual.cpu import COMPACTED
from tests.machine.manual.generated import INSTRUCTION_MASKS, areas, cpus, infos, often
from tests.machine.xstate.bridge import DESCRIPTION, area_of, state_of

AREA, PAGES = Cell("area"), Cell("pages")
ADDRESS = 0x7FFF_0000
STORE = functools.partial(images.write, description=DESCRIPTION)
FAMILY = {
    op.Xsave: (save, "xsave"),
    op.Xsaveopt: (save, "xsaveopt"),
    op.Xsavec: (save, "xsavec"),
    op.Xsaves: (save, "xsaves"),
    op.Xrstor: (restore, "xrstor"),
    op.Xrstors: (restore, "xrstors"),
}
each_of_the_family = pytest.mark.parametrize("kind", FAMILY, ids=lambda one: one.__name__)
few = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
some, many = settings(few, max_examples=60), settings(few, max_examples=400)


def on(bench, cpu, model, enable_xsaves=True, **controls):
    """Put a CPU of the other formulation on the bench, on the host or in a guest."""
    actor = bench()
    actor.processor = msgspec.structs.replace(actor.processor, model=model)
    if cpu.non_root:
        found = op.Controls(enable_xsaves=enable_xsaves, **controls)
        assert actor.do(op.Vmcontrol("vcpu", found)) == actor.do(op.Vmenter("vcpu")) == Done()
    ring = next(one for one in Ring if (one.cpl, one.long_mode) == (cpu.cpl, cpu.mode64))
    top = msgspec.structs.replace(actor.cpu.top, ring=ring)
    frames = (*actor.cpu.frames[:-1], top)
    return actor.set(frames=frames, x=state_of(cpu), cr0_ts=cpu.ts, cr4_osxsave=cpu.osxsave)


def environment(cpu, enable_xsaves=True):
    return Environment(cpu.cpl, cpu.osxsave, cpu.ts, cpu.mode64, cpu.non_root, enable_xsaves)


def seen(model, x):
    """What a program can see of registers; the tracking bits where the profile has them apart from the contents."""
    tracked = (x.xinuse, x.xinuse_upper) if model.tracking == "recorded" else x.xinuse >> 18 & 1
    if model.tracking == "architectural":
        tracked = None
    return x.xcr0, x.xss, x.xfd, x.xfd_err, x.mxcsr, x.live, x.contents, x.xmodified, x.xrstor_info, tracked


def subsets(mask):
    for number in range(len(bits(mask)) + 1):
        for chosen in itertools.combinations(bits(mask), number):
            yield sum(1 << bit for bit in chosen)


def wanted(model, result, reply, area):
    """What the function leaves, one for each outcome: registers, the area, the reply."""
    found = set()
    for _, one in outcomes(result, STORE):
        after = area if one.area is None or one.fault is not None else one.area
        for free in subsets(one.free):
            found.add((seen(model, one.state), after, reply(one, free)))
    return found


def found(actor, message):
    """What the actor leaves, and that a fault enters the kernel, and nothing else changes the context."""
    before, frame = actor.cpu, actor.cpu.top
    raised = msgspec.structs.replace(
        frame, ring=Ring.KERNEL, saved=(*frame.saved, Saved(frame.ring, before.interrupt_flag))
    )
    for outcome in actor.outcomes(message):
        writes = dict(outcome.writes)
        after = writes.get(cpu_cell(0), before)
        faulted = isinstance(outcome.reply, Fault)
        frames = (*before.frames[:-1], raised) if faulted else before.frames
        plain = msgspec.structs.replace(before, x=after.x, frames=frames)
        assert after == (msgspec.structs.replace(plain, interrupt_flag=False) if faulted else plain)
        yield seen(actor.processor.model, after.x), writes.get(AREA, actor.cells[AREA]), outcome.reply


def agree(actor, message, result, reply):
    model, area = actor.processor.model, actor.cells[AREA]
    answers = list(found(actor, message))
    assert set(answers) == wanted(model, result, reply, area)
    event("faults" if result.fault is not None else "retires")
    event("several outcomes" if len(answers) > 1 else "one outcome")


def told(fault, cpl, operand=None):
    """How a program is told of a fault."""
    if fault.vector is not Vector.PF:
        return Fault(fault.vector, fault.error_code, cpl)
    address = (operand.address or 0) + fault.offset
    return PageFault(Vector.PF, fault.error_code, cpl, address, operand.area)


# Saves and restores.


@st.composite
def models(draw):
    tracking = draw(st.sampled_from(["recorded", "recorded", "by_value", "architectural", "architectural"]))
    return CpuModel(DESCRIPTION, draw(st.sampled_from(["load", "accumulate"])), "keep", tracking)


ranges = st.lists(
    st.tuples(st.integers(0, 0x2C00), st.sampled_from([1, 64, 4096, 1 << 20])).map(
        lambda at: (at[0], sum(at))
    ),
    max_size=2,
).map(tuple)


@st.composite
def operands(draw):
    """Draw an operand of the area, and what it is to the functions: address, encoding, and pages."""
    pages = draw(
        often(None, op.Pages(), op.UNMAPPED, op.WRITE_PROTECTED) | st.builds(op.Pages, ranges, ranges)
    )
    address = draw(often(ADDRESS, None, None, ADDRESS + 64, ADDRESS + 8))
    encoding = draw(st.sampled_from([""] * 40 + ["lock", "66", "reg"]))
    if (pages, address, encoding) == (None, None, "") and draw(st.booleans()):
        return AREA, None
    return op.MemoryOperand(AREA, pages and PAGES, address, encoding), pages


def proper(kind, area, pages):
    """The operand, without an encoding that is another instruction."""
    if (kind, getattr(area, "encoding", "")) in {
        (op.Xrstor, "reg"),
        (op.Xsaveopt, "reg"),
        (op.Xsaveopt, "66"),
    }:
        area = msgspec.structs.replace(area, encoding="lock")
    return area, pages


@st.composite
def information(draw, cpu, message, address):
    """Draw what the last XRSTOR left, mostly such that this operand's address matches."""
    form = draw(st.sampled_from((0, COMPACTED | message.rfbm & (cpu.xcr0 | cpu.xss), COMPACTED)))
    info = draw(infos(cpu, ADDRESS, form))
    return info and (*info[:2], AREA if address is None and info[2] == ADDRESS else info[2], info[3])


def check_saves_and_restores(bench, kind, data, model, cpu, given_operand, enable):
    area, pages = proper(kind, *given_operand)
    said = area if isinstance(area, op.MemoryOperand) else op.MemoryOperand(AREA)
    mask = data.draw(INSTRUCTION_MASKS)
    if (
        model.tracking == "architectural"
    ):  # some components, so that a step does not have thousands of outcomes
        enabled = st.sampled_from(bits(cpu.xcr0 | cpu.xss))
        mask = sum(1 << bit for bit in data.draw(st.sets(enabled, min_size=1, max_size=5)))
    message = kind(mask, area, data.draw(st.booleans()))
    cpu.xrstor_info = data.draw(information(cpu, message, said.address))
    memory = area_of(data.draw(areas(cpu)), 0)

    actor = on(bench, cpu, model, enable)
    actor.cells |= {AREA: memory, PAGES: pages or op.Pages()}
    address = AREA if said.address is None else said.address
    operand = Operand(memory, address, message.rexw, said.encoding, pages)
    execute, mnemonic = FAMILY[kind]
    result = execute(mnemonic, state_of(cpu), mask, operand, environment(cpu, enable), model)

    def reply(one, _):
        return Done() if one.fault is None else told(one.fault, cpu.cpl, said)

    event(f"fault {result.fault and result.fault.vector.name}")
    agree(actor, message, result, reply)


any_case = given(
    data=st.data(), model=models(), cpu=cpus(), given_operand=operands(), enable=often(True, False)
)


@each_of_the_family
@some
@any_case
def test_saves_and_restores(bench, kind, data, model, cpu, given_operand, enable):
    check_saves_and_restores(bench, kind, data, model, cpu, given_operand, enable)


@pytest.mark.full
@each_of_the_family
@many
@any_case
def test_saves_and_restores_in_many_cases(bench, kind, data, model, cpu, given_operand, enable):
    check_saves_and_restores(bench, kind, data, model, cpu, given_operand, enable)


absent = st.sampled_from(
    [op.UNMAPPED, op.Pages(((0, 416),)), op.Pages(((576, 1 << 20),)), op.Pages(((900, 901),))]
)


@pytest.mark.parametrize("kind", [op.Xrstor, op.Xrstors], ids=lambda one: one.__name__)
@some
@given(data=st.data(), cpu=cpus(faulting=False), pages=absent)
def test_restores_that_fault_midway(bench, kind, data, cpu, pages):
    model = CpuModel(DESCRIPTION, tracking="architectural")
    enabled = st.sampled_from(bits(cpu.xcr0 | cpu.xss))
    mask = sum(1 << bit for bit in data.draw(st.sets(enabled, min_size=1, max_size=6)))
    memory = area_of(data.draw(areas(cpu, spoilt=data.draw(often(False, True)))), 0)
    actor = on(bench, cpu, model)
    actor.cells |= {AREA: memory, PAGES: pages}
    message = kind(mask, op.MemoryOperand(AREA, PAGES, ADDRESS))
    operand = Operand(memory, ADDRESS, pages=pages)
    result = restore(FAMILY[kind][1], state_of(cpu), mask, operand, environment(cpu), model)
    event(f"{len(result.choices)} choices")
    agree(actor, message, result, lambda one, _: told(one.fault, 0, message.area) if one.fault else Done())


# What works on registers.

words = st.sampled_from([0, 1, 7, 0x1F80, 0x602E7, 1 << 18, 1 << 19, 1 << 40, 0x11F80, 0x7000])
numbers = st.sampled_from([0, 1, 2, 1 << 32, 1 << 32 | 1])
indices = st.sampled_from([*Msr, 0x10]) | st.sampled_from(list(Msr)).map(lambda index: index | 5 << 32)
tile = st.sampled_from([0, 0, 0, 1, 1, 2, 2, 3, 7])
products = st.sampled_from([(0, 1, 2)] * 3 + [(0, 2, 1), (0, 0, 1), (3, 1, 2), (2, 1, 0)])
configs = st.sampled_from(
    [config(16), config(3, 5, 16, colsb=8), config(17), bytes(64), config(1, 1, 1, colsb=4)]
)
low_register, any_register = st.integers(0, 7), st.integers(0, 15)


def low(rcx):
    return rcx & (1 << 32) - 1


REGISTERS = {
    op.Xgetbv: ((numbers,), lambda m, *at: xcr0.xgetbv(at[0], m.ecx, *at[1:])),
    op.Rdmsr: ((indices,), lambda m, *at: msr.rdmsr(at[0], low(m.msr), *at[1:])),
    op.Wrmsr: ((indices, words), lambda m, *at: msr.wrmsr(at[0], low(m.msr), m.value, *at[1:])),
    op.Ldtilecfg: ((configs,), lambda m, *at: tiles.ldtilecfg(at[0], m.config, *at[1:])),
    op.Sttilecfg: ((), lambda _, *at: tiles.sttilecfg(*at)),
    op.Tileloadd: (
        (tile, st.binary(max_size=8).map(lambda some: some * 100)),
        lambda m, *at: tiles.tileloadd(at[0], m.tile, m.data, *at[1:]),
    ),
    op.Tilestored: ((tile,), lambda m, *at: tiles.tilestored(at[0], m.tile, *at[1:])),
    op.Tilezero: ((tile,), lambda m, *at: tiles.tilezero(at[0], m.tile, *at[1:])),
    op.Tilerelease: ((), lambda _, *at: tiles.tilerelease(*at)),
    op.Tdpbssd: ((products,), lambda m, *at: tdpbssd(at[0], m.dst, m.src1, m.src2, *at[1:])),
    op.Wrpkru: ((words.map(low),), lambda m, *at: vector.wrpkru(at[0], m.value, *at[1:])),
    op.Rdpkru: ((), lambda _, *at: vector.rdpkru(*at)),
    op.Ldmxcsr: ((words.map(low),), lambda m, *at: vector.ldmxcsr(at[0], m.value, *at[1:])),
    op.Stmxcsr: ((), lambda _, *at: vector.stmxcsr(*at)),
    op.Fninit: ((), lambda _, *at: vector.fninit(*at)),
    op.Vzeroupper: ((), lambda _, *at: vector.vzeroupper(*at)),
    op.Vzeroall: ((), lambda _, *at: vector.vzeroall(*at)),
    op.Movq: ((any_register, words), lambda m, *at: vector.movq_xmm(at[0], m.register, m.value, *at[1:])),
    op.MovqFrom: ((any_register,), lambda m, *at: vector.movq_from_xmm(at[0], m.register, *at[1:])),
    op.Vpbroadcastq: (
        (any_register, words, st.sampled_from([256, 512])),
        lambda m, *at: vector.vpbroadcastq(at[0], m.register, m.value, m.width, *at[1:]),
    ),
    op.Kmovq: ((low_register, words), lambda m, *at: vector.kmovq(at[0], m.register, m.value, *at[1:])),
}
"""Message to strategies of its operands, and the function of these, the registers, the environment and the model."""


SHAPES = config(2, 2, 1, colsb=8)[:18] + b"\4" + config(2, 2, 1, colsb=8)[19:]
"""Tile 0 of 2 rows of 8 bytes, 1 of 2 rows of 4, 2 of 1 row of 8: tile 0 can be the product of 1 and 2, in that order."""


def ready(cpu):
    """Let nothing but XFD be in the way of AMX instructions, on tiles whose shapes make a product."""
    cpu.xcr0, cpu.mode64, cpu.osxsave, cpu.ts = 0x602E7, True, True, False
    cpu.registers[17], cpu.xinuse = bytearray(SHAPES), cpu.xinuse | 1 << 17


def in_reach(cpu, message):
    """The message, of a register that the CPU's mode has."""
    register = getattr(message, "register", 0)
    return (
        message
        if cpu.mode64
        else msgspec.structs.replace(message, register=register % 8)
        if register
        else message
    )


def the_reply_of(kind, cpl):
    def reply(one, free):
        if one.fault is not None:
            return told(one.fault, cpl)
        if kind in {op.Sttilecfg, op.Tilestored}:
            return Data(one.data)
        return Done() if one.value is None else Value(one.value | free)

    return reply


@pytest.mark.parametrize("kind", REGISTERS, ids=lambda one: one.__name__)
@few
@given(data=st.data(), model=models(), cpu=cpus(), undefined=st.booleans())
def test_instructions_on_registers(bench, kind, data, model, cpu, undefined):
    model = msgspec.structs.replace(model, xfd_set="undefined" if undefined else "keep")
    if model.tracking == "architectural":  # so that XGETBV(1) does not have a thousand outcomes
        cpu.xcr0 &= 0x600E7
    if data.draw(st.booleans()):
        ready(cpu)
    strategies, function = REGISTERS[kind]
    operands = [data.draw(one) for one in strategies]
    message = in_reach(cpu, kind(*(operands[0] if strategies == (products,) else operands)))
    result = function(message, state_of(cpu), environment(cpu), model)
    agree(on(bench, cpu, model), message, result, the_reply_of(kind, cpu.cpl))


@few
@given(model=models(), cpu=cpus(), value=words, register=numbers)
def test_xsetbv_on_the_host(bench, model, cpu, value, register):
    cpu.non_root = False
    result = xcr0.xsetbv(state_of(cpu), register, value, environment(cpu), model)
    message = op.Xsetbv(value, register)
    agree(on(bench, cpu, model), message, result, the_reply_of(op.Xsetbv, cpu.cpl))


# What leaves a guest, as SDM volume 3, 25.1, has it.


def in_a_guest(draw, bench, cpu, **controls):
    cpu.non_root = True
    return on(bench, cpu, CpuModel(DESCRIPTION), draw(often(True, False)), **controls)


def exits_with(actor, message, expected):
    """Say whether the guest is left with this exit, and otherwise raises this fault."""
    x = actor.x
    if isinstance(expected, Fault):
        assert actor.do(message) == expected
        assert actor.cpu.in_guest
        return
    assert actor.do(message) is RETRY
    assert not actor.cpu.in_guest
    assert (actor.cpu.top.ring, actor.cpu.interrupt_flag) == (Ring.KERNEL, False)
    assert actor.x == x, "it has not executed"
    assert actor.do(op.Vmread("vcpu")) == expected


@some
@given(data=st.data(), cpu=cpus(), value=words, register=numbers)
def test_xsetbv_leaves_a_guest_always_behind_ud_and_the_privilege_level(bench, data, cpu, value, register):
    actor = in_a_guest(data.draw, bench, cpu)
    expected = VmExit(ExitReason.XSETBV, low(register), value)
    if cpu.cpl > 0:
        expected = Fault(Vector.GP, 0, cpu.cpl)
    if not cpu.osxsave:
        expected = Fault(Vector.UD, None, cpu.cpl)
    exits_with(actor, op.Xsetbv(value, register), expected)


addresses = indices | st.sampled_from([0x1FFF, 0x2000, 0xC000_0000, 0xC000_1FFF, 0xC000_2000, 0x4000_0000])


@pytest.mark.parametrize("write", [False, True])
@some
@given(data=st.data(), cpu=cpus(), index=addresses, value=words)
def test_msrs_leave_a_guest_by_the_bitmaps_behind_the_privilege_level_alone(
    bench, write, data, cpu, index, value
):
    bitmaps = {
        name: tuple(data.draw(st.lists(addresses.map(low), max_size=2))) for name in ("rdmsr", "wrmsr")
    }
    actor = in_a_guest(data.draw, bench, cpu, **{f"{name}_exiting": of for name, of in bitmaps.items()})
    at, message = low(index), op.Wrmsr(index, value) if write else op.Rdmsr(index)
    covered = at < 0x2000 or 0xC000_0000 <= at < 0xC000_2000
    expected = VmExit(ExitReason.WRMSR, at, value) if write else VmExit(ExitReason.RDMSR, at)
    if cpu.cpl > 0:
        expected = Fault(Vector.GP, 0, cpu.cpl)
    elif covered and at not in bitmaps["wrmsr" if write else "rdmsr"]:
        event("does not exit")
        actor.outcomes(message)
        assert all(outcome.reply is not RETRY for outcome in actor.outcomes(message))
        return
    exits_with(actor, message, expected)


@pytest.mark.parametrize("kind", [op.Xsaves, op.Xrstors])
@some
@given(data=st.data(), cpu=cpus(), given_operand=operands(), mask=INSTRUCTION_MASKS, bitmap=INSTRUCTION_MASKS)
def test_the_s_forms_leave_a_guest_by_mask_xss_and_bitmap(
    bench, kind, data, cpu, given_operand, mask, bitmap
):
    area, pages = given_operand
    actor = in_a_guest(data.draw, bench, cpu, xss_exiting=bitmap)
    actor.cells |= {AREA: op.XsaveArea(), PAGES: pages or op.Pages()}
    expected = VmExit(ExitReason.XSAVES if kind is op.Xsaves else ExitReason.XRSTORS, mask)
    encoding = area.encoding if isinstance(area, op.MemoryOperand) else ""
    if encoding or not cpu.osxsave or not actor.vmcs.controls.enable_xsaves:
        expected = Fault(Vector.UD, None, cpu.cpl)
    elif cpu.ts:
        expected = Fault(Vector.NM, None, cpu.cpl)
    elif cpu.cpl > 0:
        expected = Fault(Vector.GP, 0, cpu.cpl)
    elif not mask & cpu.xss & bitmap:
        event("does not exit")
        assert all(outcome.reply is not RETRY for outcome in actor.outcomes(kind(mask, area)))
        return
    exits_with(actor, kind(mask, area), expected)
