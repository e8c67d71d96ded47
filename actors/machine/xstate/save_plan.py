"""Plans of saves: what XSAVE, XSAVEOPT, XSAVEC or XSAVES does, as far as it depends on masks alone.

A plan is made once for each combination of these. What is left for each execution is to pick contents out of tuples, without
looking at them.
"""

import functools

import msgspec

from actors.machine.xstate import area as images
from actors.machine.xstate import x87
from actors.machine.xstate.components import (
    AVX,
    COMPACTED,
    MXCSR_INITIAL,
    NOT_BY_ZEROS,
    SSE,
    X87,
    ZEROS,
    bits,
)
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.description import Description, facts
from actors.machine.xstate.environment import Environment
from actors.machine.xstate.faults import static
from actors.machine.xstate.layout import MXCSR_AT, ST_AT, XMM_AT, compacted, standard
from actors.machine.xstate.outcomes import Fault
from actors.machine.xstate.tracking import in_use_by, unmodified
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


class Plan(msgspec.Struct, frozen=True):
    """The fault, or which components are written, and where.

    `form` is the XCOMP_BV that the format stands for (0: standard), `hidden` what XFD disables. `kept` are the bits of
    XSTATE_BV that stay as they are in memory, `used` those that are set, `may` those that the manual lets be set;
    `skippable` is what the modified optimisation may leave out. `mxcsr` are the bytes of MXCSR and MXCSR_MASK, empty if they
    are not written.

    Of `written` components those that hold something go to `offsets`: first the parts in the legacy region (`legacy`), then
    what `pick` takes from the state's contents. The others are zeroed. Where `regular` is not set, components have to be
    written one by one.
    """

    fault: Fault | None
    regular: bool = False
    rfbm: int = 0
    form: int = 0
    hidden: int = 0
    kept: int = 0
    used: int = 0
    may: int = 0
    skippable: int = 0
    written: int = 0
    mxcsr: bytes = b""
    offsets: tuple[int, ...] = ()
    pick: images.Pick = images.picker(())
    cleared: tuple[int, ...] = ()


@functools.lru_cache(maxsize=1 << 12)
def plan(
    instruction: str,
    encoding: str,
    misaligned: bool,
    environment: Environment,
    cpu: CpuModel,
    mask: int,
    xcr0: int,
    xss: int,
    xfd: int,
    xinuse: int,
    xinuse_upper: int,
    holding: int,
    mxcsr: int,
    restored: int | None,
    xmodified: int,
) -> Plan:
    """Plan an execution with this instruction mask and these registers.

    `holding` are the components that are not initial, as far as the mode reaches them; `restored` is what
    `tracking.last_restore` says.
    """
    description, long_mode, rule = cpu.description, environment.long_mode, SAVES[instruction]
    fault = static(instruction, encoding, environment, description, misaligned=misaligned)
    if fault is not None:
        return Plan(fault)
    rfbm = mask & (xcr0 | xss if rule.supervisor else xcr0)
    form = COMPACTED | rfbm if rule.compacted else 0
    hidden = rfbm & xfd & xcr0
    by_mxcsr = SSE if rule.compacted and mxcsr != MXCSR_INITIAL else 0
    in_use = in_use_by(cpu.tracking, xinuse, xinuse_upper, holding, long_mode=long_mode)
    used, may = (rfbm & ~hidden & (found | by_mxcsr) for found in in_use)
    optimised = rule.modified and cpu.tracking != "by_value"
    skippable = unmodified(restored, xmodified, form) if optimised else 0
    written = (used if rule.init else rfbm) & ~(skippable if cpu.tracking == "recorded" else 0)
    stored = bool(written & SSE if rule.compacted else rfbm & (SSE | AVX))
    regular = long_mode and cpu.tracking != "architectural" and not facts(description).overlapping
    offsets, pick, cleared = _slots(description, form, written, holding, written & holding & ~hidden, stored)
    return Plan(
        None,
        regular=regular and not written & ~holding & NOT_BY_ZEROS,
        rfbm=rfbm,
        form=form,
        hidden=hidden,
        kept=0 if rule.compacted else ~rfbm,
        used=used,
        may=may,
        skippable=skippable,
        written=written,
        mxcsr=mxcsr_bytes(mxcsr, description.mxcsr_mask) if stored else b"",
        offsets=offsets,
        pick=pick,
        cleared=cleared,
    )


def _slots(
    description: Description, form: int, written: int, holding: int, whole: int, mxcsr: bool
) -> tuple[tuple[int, ...], images.Pick, tuple[int, ...]]:
    """Return the offsets that contents go to, how to pick those of the `whole` components, and the offsets that are cleared."""
    offset = offsets_of(description, form)
    legacy_at = [at for at in (0, MXCSR_AT, ST_AT) if (mxcsr if at == MXCSR_AT else written & X87)]
    place = {offset[number]: at for at, number in enumerate(bits(holding)) if whole & ~X87 & 1 << number}
    ascending = sorted(place)
    cleared = tuple(offset[number] for number in bits(written & ~whole & ~X87))
    return (*legacy_at, *ascending), images.picker(tuple(place[at] for at in ascending)), cleared


def offsets_of(description: Description, form: int) -> dict[int, int]:
    """Return where components from 1 on lie: component to offset."""
    found = compacted(description, form) if form else standard(description)
    return {Component.SSE: XMM_AT, **found.offset}


def mxcsr_bytes(value: int, mask: int) -> bytes:
    """Return MXCSR and MXCSR_MASK as they are written."""
    return (value | mask << 32).to_bytes(8, "little")


@functools.lru_cache(maxsize=1 << 12)
def legacy(content: bytes, mxcsr: bytes, rexw: bool) -> images.Contents | None:
    """Return x87 state, and MXCSR if it is written, as pieces of the legacy region; None if one of them is all zero."""
    environment, registers = x87.store(content, rexw)
    if environment == ZEROS[len(environment)] or registers == ZEROS[len(registers)]:
        return None
    return (environment, mxcsr, registers) if mxcsr else (environment, registers)
