"""No module imports itself through others, not even for its annotations: each can be read behind those that it stands on."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def modules():
    """Return the path of each module by its name."""
    found = {}
    for package in ("protocol", "actors", "scenarios"):
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(text, known):
    """Return the modules that a module's text names in imports, wherever these stand."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            within = {f"{node.module}.{name.name}" for name in node.names}
            found.update(within & known or {node.module})
    return found & known


def test_imports_go_round_in_no_circle():
    paths = modules()
    assert len(paths) > 250
    graph = {name: imported(path.read_text(), paths.keys()) - {name} for name, path in paths.items()}
    assert sum(map(len, graph.values())) > 1_000
    TopologicalSorter(graph).prepare()


def test_an_import_for_annotations_alone_counts():
    texts = {
        "one": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from two import Two\n",
        "two": "def f():\n    import one\n",
    }
    graph = {name: imported(text, texts.keys()) for name, text in texts.items()}
    with pytest.raises(CycleError):
        TopologicalSorter(graph).prepare()
