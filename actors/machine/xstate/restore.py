"""XRSTOR and XRSTORS: header rules as tables, then loading and initialising.

SDM volume 1, 13.8 and 13.12. RFBM is the instruction mask & XCR0, for XRSTORS & (XCR0 | IA32_XSS). A component in RFBM is
loaded if XSTATE_BV[i] = 1 and initialised if it is 0, even if XCOMP_BV[i] = 0. The header is checked whole, whatever RFBM
says:

* standard form (XCOMP_BV[63] = 0): no bit of XSTATE_BV outside XCR0; header bytes 8-23 zero. Bytes 24-63 are not looked at,
  though the SDM calls them reserved (silicon fact 13).
* compacted form: no bit of XCOMP_BV[62:0] outside XCR0 (XRSTORS: XCR0 | IA32_XSS), none of XSTATE_BV outside
  XCOMP_BV[62:0], header bytes 16-63 zero. XRSTORS has this form alone.

MXCSR. Standard form: loaded if RFBM[1] or RFBM[2], even if XSTATE_BV[1] = 0. Compacted form: with component 1, loaded or
initialised. Bits that MXCSR_MASK does not have are #GP. Silicon (fact 15): in the standard form that check comes first and
nothing changes; in the compacted form x87 and XMM are loaded by then and all components that were to be initialised are,
while the others are not. The manual promises neither, so under `architectural` each component of RFBM may be old or new
after this fault.

XFD: #NM if a component would be loaded that XFD disables; one that is initialised does not count (13.14).

Tracking afterwards: XINUSE[i] = XSTATE_BV[i] for RFBM (fact 1), XMODIFIED = not RFBM, XRSTOR_INFO = this execution. Where
the manual lets XINUSE be 0 or 1 the answer is left to who asks (`tracking`).

Compatibility mode (fact 8): component 7 is left alone, of 1, 2 and 6 registers 0 to 7 are loaded or initialised. Registers
8 to 15 keep such a component in use after an init if they were in use and any of them is not zero, in whatever component of
the three: a register counts as a whole. That these count rests on 39 lines; that they count together, on hw-c32-00026 and -00304
alone, and that zero registers let a component go out of use, on hw-c32-00314. What XMODIFIED then says of registers that the mode
lacks nobody has seen: here a component in RFBM is not modified, as 13.8 has it, though part of it was not loaded.

Particular contents: `contents`. #PF: nothing changes on silicon (fact 18; no line is kept); the manual lets registers change, and
of a supervisor component each element be old, new or initial (13.12; `contents.mixtures`).

Recorded of XRSTORS: the emulator's alone, without supervisor state to load.
"""

from collections.abc import Iterator

import msgspec

from actors.machine.xstate import area as images
from actors.machine.xstate import contents as values
from actors.machine.xstate import tile_config, x87, xfd
from actors.machine.xstate.components import (
    AVX,
    COMPATIBLE_BYTES,
    HALVED,
    MXCSR_INITIAL,
    SSE,
    X87,
    ZEROS,
    bits,
    is_initial,
)
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.environment import ALIGNMENT, Environment, Operand
from actors.machine.xstate.faults import Extent, general_protection, page_fault
from actors.machine.xstate.layout import HEADER_AT, RESERVED_AT, legacy_extents
from actors.machine.xstate.outcomes import Choice, Edit, Fault, Result
from actors.machine.xstate.registers import XrstorInfo, XState
from actors.machine.xstate.restore_plan import NOWHERE, Plan, plan
from protocol.registers import Component


class _Restore(msgspec.Struct):
    state: XState
    operand: Operand
    environment: Environment
    cpu: CpuModel
    plan: Plan
    rexw: bool


def restore(
    instruction: str, state: XState, mask: int, operand: Operand, environment: Environment, cpu: CpuModel
) -> Result:
    """Execute XRSTOR or XRSTORS with this instruction mask (EDX:EAX); the result's state is the registers after it."""
    area, address = operand.area, operand.address
    planned = plan(
        instruction,
        operand.encoding,
        type(address) is int and address % ALIGNMENT != 0,
        environment,
        cpu.description,
        state.xcr0 | state.xss if instruction == "xrstors" else state.xcr0,
        mask,
        area.xstate_bv,
        area.xcomp_bv,
        area.offsets,
        state.live,
    )
    rexw = operand.rexw and environment.long_mode
    if planned.regular and operand.pages is None and not state.xfd & planned.loading:
        pieces = planned.inspect(area.contents)
        looked = values.looked_at(planned.particular, pieces, rexw, cpu.description)
        if looked is not None:
            info = _info(planned, operand, environment, cpu)
            return Result(_picked(planned, state, area.contents, looked, info))
    run = _Restore(state, operand, environment, cpu, planned, rexw)
    fault = (
        planned.fault or page_fault(operand.pages, (_HEADER,), environment, write=False) or planned.refused
    )
    if fault is None and planned.reserved:
        fault = _reserved(images.read(area, RESERVED_AT, planned.reserved))
    if fault is not None:
        return Result(state, fault=fault)
    fault = page_fault(operand.pages, _footprint(run), environment, write=False)
    if fault is not None:
        return _interrupted(run, state, fault)
    return xfd.device_not_available(state, planned.rfbm & area.xstate_bv, cpu) or _checked(run)


_HEADER: Extent = (HEADER_AT, 64)


def _reserved(found: bytes) -> Fault | None:
    return (
        None
        if found == ZEROS[len(found)]
        else general_protection("reserved bytes of the header are not zero")
    )


def _footprint(run: _Restore) -> Iterator[Extent]:
    """What the restore touches, in the order in which it is probed: the last component, the legacy region, the others.

    Nothing of a component outside RFBM, and in the compacted form of one outside XCOMP_BV (silicon fact 18).
    """
    size, offset = run.cpu.description.size, run.plan.offset
    present = run.plan.rfbm & (run.operand.area.xcomp_bv if run.plan.compact else ~0)
    inside = [(offset[number], size(number)) for number in bits(present) if number > Component.SSE]
    yield from inside[-1:]
    yield from legacy_extents(present, mxcsr=bool(present & (SSE if run.plan.compact else SSE | AVX)))
    yield from inside[:-1]


def _checked(run: _Restore) -> Result:
    """Load and initialise, unless a value that would be loaded is refused."""
    planned, description, contents = run.plan, run.cpu.description, run.operand.area.contents
    mxcsr = _mxcsr(planned, contents, run.state.mxcsr)
    if mxcsr & ~description.mxcsr_mask:
        fault = general_protection("MXCSR has a reserved bit")
        early = planned.reached & (X87 | SSE | ~planned.loading) if planned.compact else 0
        return _interrupted(run, _taken(run, early, run.state.mxcsr) if early else run.state, fault)
    for number, at in planned.checked:
        why = values.refuses(number, contents[at], description.linear_bits)
        if why is not None:
            return _interrupted(run, run.state, general_protection(why))
    return Result(_tracked(run, _taken(run, planned.reached, mxcsr)))


def _mxcsr(planned: Plan, contents: images.Contents, old: int) -> int:
    """Return what MXCSR becomes."""
    if planned.mxcsr != "load":
        return MXCSR_INITIAL if planned.mxcsr else old
    at = planned.mxcsr_at
    return 0 if at == NOWHERE else int.from_bytes(contents[at][:4], "little")


def _x87(run: _Restore, contents: images.Contents) -> bytes:
    """Return what x87 state is loaded with."""
    at, behind = run.plan.x87_at
    environment = ZEROS[24] if at == NOWHERE else contents[at]
    registers = ZEROS[128] if behind == NOWHERE else contents[behind]
    return x87.load(environment, registers, run.rexw, run.cpu.description.linear_bits)


def _loaded(run: _Restore, number: int) -> bytes:
    """Return the content that a component is loaded with."""
    if number == Component.X87:
        return _x87(run, run.operand.area.contents)
    size = run.cpu.description.size(number)
    piece = images.read(run.operand.area, run.plan.offset[number], size)
    return piece if number not in values.LOADED else values.LOADED[number](piece)


def _takes_configuration(run: _Restore) -> bool:
    """Say whether the TILECFG in the area is one; what is none leaves the component initial, and not in use."""
    size = run.cpu.description.size(Component.TILECFG)
    return tile_config.acceptable(images.read(run.operand.area, run.plan.offset[Component.TILECFG], size))


def _picked(
    planned: Plan, state: XState, contents: images.Contents, looked: values.Looked, info: XrstorInfo | None
) -> XState:
    """Return the state after it, all contents picked at once."""
    reached, loading, (first, mxcsr) = planned.reached, planned.loading, looked
    held = planned.pick(contents + state.contents if planned.keeps else contents)
    if planned.mxcsr != "load":
        mxcsr = MXCSR_INITIAL if planned.mxcsr else state.mxcsr
    return XState(
        state.xcr0,
        state.xss,
        state.xfd,
        state.xfd_err,
        state.xinuse & ~reached | loading,
        planned.live,
        first + held,
        mxcsr,
        state.xinuse_upper & ~reached | loading & HALVED,
        planned.xmodified if info else 0,
        info,
    )


def _taken(run: _Restore, which: int, mxcsr: int) -> XState:
    """Return the state with these components of RFBM loaded or initialised one by one, and XINUSE accordingly."""
    state, loading = run.state, run.plan.loading & which
    held = {number: content for number, content in state.items() if not which >> number & 1}
    used = loading
    for number in bits(loading):
        content = _loaded(run, number)
        if not is_initial(number, content):
            held[number] = content
        elif number == Component.TILECFG and not _takes_configuration(run):
            used &= ~(1 << number)
    upper = state.xinuse_upper & ~which | loading & HALVED
    if not run.environment.long_mode:
        _give_upper_back(run, which, held)
        upper = state.xinuse_upper & ~(0 if _upper_in_use(state) else which & ~loading)
    return msgspec.structs.replace(
        state,
        xinuse=state.xinuse & ~which | used,
        live=sum(1 << number for number in held),
        contents=tuple(held[number] for number in sorted(held)),
        mxcsr=mxcsr,
        xinuse_upper=upper,
        xmodified=state.xmodified | which if state.xrstor_info else 0,
    )


def _tracked(run: _Restore, state: XState) -> XState:
    """Return the state with XRSTOR_INFO and XMODIFIED as this execution leaves them."""
    info = _info(run.plan, run.operand, run.environment, run.cpu)
    return msgspec.structs.replace(state, xrstor_info=info, xmodified=run.plan.xmodified if info else 0)


def _info(planned: Plan, operand: Operand, environment: Environment, cpu: CpuModel) -> XrstorInfo | None:
    if operand.address is None or cpu.tracking == "by_value":
        return None
    return XrstorInfo(environment.cpl, environment.non_root, operand.address, planned.form)


# Compatibility mode.


def _give_upper_back(run: _Restore, which: int, held: dict[int, bytes]) -> None:
    """Give the components that exist by halves their registers 8 to 15 back."""
    for number in bits(which & HALVED):
        size, low = run.cpu.description.size(number), COMPATIBLE_BYTES[number]
        content = held.pop(number, ZEROS[size])[:low] + run.state.content(number, run.cpu.description)[low:]
        if content != ZEROS[size]:
            held[number] = content


def _upper_in_use(state: XState) -> bool:
    """Say whether any of the registers 8 to 15 is not zero, over its whole width."""
    return any(
        HALVED >> number & 1 and content[len(content) // 2 :] != ZEROS[len(content) // 2]
        for number, content in state.items()
    )


# Faults midway.


def _interrupted(run: _Restore, state: XState, fault: Fault) -> Result:
    """Return the fault; where everything is allowed, each component of RFBM, and MXCSR, may be old or new."""
    if run.cpu.tracking != "architectural":
        return Result(state, fault=fault)
    choices = tuple(_torn(run, number) for number in bits(run.plan.reached))
    old = run.state.mxcsr
    new = _mxcsr(run.plan, run.operand.area.contents, old)
    if new != old and not new & ~run.cpu.description.mxcsr_mask:
        choices += (Choice((Edit("", mxcsr=old), Edit("new MXCSR", mxcsr=new))),)
    return Result(run.state, fault=fault, choices=tuple(one for one in choices if len(one.ways) > 1))


def _torn(run: _Restore, number: int) -> Choice:
    """What a component may hold after the fault: the old content or the new; supervisor state also a mixture (SDM 13.12)."""
    old = run.state.content(number, run.cpu.description)
    new = _taken(run, 1 << number, run.state.mxcsr).content(number, run.cpu.description)
    if run.cpu.xss >> number & 1:
        found = values.mixtures(number, old, new, run.cpu.description.linear_bits)
    else:
        found = {old: "", new: "" if new == old else f"new {number}"}
    return Choice(tuple(Edit(label, contents=((number, held),)) for held, label in found.items()))
