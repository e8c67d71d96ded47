"""The table in the docstring of `actors.system`: each routine, the kernel function that it follows, and the fixes that it knows.

A routine follows a kernel function if its docstring begins with that function's name: `schedule(): let another ...`. Which file
that is in, the table says itself, and the routine's module names it too. `python -m tests.system.table` writes the table again;
what it cannot know, the file of a new routine, is then `?`.
"""

import ast
import re
from collections.abc import Iterator, Sequence
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
        functions = {
            node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        names = {name: _FOLLOWS.match(ast.get_docstring(node) or "") for name, node in functions.items()}
        helpers = {name: node for name, node in functions.items() if names[name] is None}
        for name, match in names.items():
            if match is not None:
                yield f"{place}.{name}", match[1], tuple(sorted(_asked(functions[name], helpers)))


def _asked(node: ast.AST, helpers: dict[str, ast.FunctionDef | ast.AsyncFunctionDef]) -> set[str]:
    """Return the fixes that a routine asks for, by itself or in the parts of it that are functions of their own."""
    used = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} & set(helpers)
    left = {name: helper for name, helper in helpers.items() if name not in used}
    return has_calls(node).union(*(_asked(helpers[name], left) for name in used))


def printed(text: str | None = None) -> list[Row]:
    """Return the rows of the table as they stand in the docstring."""
    rows, module = [], ""
    for line in _lines(actors.system.__doc__ if text is None else text):
        if not line.startswith(" "):
            module = line.strip()
            continue
        name, *others = line.split()
        if not others:  # one more fix of the row above
            rows[-1] = rows[-1]._replace(fixes=(*rows[-1].fixes, name))
            continue
        function, file, *fixes = others
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
    """Return the table as text: under the name of each module its routines, and a line for each fix."""
    cells = [(f"  {_last(row.routine)}", f"{row.function}()", row.file) for row in rows]
    longest = [
        HEAD,
        *((*line, fix) for row, line in zip(rows, cells, strict=True) for fix in row.fixes or [""]),
    ]
    widths = [max(len(line[column]) for line in longest) for column in range(len(HEAD))]
    rule = "  ".join("=" * width for width in widths)
    lines, module = [rule, _line(HEAD, widths), rule], ""
    for row, line in zip(rows, cells, strict=True):
        if row.routine != f"{module}.{_last(row.routine)}":
            module = row.routine.rpartition(".")[0]
            lines.append(module)
        first, *others = row.fixes or ("",)
        lines.append(_line((*line, first), widths))
        lines += [_line(("", "", "", fix), widths) for fix in others]
    return "\n".join([*lines, rule])


def _last(routine: str) -> str:
    return routine.rpartition(".")[2]


def _line(cells: Sequence[str], widths: list[int]) -> str:
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
