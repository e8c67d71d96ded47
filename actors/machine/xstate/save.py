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
Unknown on silicon: whether XSAVES applies the modified optimisation to MXCSR too; here it does, as to the rest of component 1.
"""

import functools
from collections.abc import Iterator

import msgspec

from actors.machine.xstate import area as images
from actors.machine.xstate import x87
from actors.machine.xstate.components import (
    AVX,
    COMPACTED,
    COMPATIBLE_BYTES,
    HI16_ZMM,
    MXCSR_INITIAL,
    SSE,
    X87,
    X87_INITIAL,
    ZEROS,
    bits,
)
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.description import Description, facts
from actors.machine.xstate.environment import Environment, Operand
from actors.machine.xstate.faults import Extent, misaligned, page_fault, static
from actors.machine.xstate.layout import HEADER_AT, MXCSR_AT, ST_AT, XMM_AT, compacted, standard
from actors.machine.xstate.outcomes import Choice, Edit, Fault, Result
from actors.machine.xstate.registers import XState
from actors.machine.xstate.tracking import Masks, in_use, unmodified
from protocol.instructions import XsaveArea
from protocol.registers import Component


class SaveRule(msgspec.Struct, frozen=True):
    """What tells one save from another: user or also supervisor state, the format, and the two optimisations."""

    supervisor: bool
    compacted: bool
    init: bool
    modified: bool


SAVES: dict[str, SaveRule] = {
    "xsave": SaveRule(supervisor=False, compacted=False, init=False, modified=False),
    "xsaveopt": SaveRule(supervisor=False, compacted=False, init=True, modified=True),
    "xsavec": SaveRule(supervisor=False, compacted=True, init=True, modified=False),
    "xsaves": SaveRule(supervisor=True, compacted=True, init=True, modified=True),
}

_LEGACY_BYTES = 416
_HEADER: Extent = (HEADER_AT, 64)


# Plans: what an execution does, as far as it depends on masks alone. Bytes are moved by it without being looked at.


class _Plan(msgspec.Struct, frozen=True):
    """The fault, or which components are written, and where.

    `kept` are the bits of XSTATE_BV that stay as they are in memory, `used` those that are set. `written` components that
    hold something go to `offsets`; their contents are picked from MXCSR, the two parts of x87 state, and those that the
    state holds. The others are zeroed. `form` is the XCOMP_BV that the format stands for (0: standard). Where `regular` is
    not set, parts of slots are written, or slots of another layout.
    """

    fault: Fault | None
    regular: bool = True
    form: int = 0
    kept: int = 0
    used: int = 0
    written: int = 0
    mxcsr: bool = False
    offsets: tuple[int, ...] = ()
    pick: images.Pick = images.picker(())
    cleared: tuple[int, ...] = ()


@functools.lru_cache(maxsize=1 << 12)
def _plan(
    instruction: str,
    encoding: str,
    environment: Environment,
    description: Description,
    rfbm: int,
    used: int,
    hidden: int,
    skipped: int,
    live: int,
    plain: bool,  # MXCSR has its initial value
    xcomp_bv: int,
) -> _Plan:
    fault = static(instruction, encoding, environment, description)
    if fault is not None:
        return _Plan(fault)
    rule = SAVES[instruction]
    form = COMPACTED | rfbm if rule.compacted else 0
    used = _used(rule, rfbm, used, hidden, plain)
    written = (used if rule.init else rfbm) & ~skipped
    mxcsr = bool(written & SSE if rule.compacted else rfbm & (SSE | AVX))
    offset = {Component.SSE: XMM_AT, **_offsets(description, form)}
    source = {MXCSR_AT: 0} if mxcsr else {}
    source |= {0: 1, ST_AT: 2} if written & X87 else {}
    for at, number in enumerate(bits(live)):
        if (written & ~hidden & ~X87) >> number & 1:
            source[offset[number]] = at + 3
    ordered = tuple(sorted(source))
    cleared = tuple(offset[number] for number in bits(written & ~(live & ~hidden) & ~X87))
    pick = images.picker(tuple(source[at] for at in ordered))
    within = environment.long_mode and not facts(description).overlapping
    regular = within and (rule.compacted or not xcomp_bv & COMPACTED)
    kept = 0 if rule.compacted else ~rfbm
    return _Plan(None, regular, form, kept, used, written, mxcsr, ordered, pick, cleared)


def _used(rule: SaveRule, rfbm: int, used: int, hidden: int, plain: bool) -> int:
    """XINUSE as this save sees it: within RFBM, without what XFD hides, with the condition of MXCSR where it counts."""
    return rfbm & ~hidden & (used | (SSE if rule.compacted and not plain else 0))


def _offsets(description: Description, form: int) -> dict[int, int]:
    return (compacted(description, form) if form else standard(description)).offset


# One execution.


class _Save(msgspec.Struct):
    """What it is about. `form` is the XCOMP_BV that the format stands for, `hidden` what XFD disables."""

    rule: SaveRule
    state: XState
    area: XsaveArea
    long_mode: bool
    rexw: bool
    description: Description
    rfbm: int
    hidden: int
    form: int


def save(
    instruction: str, state: XState, mask: int, operand: Operand, environment: Environment, cpu: CpuModel
) -> Result:
    """Execute one of the four saves with this instruction mask (EDX:EAX); the result's area is memory after it."""
    rule, area = SAVES[instruction], operand.area
    rfbm = mask & (state.xcr0 | state.xss if rule.supervisor else state.xcr0)
    form = COMPACTED | rfbm if rule.compacted else 0
    hidden = rfbm & state.xfd & state.xcr0
    used, may = in_use(state, cpu, long_mode=environment.long_mode)
    optimised = rule.modified and state.xrstor_info is not None and cpu.tracking != "by_value"
    skippable = unmodified(state, operand, environment, form) if optimised else 0
    skipped = skippable if cpu.tracking == "recorded" else 0
    plan = _plan(
        instruction,
        operand.encoding,
        environment,
        cpu.description,
        rfbm,
        used & rfbm,
        hidden,
        skipped & rfbm,
        state.live,
        state.mxcsr == MXCSR_INITIAL,
        area.xcomp_bv,
    )
    fault = plan.fault or misaligned(operand)
    if fault is not None:
        return Result(state, area, fault)
    rexw = operand.rexw and environment.long_mode
    if operand.pages is None and cpu.tracking != "architectural":
        picked = _picked(plan, state, area, rexw, cpu.description) if plan.regular else None
        if picked is not None:
            return Result(state, picked)
    run = _Save(rule, state, area, environment.long_mode, rexw, cpu.description, rfbm, hidden, form)
    if operand.pages is not None:
        fault = page_fault(operand.pages, _footprint(run), environment, write=True)
        if fault is not None:
            return Result(state, area, fault)
    image = _written(run, plan)
    if cpu.tracking != "architectural":
        return Result(state, image)
    bounds = plan.used, _used(rule, rfbm, may, hidden, state.mxcsr == MXCSR_INITIAL)
    return Result(state, image, choices=tuple(_choices(run, bounds, skippable)))


def _footprint(run: _Save) -> Iterator[Extent]:
    """What the save touches, in the order in which it is probed: the last component of RFBM, the legacy region, the others."""
    offset = _offsets(run.description, run.form)
    inside = [
        (offset[number], run.description.size(number)) for number in bits(run.rfbm) if number > Component.SSE
    ]
    yield from inside[-1:]
    yield (0, _LEGACY_BYTES)
    yield _HEADER
    yield from inside[:-1]


def _picked(
    plan: _Plan, state: XState, area: XsaveArea, rexw: bool, description: Description
) -> XsaveArea | None:
    """Return memory after it the fast way: whole contents put in as they are. None if that is not possible."""
    environment, registers = x87.store(state.contents[0] if state.live & X87 else X87_INITIAL, rexw)
    if plan.written & X87 and (environment == _NO_ENVIRONMENT or registers == _NO_REGISTERS):
        return None
    pool = (_mxcsr(state.mxcsr, description.mxcsr_mask), environment, registers, *state.contents)
    xstate_bv, xcomp_bv = area.xstate_bv & plan.kept | plan.used, plan.form or area.xcomp_bv
    if area.xcomp_bv != xcomp_bv:
        return None
    return images.replaced(area, xstate_bv, xcomp_bv, plan.offsets, plan.pick(pool), plan.cleared)


def _written(run: _Save, plan: _Plan) -> XsaveArea:
    """Return memory after it, component by component."""
    mxcsr = _mxcsr(run.state.mxcsr, run.description.mxcsr_mask)
    fields = {MXCSR_AT: mxcsr} if plan.mxcsr else {}
    for number in bits(plan.written):
        fields.update(_component(run, number))
    xstate_bv, xcomp_bv = run.area.xstate_bv & plan.kept | plan.used, run.form or run.area.xcomp_bv
    return images.overwritten(run.area, xstate_bv, xcomp_bv, fields.items(), run.description)


_NO_ENVIRONMENT, _NO_REGISTERS = ZEROS[24], ZEROS[128]


@functools.lru_cache(maxsize=1 << 8)
def _mxcsr(value: int, mask: int) -> bytes:
    return (value | mask << 32).to_bytes(8, "little")


def _component(run: _Save, number: int) -> dict[int, bytes]:
    """Return the bytes of one component, as far as the mode reaches it."""
    state, description = run.state, run.description
    hidden = run.hidden >> number & 1
    if number == Component.X87:
        environment, registers = x87.store(state.content(number, description), run.rexw)
        return {0: environment, ST_AT: registers}
    content = ZEROS[description.size(number)] if hidden else state.content(number, description)
    if not run.long_mode:
        content = content[: COMPATIBLE_BYTES.get(number, len(content))]
    at = XMM_AT if number == Component.SSE else _offsets(description, run.form)[number]
    return {at: content} if content else {}


# What the manual leaves open.


def _choices(run: _Save, used: Masks, skippable: int) -> Iterator[Choice]:
    reached = run.rfbm if run.long_mode else run.rfbm & ~HI16_ZMM
    for number in bits(reached):
        ways = tuple(_ways(run, number, used, bool(skippable >> number & 1)))
        if len(ways) > 1:
            yield Choice(ways, 1 << number)


def _ways(run: _Save, number: int, used: Masks, skippable: bool) -> Iterator[Edit]:
    """What may become of one component: its bit, and its bytes written or left as they are."""
    bit = 1 << number
    new = _component(run, number)
    if run.rule.compacted and number == Component.SSE:
        new[MXCSR_AT] = _mxcsr(run.state.mxcsr, run.description.mxcsr_mask)
    written = tuple(new.items())
    left = tuple((at, images.read(run.area, at, len(content))) for at, content in written)
    if not used[0] & bit:
        yield Edit("", 0, left if run.rule.init else written)
    if used[1] & bit:
        yield Edit("" if used[0] & bit else f"in use {number}", bit, written)
        if skippable and run.rule.modified:
            yield Edit(f"skip {number}", bit, left)
