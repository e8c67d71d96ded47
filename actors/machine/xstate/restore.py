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
the three (hw-c32-00026, -00304 against -00314: a register counts as a whole).

Particular contents: `contents`. #PF: nothing changes on silicon (fact 18); the manual lets registers change.
"""

from collections.abc import Callable, Iterator

import msgspec

from actors.machine.xstate import area as images
from actors.machine.xstate import contents as values
from actors.machine.xstate import x87, xfd
from actors.machine.xstate.components import (
    AVX,
    COMPACTED,
    COMPATIBLE_BYTES,
    HALVED,
    HI16_ZMM,
    MXCSR_INITIAL,
    SSE,
    X87,
    ZEROS,
    bits,
    initial,
    is_initial,
)
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.environment import Environment, Operand
from actors.machine.xstate.faults import Extent, common, general_protection, page_fault
from actors.machine.xstate.layout import MXCSR_AT, RESERVED_AT, ST_AT, XMM_AT, Layout, layout
from actors.machine.xstate.outcomes import Choice, Edit, Fault, Result
from actors.machine.xstate.registers import Contents, XrstorInfo, XState
from protocol.instructions import XsaveArea
from protocol.registers import Component

# Header.

_Rule = tuple[Callable[[XsaveArea, int], bool], str]
"""A predicate of the area and of the components that may be in it, which is true if the rule is broken; and the rule."""

STANDARD: tuple[_Rule, ...] = (
    (lambda area, enabled: area.xstate_bv & ~enabled != 0, "XSTATE_BV has a bit that XCR0 does not enable"),
    (
        lambda area, _: area.xcomp_bv != 0 or images.read(area, RESERVED_AT, 8) != ZEROS[8],
        "bytes 8 to 23 of the header are not zero",
    ),
)
COMPACT: tuple[_Rule, ...] = (
    (
        lambda area, enabled: area.xcomp_bv & ~COMPACTED & ~enabled != 0,
        "XCOMP_BV has a component that is not enabled",
    ),
    (
        lambda area, _: area.xstate_bv & ~(area.xcomp_bv & ~COMPACTED) != 0,
        "XSTATE_BV has a bit that XCOMP_BV lacks",
    ),
    (
        lambda area, _: images.read(area, RESERVED_AT, 48) != ZEROS[48],
        "bytes 16 to 63 of the header are not zero",
    ),
)


def refuses(area: XsaveArea, enabled: int, *, compact: bool) -> str | None:
    """Return the header rule that the area breaks (#GP), or None."""
    rules = COMPACT if compact else STANDARD
    for broken, rule in rules:
        if broken(area, enabled):
            return rule
    return None


# One execution.


class _Restore(msgspec.Struct):
    state: XState
    operand: Operand
    environment: Environment
    cpu: CpuModel
    layout: Layout
    compact: bool
    rfbm: int
    loading: int

    @property
    def reached(self) -> int:
        """The components of RFBM that the mode reaches."""
        return self.rfbm if self.environment.long_mode else self.rfbm & ~HI16_ZMM

    @property
    def mxcsr(self) -> int | None:
        """What MXCSR becomes; None if it is left alone."""
        if self.compact:
            found = self.rfbm & SSE
            return self._in_memory if found & self.loading else MXCSR_INITIAL if found else None
        return self._in_memory if self.rfbm & (SSE | AVX) else None

    @property
    def _in_memory(self) -> int:
        return int.from_bytes(images.read(self.operand.area, MXCSR_AT, 8)[:4], "little")


def restore(
    instruction: str, state: XState, mask: int, operand: Operand, environment: Environment, cpu: CpuModel
) -> Result:
    """Execute XRSTOR or XRSTORS with this instruction mask (EDX:EAX); the result's state is the registers after it."""
    area = operand.area
    supervisor = instruction == "xrstors"
    enabled = state.xcr0 | state.xss if supervisor else state.xcr0
    compact = bool(area.xcomp_bv & COMPACTED) and cpu.description.xsavec
    fault = common(instruction, operand, environment, cpu.description)
    fault = fault or page_fault(operand.pages, ((512, 64),), environment, write=False)
    fault = fault or _header(area, enabled, compact=compact, supervisor=supervisor)
    if fault is not None:
        return Result(state, fault=fault)
    rfbm = mask & enabled
    form = layout(cpu.description, area.xcomp_bv if compact else 0)
    run = _Restore(state, operand, environment, cpu, form, compact, rfbm, rfbm & area.xstate_bv)
    fault = page_fault(operand.pages, _footprint(run), environment, write=False)
    if fault is not None:
        return _interrupted(run, state, fault)
    stopped = xfd.device_not_available(state, run.loading, cpu) if state.xfd else None
    return stopped or _checked(run)


def _header(area: XsaveArea, enabled: int, *, compact: bool, supervisor: bool) -> Fault | None:
    if supervisor and not compact:
        return general_protection("XCOMP_BV[63] = 0")
    broken = refuses(area, enabled, compact=compact)
    return None if broken is None else general_protection(broken)


def _footprint(run: _Restore) -> Iterator[Extent]:
    """What the restore touches, in the order in which it is probed: the last component, the legacy region, the others."""
    present = run.rfbm & run.operand.area.xcomp_bv if run.compact else run.rfbm
    size = run.cpu.description.size
    inside = [(run.layout.offset[number], size(number)) for number in bits(present) if number > Component.SSE]
    yield from inside[-1:]
    yield (0, 416)
    yield from inside[:-1]


def _checked(run: _Restore) -> Result:
    """Load and initialise, unless a value that would be loaded is refused."""
    mxcsr = run.mxcsr
    if mxcsr is not None and mxcsr & ~run.cpu.description.mxcsr_mask:
        early = X87 | SSE | (run.rfbm & ~run.loading)
        state = run.state if not run.compact else _taken(run, run.reached & early, run.state.mxcsr)
        return _interrupted(run, state, general_protection("MXCSR has a reserved bit"))
    refused = values.SUPERVISED & run.loading and _refused(run)
    if refused:
        return _interrupted(run, run.state, refused)
    after = _taken(run, run.reached, run.state.mxcsr if mxcsr is None else mxcsr)
    return Result(_tracked(run, after))


def _refused(run: _Restore) -> Fault | None:
    for number in bits(run.loading & values.SUPERVISED):
        why = values.refuses(number, _piece(run, number), run.cpu.description.linear_bits)
        if why is not None:
            return general_protection(why)
    return None


def _piece(run: _Restore, number: int) -> bytes:
    if number == Component.SSE:
        return images.read(run.operand.area, XMM_AT, 256)
    return images.read(run.operand.area, run.layout.offset[number], run.cpu.description.size(number))


def _loaded(run: _Restore, number: int) -> bytes:
    """Return the content that a component is loaded with."""
    area = run.operand.area
    if number == Component.X87:
        rexw = run.operand.rexw and run.environment.long_mode
        environment, registers = images.read(area, 0, 24), images.read(area, ST_AT, 128)
        return x87.load(environment, registers, rexw=rexw, linear_bits=run.cpu.description.linear_bits)
    piece = _piece(run, number)
    return piece if number not in values.LOADED else values.LOADED[number](piece)


def _taken(run: _Restore, which: int, mxcsr: int) -> XState:
    """Return the state with these components of RFBM loaded or initialised, and XINUSE accordingly."""
    state, loading = run.state, run.loading & which
    kept = tuple(one for one in state.contents if not which >> one[0] & 1)
    taken: list[tuple[int, bytes]] = []
    used = loading
    for number in bits(loading):
        content = _loaded(run, number)
        if not is_initial(number, content):
            taken.append((number, content))
        elif number == Component.TILECFG:
            used &= ~(1 << number)
    upper = state.xinuse_upper & ~which | loading & HALVED
    contents: Contents = tuple(sorted((*kept, *taken))) if kept else tuple(taken)
    if not run.environment.long_mode:
        contents = _with_upper(run, which, dict(contents))
        upper = state.xinuse_upper & ~(which & ~loading) if not _upper_in_use(state) else state.xinuse_upper
    return XState(
        state.xcr0,
        state.xss,
        state.xfd,
        state.xfd_err,
        state.xinuse & ~which | used,
        contents,
        mxcsr,
        upper,
        state.xmodified | which if state.xrstor_info else 0,
        state.xrstor_info,
    )


def _tracked(run: _Restore, state: XState) -> XState:
    """Return the state with XRSTOR_INFO and XMODIFIED as this execution leaves them."""
    address = run.operand.address
    if address is None or run.cpu.tracking == "by_value":
        return (
            state
            if state.xrstor_info is None
            else msgspec.structs.replace(state, xrstor_info=None, xmodified=0)
        )
    area = run.operand.area
    info = XrstorInfo(
        run.environment.cpl, run.environment.non_root, address, area.xcomp_bv if run.compact else 0
    )
    supported = run.cpu.xcr0 | run.cpu.xss
    return msgspec.structs.replace(state, xrstor_info=info, xmodified=supported & ~run.rfbm)


# Compatibility mode.


def _with_upper(run: _Restore, which: int, contents: dict[int, bytes]) -> Contents:
    """Give the components that exist by halves their registers 8 to 15 back."""
    for number in bits(which & HALVED):
        size, low = run.cpu.description.size(number), COMPATIBLE_BYTES[number]
        content = (
            contents.get(number, ZEROS[size])[:low] + run.state.content(number, run.cpu.description)[low:]
        )
        contents.pop(number, None)
        if content != ZEROS[size]:
            contents[number] = content
    return tuple(sorted(contents.items()))


def _upper_in_use(state: XState) -> bool:
    """Say whether any of the registers 8 to 15 is not zero, over its whole width."""
    return any(
        HALVED >> number & 1 and content[len(content) // 2 :] != ZEROS[len(content) // 2]
        for number, content in state.contents
    )


# Faults midway.


def _interrupted(run: _Restore, state: XState, fault: Fault) -> Result:
    """Return the fault; where everything is allowed, each component of RFBM, and MXCSR, may be old or new."""
    if run.cpu.tracking != "architectural":
        return Result(state, fault=fault)
    choices = tuple(_torn(run, number) for number in bits(run.reached))
    legal = run.mxcsr is not None and not run.mxcsr & ~run.cpu.description.mxcsr_mask
    if legal and run.mxcsr != state.mxcsr:
        choices += (Choice((Edit("", mxcsr=run.state.mxcsr), Edit("new MXCSR", mxcsr=run.mxcsr))),)
    return Result(run.state, fault=fault, choices=tuple(one for one in choices if len(one.ways) > 1))


def _torn(run: _Restore, number: int) -> Choice:
    """What a component may hold after the fault: the old content, the new, or (supervisor state, SDM 13.12) the initial one."""
    old = run.state.content(number, run.cpu.description)
    fresh = dict(_taken(run, 1 << number, run.state.mxcsr).contents)
    new = fresh.get(number) or initial(number, len(old))
    found = {old: Edit("", contents=((number, old),))}
    found.setdefault(new, Edit(f"new {number}", contents=((number, new),)))
    if run.cpu.xss >> number & 1:
        blank = initial(number, len(old))
        found.setdefault(blank, Edit(f"init {number}", contents=((number, blank),)))
    return Choice(tuple(found.values()))
