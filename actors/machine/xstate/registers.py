"""XState: the extended-state registers of one logical CPU, as a value.

A component's content is kept only while it differs from its initial one, as shared immutable bytes, so that a save copies a
reference: `live` is the mask of these components, `contents` has their bytes in ascending order. What the processor tracks
beside the contents (SDM volume 1, 13.6) is in four fields:

* `xinuse`, XINUSE, follows events and not contents: a component can be in use and yet hold its initial content, but never the
  other way round. XINUSE[1] is about the XMM registers alone. `xinuse_upper` has the registers 8 to 15 of components 1, 2
  and 6, which silicon tracks apart from 0 to 7: compatibility mode does not reach them (silicon fact 8).
* `xmodified`, XMODIFIED: what was written since the last XRSTOR or XRSTORS, and `xrstor_info`, which execution that was.
  Without `xrstor_info` nothing is tracked, and `xmodified` is 0.

How each profile answers "is it in use?" from these is in `tracking`.
"""

from collections.abc import Iterator

import msgspec

from actors.machine.xstate.components import HALVED, MXCSR_INITIAL, bits, initial, is_initial
from actors.machine.xstate.description import Description
from actors.machine.xstate.environment import Address


class XrstorInfo(msgspec.Struct, frozen=True, cache_hash=True):
    """XRSTOR_INFO: CPL, VMX non-root operation, linear address and XCOMP_BV of the last XRSTOR or XRSTORS (0: standard form)."""

    cpl: int
    non_root: bool
    address: Address
    xcomp_bv: int


class XState(msgspec.Struct, frozen=True, cache_hash=True):
    """XCR0, IA32_XSS, IA32_XFD, IA32_XFD_ERR, XINUSE, the contents that are not initial, MXCSR, and tracking; out of reset."""

    xcr0: int = 1
    xss: int = 0
    xfd: int = 0
    xfd_err: int = 0
    xinuse: int = 0
    live: int = 0
    contents: tuple[bytes, ...] = ()
    mxcsr: int = MXCSR_INITIAL
    xinuse_upper: int = 0
    xmodified: int = 0
    xrstor_info: XrstorInfo | None = None

    @property
    def in_use(self) -> int:
        """XINUSE, whichever registers a component is in use by."""
        return self.xinuse | self.xinuse_upper

    def held(self, component: int) -> bytes | None:
        """Return a component's content, or None while it is initial."""
        bit = 1 << component
        return self.contents[(self.live & (bit - 1)).bit_count()] if self.live & bit else None

    def content(self, component: int, description: Description) -> bytes:
        """Return a component's content, in bytes."""
        return self.held(component) or initial(component, description.size(component))

    def items(self) -> Iterator[tuple[int, bytes]]:
        """Yield the components that are not initial, with their contents."""
        return zip(bits(self.live), self.contents, strict=True)

    def holding(self, component: int, content: bytes) -> "XState":
        """Return the state with that content in a component, and its tracking as it was."""
        bit = 1 << component
        at = (self.live & (bit - 1)).bit_count()
        behind = self.contents[at + bool(self.live & bit) :]
        blank = is_initial(component, content)
        return msgspec.structs.replace(
            self,
            live=self.live & ~bit if blank else self.live | bit,
            contents=self.contents[:at] + (() if blank else (content,)) + behind,
        )

    def touched(self, sets: int, upper: int = 0, clears: int = 0, modifies: int = 0) -> "XState":
        """Return the state after the event that an instruction wrote registers: XINUSE bits set or cleared, XMODIFIED set."""
        return msgspec.structs.replace(
            self,
            xinuse=self.xinuse & ~clears | sets,
            xinuse_upper=self.xinuse_upper & ~clears | upper,
            xmodified=self.xmodified | (modifies | sets | clears if self.xrstor_info else 0),
        )

    def loaded(self, component: int, content: bytes) -> "XState":
        """Return the state after an instruction wrote the whole of a component, which is thereby in use."""
        bit = 1 << component
        return self.holding(component, content).touched(bit, bit & HALVED)

    def initialised(self, mask: int) -> "XState":
        """Return the state after an instruction made the components in `mask` initial and not in use."""
        if not mask & self.in_use:
            return self
        contents = tuple(content for number, content in self.items() if not mask >> number & 1)
        blank = msgspec.structs.replace(self, live=self.live & ~mask, contents=contents)
        return blank.touched(0, clears=mask)
