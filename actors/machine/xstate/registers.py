"""XState: the extended-state registers of one logical CPU, as a value.

A component's content is kept only while it differs from its initial one, as shared immutable bytes, so that a save copies a
reference. `in_use` is XINUSE (SDM volume 1, 13.6): it follows events, not contents; a component can be in use and yet hold its
initial content, but never the other way round.
"""

import msgspec

from actors.machine.xstate.components import initial


class XState(msgspec.Struct, frozen=True, cache_hash=True):
    """XCR0, IA32_XSS, IA32_XFD, IA32_XFD_ERR, XINUSE, and the contents that are not initial."""

    xcr0: int = 1
    xss: int = 0
    xfd: int = 0
    xfd_err: int = 0
    in_use: int = 0
    contents: tuple[tuple[int, bytes], ...] = ()

    def content(self, component: int) -> bytes:
        """Return a component's content, in bytes."""
        for number, content in self.contents:
            if number == component:
                return content
        return initial(component)

    def loaded(self, component: int, content: bytes) -> "XState":
        """Return the state with a component loaded, and thereby in use."""
        others = tuple(one for one in self.contents if one[0] != component)
        contents = others if content == initial(component) else tuple(sorted((*others, (component, content))))
        return msgspec.structs.replace(self, contents=contents, in_use=self.in_use | 1 << component)

    def initialised(self, mask: int) -> "XState":
        """Return the state with the components in `mask` in their initial state, and not in use."""
        if not mask & self.in_use:
            return self
        contents = tuple(one for one in self.contents if not mask >> one[0] & 1)
        return msgspec.structs.replace(self, contents=contents, in_use=self.in_use & ~mask)
