"""Allocating and freeing an fpstate: its xfd and its area come and go together, in one step.

Nobody but the allocator writes where nothing is allocated, so that what is there tells of it. An fpstate has one name as long as
it is there, and what is there is not allocated again: who drops the last pointer to one has to free it, or say that it is lost.
Follows mm/vmalloc.c and mm/kmemleak.c.
"""

from typing import Any

import msgspec

from actors.machine.xstate.components import COMPACTED
from actors.runtime import Device, Footprint, Outcome, Outcomes, Program, Read, Values
from actors.system.kernel.data import Fpstate
from actors.system.kernel.kasan import double_free
from protocol.instructions import XsaveArea

__plumbing__ = True


class Leaked(Exception):
    """Memory that nobody points to and nobody has freed: a finding, in the words of kmemleak's report."""


class Vzalloc(msgspec.Struct, frozen=True):
    """vzalloc() of an fpstate, with what is then written before anybody else may find it: XCOMP_BV.

    Linux writes that in fpstate_realloc(), inside fpregs_lock() and with the new xfeatures, just before the pointer is published.
    """

    fpstate: Fpstate


class Vfree(msgspec.Struct, frozen=True):
    """vfree() of an fpstate."""

    fpstate: Fpstate


class Leak(msgspec.Struct, frozen=True):
    """The last pointer to an fpstate is overwritten: nobody can free it any more, or use it."""

    fpstate: Fpstate


class Vmalloc(Device, frozen=True):
    """The allocator."""

    def footprint(self, sender: Program, message: Any, read: Read) -> Footprint:
        """The two cells of the fpstate."""
        del sender, read
        cells = (message.fpstate.regs, message.fpstate.xfd.cell)
        return Footprint(cells, cells, self.name)

    def handle(self, sender: Program, message: Any, values: Values) -> Outcomes:
        """Zeros, or nothing; raises KasanBug for a second free, and Leaked for an fpstate that is still there."""
        del sender
        fpstate: Fpstate = message.fpstate
        regs, xfd = fpstate.regs, fpstate.xfd.cell
        if isinstance(message, Vzalloc):
            if values[regs] is not None:
                raise Leaked(f"kmemleak: unreferenced object {fpstate.name}: who had it has not freed it")
            empty = XsaveArea(0, COMPACTED | fpstate.xfeatures)
            return (Outcome(None, ((regs, empty), (xfd, 0))),)
        if values[regs] is None:
            raise double_free(fpstate.name)
        return (Outcome(None, ((regs, None), (xfd, None))),)

    def describe(self, message: Any) -> str:
        """`vzalloc A->fpstate[0x40000]`, `vfree ...`, `leak ...`."""
        return f"{type(message).__name__.lower()} {message.fpstate.name}"


VMALLOC = Vmalloc("vmalloc")
