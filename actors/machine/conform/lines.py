"""What a line of a vector file is, told by its keys: never by the name of the file that it stands in.

With `op` it is one instruction on a real CPU (`hardware`). With `init` it is a sequence that a test suite asserts: it begins
in a given state, and only what is said is asserted. Otherwise, with `ops`, it is a sequence as an emulator executed it, where
everything is recorded after each instruction.
"""

import json
from collections import Counter
from typing import Any

import msgspec

from actors.machine.conform.hardware import Bit, HardwareLine, Id
from actors.machine.conform.numbers import U64, decode_custom
from actors.machine.conform.ops import AnyOp


class Init(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a suite's sequence begins: all other state is initial, all memory zero, CPL 0."""

    cr4_osxsave: Bit
    xcr0: U64
    xss: U64
    xfd: U64
    xfd_err: U64
    cpuid_xcr0: U64

    def __post_init__(self) -> None:
        if self.xcr0 & ~self.cpuid_xcr0:
            raise ValueError(f"xcr0 {self.xcr0:x} has bits that cpuid_xcr0 {self.cpuid_xcr0:x} lacks")


class SuiteLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sequence that a test suite asserts on hardware."""

    id: Id
    init: Init
    ops: tuple[AnyOp, ...]


class EmulatorLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sequence as an emulator executed it, with everything that it recorded."""

    id: Id
    ops: tuple[AnyOp, ...]

    def __post_init__(self) -> None:
        for place, op in enumerate(self.ops):
            try:
                op.check_recorded()
            except ValueError as error:
                raise ValueError(f"{error} - at `$.ops[{place}]`") from None


Line = HardwareLine | SuiteLine | EmulatorLine


class _Keys(msgspec.Struct):
    """The keys that tell which kind a line is; what they hold is not looked at."""

    op: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    init: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    ops: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, dec_hook=decode_custom)


_KEYS = msgspec.json.Decoder(_Keys)
_HARDWARE, _SUITE, _EMULATOR = (_decoder(kind) for kind in (HardwareLine, SuiteLine, EmulatorLine))


def _once(pairs: list[tuple[str, Any]]) -> None:
    """Refuse an object that says the same twice, of which a decoder would quietly take the last."""
    if len(dict(pairs)) < len(pairs):
        key, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {key[:40]!a} stands twice in one object")


def decode(line: bytes) -> Line:
    """Decode one line; raises ValueError (msgspec's own are such) that says what is wrong with it."""
    try:
        line.decode()
        keys = _KEYS.decode(line)
        result: Line
        if keys.op is not msgspec.UNSET:
            result = _HARDWARE.decode(line)
        elif keys.init is not msgspec.UNSET:
            result = _SUITE.decode(line)
        elif keys.ops is not msgspec.UNSET:
            result = _EMULATOR.decode(line)
        else:
            raise ValueError("it has none of the keys op, init and ops, which tell what kind of line it is")
        json.loads(line, object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise ValueError("it is nested deeper than any line is") from None
    return result
