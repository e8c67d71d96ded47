"""XSAVE, XSAVEOPT, XSAVEC and XSAVES: one procedure and a table.

SDM volume 1, 13.7, 13.9, 13.10, 13.11. RFBM is the instruction mask & XCR0, for XSAVES & (XCR0 | IA32_XSS).

* XSTATE_BV: XSAVE and XSAVEOPT replace the bits in RFBM by XINUSE and keep the others, even illegal ones; XSAVEC and XSAVES
  write RFBM & XINUSE and 0 elsewhere. XINUSE[1] is of the XMM registers; for XSAVEC and XSAVES bit 1 is also 1 if MXCSR !=
  1F80H.
* XCOMP_BV: untouched, or bit 63 | RFBM. No save looks at the old header otherwise; garbage in it is no fault (silicon fact 10).
* Data: XSAVE writes every component in RFBM, the others those that are in use (the init optimisation). XSAVEOPT and XSAVES
  leave out, besides, what was not modified since the XRSTOR(S) from there (`tracking.unmodified`); its XSTATE_BV bit is
  written all the same. Components beyond component 1 go where the layout of the format has them.
* MXCSR and MXCSR_MASK: by XSAVE and XSAVEOPT if RFBM[1] or RFBM[2], never optimised away; by XSAVEC and XSAVES with
  component 1.
* XFD[i] = 1 with XCR0[i] = 1: as if XINUSE[i] were 0, so XSAVE writes the initial content (13.14).
* Compatibility mode: registers 8 to 15 of components 1, 2 and 6 and all of component 7 stay as they are in memory, and
  XSTATE_BV[7] is 0; XCOMP_BV[7] and the places of components are as in 64-bit mode (silicon fact 8).

Never written: bytes 416-511, the rest of the header, gaps between components, anything behind the last (silicon fact 10).
With RFBM = 0 XSAVEC still writes its header (fact 11).

Under `architectural` each component of RFBM is a choice: a bit of XSTATE_BV that may be 0 or 1, bytes that may be skipped.
Unknown on silicon: whether XSAVES applies the modified optimisation to MXCSR too. The manual says two things. By 13.11 a
component with XMODIFIED[i] = 0 is not saved, and MXCSR is of component 1; so it is here. By the Operation section of XSAVES in
volume 2 component 1 is saved whenever MXCSR is not 1F80H, modified or not. Under `architectural` it may be either.
No line has XSAVES of a CPU that executes: it rests on XSAVEC's lines, on the manual, and on the emulator, which has no modified
optimisation.
"""

from collections.abc import Iterator

import msgspec

from actors.machine.xstate import area as images
from actors.machine.xstate import x87
from actors.machine.xstate.components import (
    AVX,
    COMPACTED,
    COMPATIBLE_BYTES,
    HI16_ZMM,
    SSE,
    X87,
    X87_INITIAL,
    bits,
    initial,
)
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.description import Description
from actors.machine.xstate.environment import ALIGNMENT, Environment, Operand
from actors.machine.xstate.faults import Extent, page_fault
from actors.machine.xstate.layout import HEADER_AT, MXCSR_AT, ST_AT, legacy_extents
from actors.machine.xstate.outcomes import Choice, Edit, Result
from actors.machine.xstate.registers import XState
from actors.machine.xstate.save_plan import (
    SAVES,
    Plan,
    SaveRule,
    legacy,
    mxcsr_bytes,
    offsets_of,
    plan,
)
from actors.machine.xstate.tracking import last_restore, not_initial
from protocol.instructions import XsaveArea
from protocol.registers import Component

_HEADER: Extent = (HEADER_AT, 64)


class _Save(msgspec.Struct):
    rule: SaveRule
    plan: Plan
    state: XState
    area: XsaveArea
    long_mode: bool
    rexw: bool
    description: Description


def save(
    instruction: str, state: XState, mask: int, operand: Operand, environment: Environment, cpu: CpuModel
) -> Result:
    """Execute one of the four saves with this instruction mask (EDX:EAX); the result's area is memory after it."""
    area, address, long_mode = operand.area, operand.address, environment.long_mode
    restored = None if state.xrstor_info is None else last_restore(state, operand, environment)
    planned = plan(
        instruction,
        operand.encoding,
        type(address) is int and address % ALIGNMENT != 0,
        environment,
        cpu,
        mask,
        state.xcr0,
        state.xss,
        state.xfd,
        state.xinuse,
        state.xinuse_upper,
        state.live if long_mode else not_initial(state, long_mode=False),
        state.mxcsr,
        restored,
        0 if restored is None else state.xmodified,
    )
    if planned.fault is not None:
        return Result(state, area, planned.fault)
    rexw = operand.rexw and long_mode
    if planned.regular and operand.pages is None:
        picked = _picked(planned, state, area, rexw)
        if picked is not None:
            return Result(state, picked)
    run = _Save(SAVES[instruction], planned, state, area, long_mode, rexw, cpu.description)
    fault = page_fault(operand.pages, _footprint(run), environment, write=True)
    if fault is not None:
        return Result(state, area, fault)
    return Result(state, _written(run), choices=_choices(run) if cpu.tracking == "architectural" else ())


def _footprint(run: _Save) -> Iterator[Extent]:
    """What the save touches, in the order in which it is probed: the last component of RFBM, the legacy region, the others.

    Nothing of a component outside RFBM (silicon fact 18); of the legacy region neither, then.
    """
    offset = offsets_of(run.description, run.plan.form)
    inside = [
        (offset[number], run.description.size(number))
        for number in bits(run.plan.rfbm)
        if number > Component.SSE
    ]
    yield from inside[-1:]
    of_mxcsr = SSE if run.rule.compacted else SSE | AVX
    yield from legacy_extents(run.plan.rfbm, mxcsr=bool(run.plan.rfbm & of_mxcsr))
    yield _HEADER
    yield from inside[:-1]


def _picked(planned: Plan, state: XState, area: XsaveArea, rexw: bool) -> XsaveArea | None:
    """Return memory after it the fast way: whole contents put in as they are. None if the area has another layout."""
    xcomp_bv = planned.form or area.xcomp_bv
    if area.offsets and (area.xcomp_bv != xcomp_bv if planned.form else xcomp_bv & COMPACTED):
        return None
    if planned.written & X87:
        first = state.contents[0] if state.live & X87 else X87_INITIAL
        parts = legacy(first, planned.mxcsr, rexw)
        if parts is None:
            return None
    else:
        parts = (planned.mxcsr,) if planned.mxcsr else ()
    contents = parts + planned.pick(state.contents)
    xstate_bv = area.xstate_bv & planned.kept | planned.used
    return images.replaced(area, xstate_bv, xcomp_bv, planned.offsets, contents, planned.cleared)


def _written(run: _Save) -> XsaveArea:
    """Return memory after it, component by component."""
    planned, area = run.plan, run.area
    fields = {MXCSR_AT: planned.mxcsr} if planned.mxcsr else {}
    for number in bits(planned.written):
        fields.update(_component(run, number))
    xstate_bv = area.xstate_bv & planned.kept | planned.used
    return images.overwritten(area, xstate_bv, planned.form or area.xcomp_bv, fields.items(), run.description)


def _component(run: _Save, number: int) -> dict[int, bytes]:
    """Return the bytes of one component, as far as the mode reaches it."""
    state, description = run.state, run.description
    hidden = run.plan.hidden >> number & 1
    if number == Component.X87:
        environment, registers = x87.store(state.content(number, description), run.rexw)
        return {0: environment, ST_AT: registers}
    content = initial(number, description.size(number)) if hidden else state.content(number, description)
    if not run.long_mode:
        content = content[: COMPATIBLE_BYTES.get(number, len(content))]
    at = offsets_of(description, run.plan.form)[number]
    return {at: content} if content else {}


# What the manual leaves open.


def _choices(run: _Save) -> tuple[Choice, ...]:
    reached = run.plan.rfbm if run.long_mode else run.plan.rfbm & ~HI16_ZMM
    found = (Choice(_ways(run, number), 1 << number) for number in bits(reached))
    return tuple(choice for choice in found if len(choice.ways) > 1)


def _ways(run: _Save, number: int) -> tuple[Edit, ...]:
    """What may become of one component: its bit, and its bytes written or left as they are; only what can be told apart."""
    bit, must = 1 << number, run.plan.used >> number & 1
    new = _component(run, number)
    if run.rule.compacted and number == Component.SSE:
        new[MXCSR_AT] = mxcsr_bytes(run.state.mxcsr, run.description.mxcsr_mask)
    written = tuple(new.items())
    left = tuple((at, images.read(run.area, at, len(content))) for at, content in written)
    ways: dict[tuple[int, tuple[tuple[int, bytes], ...]], str] = {}
    if not must:
        ways[0, left if run.rule.init else written] = ""
    if run.plan.may & bit:
        ways[bit, written] = "" if must else f"in use {number}"
        if run.plan.skippable & bit:
            ways.setdefault((bit, left), f"skip {number}")
    return tuple(Edit(label, *way) for way, label in ways.items())
