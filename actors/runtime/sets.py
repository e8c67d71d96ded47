"""Iteration over sets, found in the code of a program.

The order of a set of strings is fixed within one process and differs in the next, where PYTHONHASHSEED is
another. So no check that runs a program twice in one process can notice a program that depends on it, and its
token would diverge for whoever it is sent to. Hence a look at the code: a program, or a function that it
calls by a global name or through a module, may build sets, ask what is in them, count and sort them, but not go through them in
their own order.

Only what is a set by its very spelling counts (a literal, `set(...)`, a comprehension, a variable that is
never anything else, an annotation), so that nothing is refused wrongly; a set that comes out of a data
structure is left to the digests.
"""

import ast
import functools
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from actors.runtime.errors import Nondeterminism
from actors.runtime.place import definitions, in_library
from actors.runtime.program import body_of

_SETS = frozenset({"set", "frozenset"})
_ANNOTATIONS = _SETS | {"Set", "FrozenSet", "AbstractSet", "MutableSet"}
_VIEWS = frozenset({"keys", "items"})
_SAME_KIND = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
_ORDERED = frozenset({"list", "tuple", "iter", "enumerate", "zip", "map", "filter", "reversed"})
_KEEPERS = frozenset({"list", "tuple", "iter", "reversed"})
_UNORDERED = _SETS | {"sorted", "len", "sum", "min", "max", "any", "all"}


def check_sets(function: FunctionType, name: str) -> None:
    """Refuse a program that iterates over a set, or calls a function that does; raises Nondeterminism."""
    found = _search(function)
    if found is not None:
        raise Nondeterminism(
            f"program {name}: {found} goes through a set in its own order, which is another in each process "
            "(PYTHONHASHSEED); iterate over a tuple, or over sorted(...)"
        )


@functools.lru_cache(maxsize=4096)
def _search(function: FunctionType) -> str | None:
    seen: set[CodeType] = set()
    waiting = [function]
    while waiting:
        looked_at = waiting.pop()
        code = looked_at.__code__
        if code in seen or in_library(code.co_filename, looked_at.__module__):
            continue
        seen.add(code)
        codes = list(_nested(code))
        line = _line_of_iteration(looked_at) if any(_mentions_set(one, looked_at) for one in codes) else None
        if line is not None:
            return f"{code.co_filename}:{line}"
        waiting += _called(looked_at, {name for inner in codes for name in inner.co_names})
    return None


def _called(function: FunctionType, names: set[str]) -> list[FunctionType]:
    """Return the functions that a function may call: by a global name, or through modules (`package.module.f`)."""
    found = [function.__globals__.get(name) for name in names]
    if any(isinstance(one, ModuleType) for one in found):
        code = function.__code__
        node = definitions(code.co_filename).get((code.co_name, code.co_firstlineno))
        chains = [one for one in ast.walk(node) if isinstance(one, ast.Attribute)] if node is not None else []
        found += [_reached(one, function.__globals__) for one in chains]
    return [body_of(one) for one in found if isinstance(one, FunctionType)]


def _reached(node: ast.expr, names: dict[str, object]) -> object:
    """Return what a name, or an attribute of a module, stands for; None if it is anything else."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        module = _reached(node.value, names)
        return vars(module).get(node.attr) if isinstance(module, ModuleType) else None
    return None


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _mentions_set(code: CodeType, function: FunctionType) -> bool:
    """Say, at little cost, whether there may be a set at all; only then is the source read."""
    return (
        not _ANNOTATIONS.isdisjoint(code.co_names)
        or any(isinstance(constant, frozenset) for constant in code.co_consts)
        or any(isinstance(function.__globals__.get(name), set | frozenset) for name in code.co_names)
        or any(
            str(hint).startswith(("set", "frozenset", "<class 'set'", "<class 'frozenset'"))
            for hint in _hints(function)
        )
        or not _VIEWS.isdisjoint(code.co_names)
        or _builds_set(code)
    )


def _hints(function: FunctionType) -> list[Any]:
    return list(function.__annotations__.values())


def _builds_set(code: CodeType) -> bool:
    import dis  # noqa: PLC0415  # slow to import, and needed only before the first world is built

    opcodes = {dis.opmap[name] for name in ("BUILD_SET", "SET_ADD", "SET_UPDATE")}
    return not opcodes.isdisjoint(code.co_code[::2])


def _line_of_iteration(function: FunctionType) -> int | None:
    code = function.__code__
    node = definitions(code.co_filename).get((code.co_name, code.co_firstlineno))
    return _Body(node, function.__globals__.get).line() if node is not None else None


class _Body:
    """One function's syntax tree, asked for the first place that goes through a set."""

    def __init__(self, node: ast.AST, look_up: Callable[[str], object]) -> None:
        self._node = node
        self._look_up = look_up
        self._locals: dict[str, bool] = {}  # local name: is everything bound to it a set?
        for _ in range(2):  # the second time, sets made from the variables found the first time count too
            self._bind()

    def _bind(self) -> None:
        sets: dict[str, bool] = {}
        plain = {id(target): value for target, value in self._assignments()}
        for node in ast.walk(self._node):
            if isinstance(node, ast.arg):
                sets[node.arg] = _annotates_set(node.annotation)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                value = plain.get(id(node))
                is_set = value is not None and self.is_set(value)
                sets[node.id] = sets.get(node.id, True) and is_set
        self._locals = sets

    def _assignments(self) -> Iterator[tuple[ast.expr, ast.expr]]:
        for node in ast.walk(self._node):
            if isinstance(node, ast.Assign):
                yield from ((target, node.value) for target in node.targets)
            elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
                yield node.target, node.value
            elif isinstance(node, ast.AugAssign):
                yield node.target, ast.BinOp(node.target, node.op, node.value)

    def is_set(self, node: ast.expr) -> bool:  # one return a kind of expression
        """Say whether an expression is a set by its spelling."""
        match node:
            case ast.Set() | ast.SetComp():
                return True
            case ast.Name(id=name) if name in self._locals:
                return self._locals[name]
            case ast.Name(id=name):
                return isinstance(self._look_up(name), set | frozenset)
            case ast.Call(func=ast.Name(id=name)):
                return name in _SETS and name not in self._locals
            case ast.Call(func=ast.Attribute(value=value, attr=name)):
                return name in _SAME_KIND and self.is_set(value)
            case ast.BinOp(left=left, right=right, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor()):
                return self.is_set(left) or self.is_set(right) or _is_view(left) or _is_view(right)
            case ast.IfExp(body=body, orelse=orelse):
                return self.is_set(body) or self.is_set(orelse)
        return False

    def line(self) -> int | None:
        """Return the first line that goes through a set."""
        harmless = {id(node) for node in self._harmless()}
        lines = [
            iterated.lineno
            for node in ast.walk(self._node)
            if id(node) not in harmless
            for iterated in _iterated(node)
            if self.is_set(iterated)
        ]
        return min(lines, default=None)

    def _harmless(self) -> Iterator[ast.AST]:
        """Return what has an order that nobody sees: it becomes a set, or is counted or sorted."""
        for node in ast.walk(self._node):
            if isinstance(node, ast.SetComp) and not _awaits(node):
                yield from node.generators
            elif (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _UNORDERED
            ):
                for inner in node.args:
                    if isinstance(inner, ast.GeneratorExp | ast.ListComp) and not _awaits(inner):
                        yield from inner.generators
                    elif _is_call_of(inner, _KEEPERS):
                        yield inner  # sorted(list(...))


def _iterated(node: ast.AST) -> list[ast.expr]:  # one return a kind of node
    """Return the expressions that this node goes through in their order."""
    match node:
        case ast.For(iter=iterated) | ast.comprehension(iter=iterated):
            return [iterated]
        case ast.Starred(value=value) | ast.YieldFrom(value=value):
            return [value]
        case ast.Call(func=ast.Name(id=name), args=args) if name in _ORDERED:
            return list(args)
        case ast.Call(func=ast.Attribute(attr="join"), args=[joined]):
            return [joined]
        case ast.Call(func=ast.Attribute(value=value, attr="pop"), args=[]):
            return [value]
        case ast.Assign(targets=[ast.Tuple() | ast.List(), *_], value=value):
            return [value]
    return []


def _annotates_set(annotation: ast.expr | None) -> bool:
    match annotation:
        case ast.Subscript(value=ast.Name(id=name)) | ast.Name(id=name):
            return name in _ANNOTATIONS
    return False


def _is_call_of(node: ast.expr, names: frozenset[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names


def _is_view(node: ast.expr) -> bool:
    """Say whether this is a view of a dict's keys or items: what operators make of it is a set."""
    match node:
        case ast.Call(func=ast.Attribute(attr="keys" | "items"), args=[]):
            return True
    return False


def _awaits(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Await) for inner in ast.walk(node))
