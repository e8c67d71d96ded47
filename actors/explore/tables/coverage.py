"""Which steps of the code were never executed, in any order: what a proof says nothing about.

The programs' own functions that any history went through are read, and each `await` in them that no program has
ever gone past is listed. A branch that the parameters rule out is listed too: it was not tested either. What is no part of
the code under test, but stands in it to change it (a mutant's line), says so by the comment `# variant` on its
first or last line, and is not.
"""

import ast
import linecache
from collections.abc import Iterator

from actors.explore.tables.histories import Node
from actors.explore.tables.layout import Layout
from actors.runtime.place import definitions

Line = tuple[str, int]

VARIANT = "# variant"
"""What a line ends with that only a variant of the code has."""


def unexecuted(layout: Layout) -> tuple[str, ...]:
    """Return `file:line in function: source` of each `await` that was never executed, in the order of the files."""
    executed: set[Line] = set()
    functions: set[tuple[str, str, int]] = set()
    for node in _nodes(layout):
        for function, file, first, line in node.lines:
            functions.add((file, function, first))
            if node.next or node.retried:
                executed.add((file, line))
    found = []
    for file, function, first in sorted(functions):
        tree = definitions(file).get((function, first))
        for line, end in _awaits(tree) if tree is not None else ():
            if _is_variant(file, line) or _is_variant(file, end):
                continue
            if not any((file, one) in executed for one in range(line, end + 1)):
                found.append(f"{file}:{line} in {function}: {linecache.getline(file, line).strip()}")
    return tuple(dict.fromkeys(found))


def _is_variant(file: str, line: int) -> bool:
    return linecache.getline(file, line).rstrip().endswith(VARIANT)


def _nodes(layout: Layout) -> Iterator[Node]:
    for history in layout.histories.values():
        for node in history.nodes:
            if node is not None:
                yield node


def _awaits(function: ast.AST) -> Iterator[tuple[int, int]]:
    """Return the first and last line of each `await` of a function, those of functions inside it apart."""
    for child in ast.iter_child_nodes(function):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.Await):
            yield child.lineno, child.end_lineno or child.lineno
        elif isinstance(child, ast.AsyncWith | ast.AsyncFor):
            yield child.lineno, child.lineno
        yield from _awaits(child)
