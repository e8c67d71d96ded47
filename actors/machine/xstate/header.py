"""The rules that an area's header has to keep for XRSTOR and XRSTORS, as tables. Breaking one is #GP(0), whatever RFBM says.

SDM volume 1, 13.8.1, 13.8.2 and 13.12.

* Standard form (XCOMP_BV[63] = 0): no bit of XSTATE_BV outside XCR0; header bytes 8 to 23 zero. Bytes 24 to 63 are not
  looked at, though the SDM calls them reserved (silicon fact 13).
* Compacted form: no bit of XCOMP_BV[62:0] outside XCR0 (for XRSTORS outside XCR0 | IA32_XSS), none of XSTATE_BV outside
  XCOMP_BV[62:0], header bytes 16 to 63 zero. XRSTORS has this form alone. A CPU without it takes bit 63 for one that
  has to be zero; the manual lets it not even look (13.8, note 2).

Recorded: most of the 579 #GP of XRSTOR on a CPU, and of the 330 of XRSTORS by the emulator.
"""

from collections.abc import Callable

from actors.machine.xstate.components import COMPACTED

_Rule = tuple[Callable[[int, int, int], bool], str]
"""A predicate of XSTATE_BV, XCOMP_BV and the components that may be in them, which is true if the rule is broken; the rule."""

_STANDARD: tuple[_Rule, ...] = (
    (lambda bv, _, enabled: bv & ~enabled != 0, "XSTATE_BV has a component that is not enabled"),
    (lambda _, xcomp_bv, __: xcomp_bv != 0, "bytes 8 to 15 of the header are not zero"),
)
_COMPACTED: tuple[_Rule, ...] = (
    (
        lambda _, xcomp_bv, enabled: xcomp_bv & ~COMPACTED & ~enabled != 0,
        "XCOMP_BV has a component that is not enabled",
    ),
    (
        lambda bv, xcomp_bv, _: bv & ~(xcomp_bv & ~COMPACTED) != 0,
        "XSTATE_BV has a bit that XCOMP_BV[62:0] lacks",
    ),
)
RESERVED = {False: 8, True: 48}
"""By whether the form is compacted: how many of the header's bytes from 16 on have to be zero."""


def refuses(xstate_bv: int, xcomp_bv: int, enabled: int, *, compact: bool, supervisor: bool) -> str | None:
    """Return the rule that the header's two words break (#GP), or None."""
    if supervisor and not compact:
        return "XCOMP_BV[63] = 0"
    rules = _COMPACTED if compact else _STANDARD
    return next((rule for broken, rule in rules if broken(xstate_bv, xcomp_bv, enabled)), None)
