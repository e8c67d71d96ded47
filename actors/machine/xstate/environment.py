"""What an instruction finds besides the extended state: privilege, control registers, mode, VMX, and its memory operand."""

import msgspec

from protocol.handles import Cell
from protocol.instructions import Pages, XsaveArea

ALIGNMENT = 64

Address = int | Cell
"""A linear address; where memory is made of cells, the cell is the address."""


class Environment(msgspec.Struct, frozen=True, cache_hash=True):
    """CPL, CR4.OSXSAVE, CR0.TS, 64-bit or compatibility mode, VMX non-root operation.

    `enable_xsaves` is the VM-execution control "enable XSAVES/XRSTORS"; it counts in VMX non-root operation alone. `pke` is
    CR4.PKE.
    """

    cpl: int = 0
    osxsave: bool = True
    ts: bool = False
    long_mode: bool = True
    non_root: bool = False
    enable_xsaves: bool = True
    pke: bool = True


class Operand(msgspec.Struct, frozen=True):
    """The memory operand of a save or restore: the area, its address, and how the instruction is encoded.

    Without an address the instruction leaves no XRSTOR_INFO and meets none, so the modified optimisation never applies.
    `encoding` is empty for a proper one; else the LOCK or 66H prefix or the register operand (ModRM.mod = 3) that makes it #UD.
    """

    area: XsaveArea
    address: Address | None = None
    rexw: bool = True
    encoding: str = ""
    pages: Pages | None = None


KERNEL = Environment()
"""64-bit mode at CPL 0, XSAVE enabled, CR0.TS = 0."""
