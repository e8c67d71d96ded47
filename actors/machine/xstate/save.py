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
    X87_INITIAL,
    ZEROS,
    bits,
)
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.description import Description
from actors.machine.xstate.environment import Environment, Operand
from actors.machine.xstate.faults import Extent, common, page_fault
from actors.machine.xstate.layout import HEADER_AT, MXCSR_AT, ST_AT, XMM_AT, Layout, compacted, standard
from actors.machine.xstate.outcomes import Choice, Edit, Result
from actors.machine.xstate.registers import XState
from actors.machine.xstate.tracking import Masks, in_use, unmodified
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


class _Save(msgspec.Struct):
    """One execution: what is fixed before a byte is written."""

    rule: SaveRule
    state: XState
    operand: Operand
    environment: Environment
    description: Description
    layout: Layout
    rfbm: int
    masked: int  # components that XFD hides

    @property
    def rexw(self) -> bool:
        return self.operand.rexw and self.environment.long_mode


def save(
    instruction: str, state: XState, mask: int, operand: Operand, environment: Environment, cpu: CpuModel
) -> Result:
    """Execute one of the four saves with this instruction mask (EDX:EAX); the result's area is memory after it."""
    description, area = cpu.description, operand.area
    fault = common(instruction, operand, environment, description)
    if fault is not None:
        return Result(state, area, fault)
    rule = SAVES[instruction]
    rfbm = mask & (state.xcr0 | state.xss if rule.supervisor else state.xcr0)
    xcomp_bv = COMPACTED | rfbm if rule.compacted else area.xcomp_bv
    form = compacted(description, xcomp_bv) if rule.compacted else standard(description)
    run = _Save(rule, state, operand, environment, description, form, rfbm, rfbm & state.xfd & state.xcr0)
    fault = page_fault(operand.pages, _footprint(run), environment, write=True)
    if fault is not None:
        return Result(state, area, fault)
    used = _used(run, cpu)
    skipped = (
        unmodified(state, cpu, operand, environment, xcomp_bv if rule.compacted else 0)
        if rule.modified
        else (0, 0)
    )
    written = (used[0] if rule.init else rfbm) & ~skipped[0]
    kept = 0 if rule.compacted else area.xstate_bv & ~rfbm
    image = images.stored(area, kept | used[0], xcomp_bv, _fields(run, written), description)
    choices = () if cpu.tracking != "architectural" else tuple(_choices(run, used, skipped[1]))
    return Result(state, image, choices=choices)


def _used(run: _Save, cpu: CpuModel) -> Masks:
    """XINUSE as this save sees it: within RFBM, without what XFD hides, with the condition of MXCSR where it counts."""
    must, may = in_use(run.state, cpu, long_mode=run.environment.long_mode)
    seen = run.rfbm & ~run.masked
    if run.rule.compacted and run.state.mxcsr != MXCSR_INITIAL:
        must |= SSE
    return must & seen, may & seen


def _footprint(run: _Save) -> Iterator[Extent]:
    """What the save touches, in the order in which it is probed: the last component of RFBM, the legacy region, the others."""
    inside = [
        (run.layout.offset[number], run.description.size(number))
        for number in bits(run.rfbm)
        if number > Component.SSE
    ]
    yield from inside[-1:]
    yield (0, _LEGACY_BYTES)
    yield _HEADER
    yield from inside[:-1]


def _fields(run: _Save, written: int) -> dict[int, bytes]:
    """Return the bytes that are written for these components, and MXCSR where it is due."""
    state, offset = run.state, run.layout.offset
    fields: dict[int, bytes] = {}
    if written & SSE if run.rule.compacted else run.rfbm & (SSE | AVX):
        fields[MXCSR_AT] = _mxcsr(run)
    if not run.environment.long_mode:
        for number in bits(written):
            fields.update(_component(run, number))
        return fields
    left = written
    for number, content in state.contents:
        bit = 1 << number
        if left & bit and not run.masked & bit:
            left ^= bit
            if number > Component.SSE:
                fields[offset[number]] = content
            elif number:
                fields[XMM_AT] = content
            else:
                fields[0], fields[ST_AT] = x87.store(content, rexw=run.rexw)
    for number in bits(left):  # what holds its initial content, or seems to
        fields.update(_component(run, number))
    return fields


def _mxcsr(run: _Save) -> bytes:
    return (run.state.mxcsr | run.description.mxcsr_mask << 32).to_bytes(8, "little")


def _component(run: _Save, number: int) -> dict[int, bytes]:
    """Return the bytes of one component, as far as the mode reaches it."""
    state, description = run.state, run.description
    hidden = run.masked >> number & 1
    if number == Component.X87:
        content = X87_INITIAL if hidden else state.content(number, description)
        environment, registers = x87.store(content, rexw=run.rexw)
        return {0: environment, ST_AT: registers}
    content = ZEROS[description.size(number)] if hidden else state.content(number, description)
    if not run.environment.long_mode:
        content = content[: COMPATIBLE_BYTES.get(number, len(content))]
    at = XMM_AT if number == Component.SSE else run.layout.offset[number]
    return {at: content} if content else {}


# What the manual leaves open.


def _choices(run: _Save, used: Masks, skippable: int) -> Iterator[Choice]:
    reached = run.rfbm if run.environment.long_mode else run.rfbm & ~HI16_ZMM
    for number in bits(reached):
        ways = tuple(_ways(run, number, used, bool(skippable >> number & 1)))
        if len(ways) > 1:
            yield Choice(ways, 1 << number)


def _ways(run: _Save, number: int, used: Masks, skippable: bool) -> Iterator[Edit]:
    """What may become of one component: its bit, and its bytes written or left as they are."""
    bit = 1 << number
    new = _component(run, number)
    if run.rule.compacted and number == Component.SSE:
        new[MXCSR_AT] = _mxcsr(run)
    written = tuple(new.items())
    left = tuple((at, images.read(run.operand.area, at, len(content))) for at, content in written)
    if not used[0] & bit:
        yield Edit("", 0, left if run.rule.init else written)
    if used[1] & bit:
        yield Edit("" if used[0] & bit else f"in use {number}", bit, written)
        if skippable and run.rule.modified:
            yield Edit(f"skip {number}", bit, left)
