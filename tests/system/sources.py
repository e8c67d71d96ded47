"""The kernel's code as text: what a test says of all of it."""

import ast
from pathlib import Path

import actors.system

ROOT = Path(actors.system.__file__).parent


def modules():
    """Each module of `actors.system` by its place in it, `fpu.xfd`, parsed."""
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), ast.parse(path.read_text())


def calls_of(method):
    """The words that a method is called with anywhere in it."""
    return {word for _, tree in modules() for word in words_of(tree, method)}


def has_calls(tree):
    """The fixes that some code asks for."""
    return set(words_of(tree, "has"))


def words_of(tree, method):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method:
            for argument in node.args:
                if isinstance(argument, ast.Constant):
                    yield argument.value
