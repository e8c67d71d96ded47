"""Values: the only things that programs, messages and cells may hold.

An execution can be repeated, compared and remembered only if everything in it is a value: int, bool, str,
bytes, enum, None, tuples and frozen Structs of these, handles (frozen Structs that name things), and
module-level functions. A float would make equality a matter of rounding, a set would make order a matter of
hashing, and anything mutable could change between two looks.

Keys are typed: Python says `True == 1 == IntFlag(1)`, but a program can tell them apart, so two states that
differ in this alone must stay apart. `typed` gives a value the key that does; `encode` gives it bytes that
are the same in every process.
"""

import enum
import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from operator import is_
from types import CellType, CodeType, FunctionType
from typing import cast

import msgspec
from msgspec.structs import astuple

from actors.runtime.errors import NotAValue
from actors.runtime.place import definition
from actors.runtime.program import body_of
from actors.runtime.sets import check_sets

__plumbing__ = True  # a program whose value is refused stands in what called this

_SCALARS = frozenset({int, bool, str, bytes, type(None)})
_PREFIX: dict[type, str] = {int: "i", bool: "?", str: "s", type(None): "n"}

ALLOWED = (
    "int, bool, str, bytes, enum, None, tuples and frozen Structs of these, handles, "
    "and functions at module level"
)


_KNOWN: dict[int, object] = {}  # Structs that have been checked; kept, since an identity outlives nothing
_KNOWN_LIMIT = 10_000
_TYPED: dict[int, tuple[object, object]] = {}  # Structs with their keys, kept likewise


def check_value(value: object, path: str | Callable[[], str]) -> None:
    """Refuse anything that is not a value.

    Raises NotAValue, naming the path to the offender (`arguments of a: [0].items[2]`); `path` is where that begins,
    or a function that says it, since to say where a program stands takes longer than to look at what it sends.
    """
    if _is_value(value):
        return
    path = path if isinstance(path, str) else path()
    for where, offender, why in _offenders(value, path):
        raise NotAValue(f"{where}: {why or type(offender).__name__} is not a value (allowed: {ALLOWED})")


def _is_frozen(value: msgspec.Struct) -> bool:
    """Say whether a Struct is a value, and remember it if so."""
    found = is_structural(type(value)) and all(
        _is_value(getattr(value, field)) for field in value.__struct_fields__
    )
    if found:
        if len(_KNOWN) >= _KNOWN_LIMIT:
            _KNOWN.clear()
        _KNOWN[id(value)] = value
    return found


def is_structural(kind: type) -> bool:
    """Say whether Structs of a type are frozen, and equal exactly if their fields are: values are told apart by these."""
    return not _not_structural(kind)


@functools.cache
def _not_structural(kind: type) -> str:
    """Say why Structs of a type are no values; nothing if they are."""
    if not kind.__struct_config__.frozen:  # type: ignore[attr-defined]  # every Struct type has it
        return "that is not frozen"
    own = any("__eq__" in vars(one) or "__hash__" in vars(one) for one in _above_struct(kind))
    if own or not kind.__struct_config__.eq:  # type: ignore[attr-defined]  # every Struct type has it
        return "that is compared by an __eq__ or __hash__ of its own"
    return ""


def _above_struct(kind: type) -> Iterator[type]:
    return (one for one in kind.__mro__ if one not in msgspec.Struct.__mro__)


def _is_value(value: object) -> bool:
    """Say the same as `_offenders`, without saying where, which takes a tenth of the time."""
    kind = type(value)
    if kind in _SCALARS:
        return True
    if isinstance(value, enum.Enum):
        return isinstance(value, int) or _is_value(value.value)
    if kind is tuple:
        return all(map(_is_value, cast("tuple[object, ...]", value)))
    if isinstance(value, msgspec.Struct):
        return _KNOWN.get(id(value)) is value or _is_frozen(value)
    return isinstance(value, FunctionType) and _is_module_level(value)


def _offenders(value: object, path: str) -> Iterator[tuple[str, object, str]]:
    kind = type(value)
    if kind in _SCALARS:
        return
    if isinstance(value, enum.Enum):
        yield from _offenders(value.value, f"{path}.value") if not isinstance(value, int) else ()
    elif kind is tuple:
        items = cast("tuple[object, ...]", value)
        for index, item in enumerate(items):
            yield from _offenders(item, f"{path}[{index}]")
    elif isinstance(value, msgspec.Struct):
        why = _not_structural(type(value))
        if why:
            yield path, value, f"{kind.__name__}, a Struct {why},"
            return
        for field in kind.__struct_fields__:  # type: ignore[attr-defined]  # every Struct type has it
            yield from _offenders(getattr(value, field), f"{path}.{field}")
    elif isinstance(value, FunctionType):
        if not _is_module_level(value):
            yield path, value, f"{value.__qualname__}, a function that is not at module level,"
    else:
        yield path, value, ""


def _is_module_level(function: FunctionType) -> bool:
    found: object = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is function


def check_program(function: Callable[..., object], args: tuple[object, ...], name: str) -> None:
    """Refuse a program whose arguments, defaults or closure cells hold anything but values.

    Raises NotAValue with the path to the offender, or for a closure cell that the program itself assigns to;
    Nondeterminism where the program, or a function that it calls, iterates over a set.
    """
    function = body_of(function)
    if not isinstance(function, FunctionType) or not function.__code__.co_flags & inspect.CO_COROUTINE:
        what = getattr(function, "__qualname__", type(function).__name__)
        raise NotAValue(f"program {name}: {what} is not an `async def` function")
    check_value(args, f"arguments of {name}: ")
    for parameter, default in _defaults(function):
        check_value(default, f"default of {name}'s parameter {parameter}")
    if function.__closure__:
        _check_closure(function, function.__closure__, name)
    check_sets(function, name)


def _check_closure(function: FunctionType, closure: tuple[CellType, ...], name: str) -> None:
    code = function.__code__
    rebound = _rebinds(code)
    for variable, cell in zip(code.co_freevars, closure, strict=True):
        where = f"{definition(function)}: closure cell {variable} of {name} ({function.__qualname__})"
        if variable in rebound:
            raise NotAValue(
                f"{where}: the program assigns to it at {code.co_filename}:{rebound[variable]}, so it is not "
                "a value; keep it in a cell of the world"
            )
        try:
            content = cell.cell_contents
        except ValueError:
            raise NotAValue(
                f"{where}: it has no value yet; define {variable} before the program is added"
            ) from None
        check_value(content, where)


def _defaults(function: FunctionType) -> Iterator[tuple[str, object]]:
    positional = function.__code__.co_varnames[: function.__code__.co_argcount]
    defaults = function.__defaults__ or ()
    yield from zip(positional[len(positional) - len(defaults) :], defaults, strict=True)
    yield from (function.__kwdefaults__ or {}).items()


def _rebinds(code: CodeType) -> dict[str, int]:
    """Return the free variables that a function, or one nested in it, assigns to, with the line."""
    import dis  # noqa: PLC0415  # slow to import, and needed only where a program has a closure

    found: dict[str, int] = {}
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            found.update({name: line for name, line in _rebinds(inner).items() if name in code.co_freevars})
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code) if code.co_freevars else ():
        line = (instruction.positions and instruction.positions.lineno) or line
        if instruction.opname in {"STORE_DEREF", "DELETE_DEREF"} and instruction.argval in code.co_freevars:
            found.setdefault(instruction.argval, line)
    return found


def typed(value: object) -> object:
    """Return a hashable key that equals another value's key only if types and contents are the same.

    A Struct's key is kept: of a large one mostly one field changes, and the others are the same objects as before.
    """
    kind = type(value)
    if kind is str or kind is bytes or value is None:
        return value
    if kind is int or kind is bool:
        return (kind, value)
    if kind is tuple:
        return (tuple, *map(typed, value))  # type: ignore[call-overload]  # a tuple
    fields: tuple[str, ...] | None = getattr(kind, "__struct_fields__", None)
    if fields is not None:
        known = _TYPED.get(id(value))
        if known is not None and known[0] is value:
            return known[1]
        key = (kind, *map(typed, astuple(value)))  # type: ignore[arg-type]  # a Struct
        if is_structural(kind):
            if len(_TYPED) >= _KNOWN_LIMIT:
                _TYPED.clear()
            _TYPED[id(value)] = value, key
        return key
    if isinstance(value, enum.Enum):
        return (kind, value._name_ or value._value_)
    return (kind, value)


def same(first: object, second: object) -> bool:
    """Say whether two values are equal, types included."""
    if first is second:
        return True
    kind = type(first)
    if kind is not type(second):
        return False
    if kind in _SCALARS:
        return first == second
    if kind is tuple:
        one, other = cast("tuple[object, ...]", first), cast("tuple[object, ...]", second)
        return len(one) == len(other) and all(map(same, one, other))
    fields: tuple[str, ...] | None = getattr(kind, "__struct_fields__", None)
    if fields is None:
        return bool(first == second)
    return all(same(getattr(first, field), getattr(second, field)) for field in fields)


def same_types(first: object, second: object) -> bool:
    """Say whether two values that are known to be equal are so with types included; cheaper than `same`."""
    if first is second:
        return True
    kind = type(first)
    if kind is not type(second):
        return False
    if kind in _SCALARS:
        return True
    if kind is tuple:
        return all(map(same_types, first, second))  # type: ignore[call-overload]  # two tuples
    if not isinstance(first, msgspec.Struct):
        return True
    one, other = astuple(first), astuple(second)  # type: ignore[arg-type]  # two Structs of one kind
    # Mostly all fields are the very same objects, and that is seen without a loop in Python.
    return all(map(is_, one, other)) or all(map(same_types, one, other))


def encode(value: object) -> bytes:
    """Return bytes that two values share only if types and contents agree, in any process and version."""
    out = bytearray()
    _encode(value, out)
    return bytes(out)


def _encode(value: object, out: bytearray) -> None:
    kind = type(value)
    if isinstance(value, enum.Enum):
        raw = f"e{kind.__qualname__}.{int(value) if isinstance(value, int) else value.name}".encode()
    elif isinstance(value, msgspec.Struct):
        fields = kind.__struct_fields__  # type: ignore[attr-defined]  # every Struct type has it
        out += f"({kind.__qualname__}/{len(fields)}".encode()
        for field in fields:
            _encode(getattr(value, field), out)
        return
    elif kind is tuple:
        out += f"[{len(value)}".encode()  # type: ignore[arg-type]  # a tuple
        for item in value:  # type: ignore[attr-defined]  # a tuple
            _encode(item, out)
        return
    elif kind is bytes:
        raw = b"b" + value  # type: ignore[operator]  # bytes
    elif isinstance(value, FunctionType):
        raw = f"f{value.__qualname__}".encode()
    elif kind not in _PREFIX:
        raise NotAValue(f"{kind.__name__} is not a value (allowed: {ALLOWED})")
    else:
        text = format(value, "x") if kind is int else str(value)  # decimal has a limit on its digits
        raw = (_PREFIX[kind] + text).encode("utf-8", "surrogatepass")
    out += len(raw).to_bytes(4, "big")
    out += raw


def show(value: object) -> str:  # one return a kind of value
    """Return a value as a person reads it: handles by name, large numbers in hexadecimal, long bytes cut."""
    if isinstance(value, enum.Enum):
        return value.name or str(value.value)
    if type(value) is int:
        return f"{value:#x}" if abs(value) > 0xFFFF else str(value)  # noqa: PLR2004  # where hexadecimal reads better
    if isinstance(value, bytes):
        return _show_bytes(value)
    if isinstance(value, tuple):
        return "(" + ", ".join(show(item) for item in value) + ")"
    if isinstance(value, FunctionType):
        return value.__name__
    if isinstance(value, msgspec.Struct):
        fields = type(value).__struct_fields__
        if fields[:1] == ("name",):
            return str(value.name)  # type: ignore[attr-defined]  # its first field
        return type(value).__name__ + "(" + ", ".join(show(getattr(value, field)) for field in fields) + ")"
    return str(value)


def _show_bytes(value: bytes) -> str:
    if not value:
        return "empty"
    if value == value[:1] * len(value):
        return f"{value[0]:02x}*{len(value)}"
    return value[:8].hex() + ("..." if len(value) > 8 else "")  # noqa: PLR2004  # as much as fits a chart
