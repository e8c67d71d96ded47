"""The table in the docstring of `actors.system`: each routine, the kernel function that it follows, and the fixes that it knows.

A routine follows a kernel function if its docstring begins with that function's name: `schedule(): let another ...`. Which file
that is in, the table says itself, and the routine's module names it too. `python -m tests.system.table` writes the table again;
what it cannot know, the file of a new routine, is then `?`.
"""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

import actors.system
from tests.system.sources import ROOT, has_calls, modules

HEAD = ("routine", "follows", "file", "fixes")
UNKNOWN = "?"
_FOLLOWS = re.compile(r"(\w+)\(\)")


class Row(NamedTuple):
    """One routine: `fpu.xfd.xfd_set_state`, the kernel's name for it, its file, and commits."""

    routine: str
    function: str
    file: str
    fixes: tuple[str, ...]


def followed() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Return the routines that follow a kernel function, with its name, and the fixes that each asks for."""
    for place, tree in modules():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                match = _FOLLOWS.match(ast.get_docstring(node) or "")
                if match is not None:
                    yield f"{place}.{node.name}", match[1], tuple(sorted(has_calls(node)))


def printed(text: str | None = None) -> list[Row]:
    """Return the rows of the table as they stand in the docstring."""
    rows, module = [], ""
    for line in _lines(actors.system.__doc__ if text is None else text):
        if not line.startswith(" "):
            module = line.strip()
            continue
        name, function, file, *fixes = line.replace(",", " ").split()
        rows.append(Row(f"{module}.{name}", function.removesuffix("()"), file, tuple(fixes)))
    return rows


def _lines(text: str | None) -> list[str]:
    """Return what stands between the second and the third rule of the table."""
    assert text is not None
    lines = text.splitlines()
    rules = [at for at, line in enumerate(lines) if re.fullmatch(r"=+( +=+)+", line)]
    assert len(rules) == 3, "a table has three rules"
    return lines[rules[1] + 1 : rules[2]]


def expected() -> list[Row]:
    """Return the rows as they should be; a file is that of the table that is there."""
    files = {row.routine: row.file for row in printed()}
    return [Row(name, function, files.get(name, UNKNOWN), fixes) for name, function, fixes in followed()]


def drawn(rows: list[Row]) -> str:
    """Return the table as text, under the name of each module its routines."""
    cells = [(f"  {_last(row.routine)}", f"{row.function}()", row.file, ", ".join(row.fixes)) for row in rows]
    widths = [max(len(line[column]) for line in [HEAD, *cells]) for column in range(len(HEAD))]
    rule = "  ".join("=" * width for width in widths)
    lines, module = [rule, _line(HEAD, widths), rule], ""
    for row, line in zip(rows, cells, strict=True):
        if row.routine != f"{module}.{_last(row.routine)}":
            module = row.routine.rpartition(".")[0]
            lines.append(module)
        lines.append(_line(line, widths))
    return "\n".join([*lines, rule])


def _last(routine: str) -> str:
    return routine.rpartition(".")[2]


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def main() -> None:
    """Write the table again."""
    path = ROOT / "__init__.py"
    text = path.read_text()
    found = re.search(r"^=+ [= ]+\n.*\n=+ [= ]+$", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    path.write_text(text[: found.start()] + drawn(expected()) + text[found.end() :])


if __name__ == "__main__":
    main()
