"""What XSETBV accepts in XCR0, as a table of rules, and what XGETBV returns.

SDM volume 1, 2.6 and 13.3; volume 2, XSETBV. A value that breaks a rule is #GP(0).
"""

from collections.abc import Callable

from actors.machine.xstate.registers import XState
from protocol.registers import Component

_X87, _SSE, _AVX = (1 << bit for bit in (Component.X87, Component.SSE, Component.AVX))
_MPX = 1 << Component.BNDREGS | 1 << Component.BNDCSR
_AVX512 = 1 << Component.OPMASK | 1 << Component.ZMM_HI256 | 1 << Component.HI16_ZMM
_TILES = 1 << Component.TILECFG | 1 << Component.TILEDATA

RULES: tuple[tuple[str, Callable[[int], bool]], ...] = (
    ("x87 is always enabled", lambda v: bool(v & _X87)),
    ("AVX needs SSE", lambda v: not v & _AVX or bool(v & _SSE)),
    ("both MPX components or neither", lambda v: v & _MPX in {0, _MPX}),
    ("all three AVX-512 components or none", lambda v: v & _AVX512 in {0, _AVX512}),
    ("AVX-512 needs AVX", lambda v: not v & _AVX512 or bool(v & _AVX)),
    ("both tile components or neither", lambda v: v & _TILES in {0, _TILES}),
)


def refuses(value: int, supported: int) -> str | None:
    """Return the rule that `value` breaks, or None if XCR0 can hold it."""
    if value & ~supported:
        return "a bit that is not supported"
    return next((rule for rule, holds in RULES if not holds(value)), None)


def xgetbv(state: XState, ecx: int) -> int | None:
    """Return XCR0 for ECX=0, XCR0 & XINUSE for ECX=1, None (#GP) for others."""
    return {0: state.xcr0, 1: state.xcr0 & state.in_use}.get(ecx & 0xFFFF_FFFF)
