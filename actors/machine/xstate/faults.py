"""Faults that the instructions have in common, and their order.

SDM volume 1, 13.7 to 13.12, and volume 2 for each instruction: #UD if the encoding or CR4.OSXSAVE forbids the instruction,
or the CPU lacks it; #NM if CR0.TS = 1, which leaves IA32_XFD_ERR alone; #GP(0) for XSAVES and XRSTORS above CPL 0; #GP(0)
if the area is misaligned. (With CR0.AM = EFLAGS.AC = 1 at CPL 3 a misaligned area may give #AC instead; the recorded CPU was
seen with AC = 0 only.)

A wrong encoding is #UD here whichever it is (silicon fact 19 has LOCK, 66H and register forms). On a CPU three are other
instructions, which this package does not have and vectors may well contain: XRSTOR with a register operand is LFENCE, XSAVEOPT
with one MFENCE, and XSAVEOPT with 66H is CLWB (volume 2; `ANOTHER`).

#NM for CR0.TS rests on the emulator's sequences, and on no line of a CPU.

Page faults: the recorded CPU probes the last component of RFBM's footprint first, whether it is in use or not, and a fault
changes nothing (silicon fact 18, of which no line is kept); components outside RFBM or XCOMP_BV are not touched, and so of the
legacy region only what RFBM asks for is. The manual lets an instruction touch any byte of a component that
it operates on, in use or not, disabled by XFD or not, also those of registers that the mode does not have (13.13). Where a
header that would be #GP lies on a present page and the data does not, which of the two comes first is not known; the header
is checked first here, for its XCOMP_BV says where the data is.
"""

from collections.abc import Callable, Iterable

import msgspec

from actors.machine.xstate.description import Description
from actors.machine.xstate.environment import Environment
from actors.machine.xstate.outcomes import Fault
from protocol.instructions import Pages
from protocol.registers import Vector

_WRITE, _USER = 1 << 1, 1 << 2
_PRIVILEGED = frozenset({"xsaves", "xrstors"})
_FEATURE = {"xsaveopt": "xsaveopt", "xsavec": "xsavec", "xsaves": "xsaves", "xrstors": "xsaves"}


ANOTHER: dict[tuple[str, str], str] = {
    ("xrstor", "reg"): "LFENCE",
    ("xsaveopt", "reg"): "MFENCE",
    ("xsaveopt", "66"): "CLWB",
}
"""Names that are other instructions in truth (SDM volume 2, opcode extensions of 0FH AEH): these, by their own names.

`xrstor_reg` is 0F AE /5 with mod = 3, `xsaveopt_reg` is 0F AE /6 with mod = 3, `xsaveopt_66` is 66 0F AE /6. A CPU that has them
executes them: the fences without an operand, CLWB on the cache line that the area begins, aligned or not. None of them touches
extended state or changes a byte. `ldtilecfg_reg` is TILERELEASE, which is #UD like LDTILECFG where tiles are not enabled. All
other forms are no instruction at all.
"""


def undefined(why: str) -> Fault:
    """#UD."""
    return Fault(Vector.UD, None, why)


def not_available(why: str) -> Fault:
    """#NM."""
    return Fault(Vector.NM, None, why)


def general_protection(why: str) -> Fault:
    """#GP(0)."""
    return Fault(Vector.GP, 0, why)


class _Case(msgspec.Struct, frozen=True):
    instruction: str
    encoding: str
    environment: Environment
    description: Description
    misaligned: bool


_Raise = Callable[[str], Fault]

RULES: tuple[tuple[Callable[[_Case], bool], _Raise, str], ...] = (
    (lambda case: bool(case.encoding), undefined, "the encoding is not one of the instruction's"),
    (lambda case: not case.environment.osxsave, undefined, "CR4.OSXSAVE = 0"),
    (lambda case: not _present(case), undefined, "CPUID does not enumerate the instruction"),
    (
        lambda case: (
            case.instruction in _PRIVILEGED
            and case.environment.non_root
            and not case.environment.enable_xsaves
        ),
        undefined,
        'the VM-execution control "enable XSAVES/XRSTORS" is 0',
    ),
    (lambda case: case.environment.ts, not_available, "CR0.TS = 1"),
    (
        lambda case: case.instruction in _PRIVILEGED and case.environment.cpl > 0,
        general_protection,
        "CPL > 0",
    ),
    (lambda case: case.misaligned, general_protection, "the area is not on a 64-byte boundary"),
)
"""In this order."""


def _present(case: _Case) -> bool:
    feature = _FEATURE.get(case.instruction)
    return feature is None or getattr(case.description, feature)


def static(
    instruction: str,
    encoding: str,
    environment: Environment,
    description: Description,
    *,
    misaligned: bool = False,
) -> Fault | None:
    """Return the fault of a save or restore that depends on nothing in memory, or None."""
    case = _Case(instruction, encoding, environment, description, misaligned)
    return next((fault(why) for applies, fault, why in RULES if applies(case)), None)


Extent = tuple[int, int]
"""Bytes of an area: their offset and number."""


def page_fault(
    pages: Pages | None, footprint: Iterable[Extent], environment: Environment, *, write: bool
) -> Fault | None:
    """Return the #PF of the first part of the footprint, in the order given, that cannot be accessed; None if all can."""
    if pages is None:
        return None
    code = write * _WRITE | (environment.cpl > 0) * _USER
    for offset, size in footprint:
        for ranges, protection in ((pages.absent, 0), (pages.read_only if write else (), 1)):
            hit = [
                max(offset, first) for first, behind in ranges if first < offset + size and offset < behind
            ]
            if hit:
                return Fault(Vector.PF, code | protection, "a page cannot be accessed", min(hit))
    return None
