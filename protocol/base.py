"""What all instructions have in common."""

import msgspec


class Base(msgspec.Struct, frozen=True, tag_field="op", tag=str.lower):
    """An instruction as a message: the tag that tells them apart is its mnemonic."""
