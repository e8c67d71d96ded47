"""Finding scenarios: by name in a package, or in a user's own file.

A file is imported under a name of its own, `vmrace_file_<stem>`, so that its functions are module-level
functions with a qualified name. What goes wrong in it is reported as its own error, with its line, and never
as a traceback.
"""

import difflib
import importlib
import importlib.util
import itertools
import pkgutil
import sys
import traceback
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from actors.runtime.errors import VmraceError
from actors.runtime.scenario import Scenario


def load(spec: str, package: str) -> Scenario:
    """Return the scenario that `spec` names: a name in `package`, `file.py`, or `file.py:name`.

    Raises VmraceError: no such scenario (with the nearest names), no such file, or a file that does not
    import.
    """
    path, colon, name = spec.partition(".py:")
    if colon:
        return _from_file(Path(path + ".py"), name)
    if spec.endswith(".py") or "/" in spec:
        return _from_file(Path(spec), None)
    found = named(spec, package)
    if found is None:
        if _kind(Path(spec)) == "directory":
            return _from_file(Path(spec), None)  # which says so
        known = built_in(package)
        near = difflib.get_close_matches(spec, known, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
        raise VmraceError(f"no scenario is called {spec!r}; {hint}")
    return found


def named(name: str, package: str) -> Scenario | None:
    """Return the scenario of that name in a package; its other modules are imported only if it is in one of them."""
    if name.isidentifier() and importlib.util.find_spec(f"{package}.{name}") is not None:
        found = _scenarios(importlib.import_module(f"{package}.{name}"))
        if name in found:
            return found[name]
    return built_in(package).get(name)


def built_in(package: str) -> dict[str, Scenario]:
    """Return the scenarios of a package's modules, by name."""
    home = importlib.import_module(package)
    found: dict[str, Scenario] = {}
    for info in sorted(pkgutil.iter_modules(home.__path__), key=lambda one: one.name):
        found.update(_scenarios(importlib.import_module(f"{package}.{info.name}")))
    return found


def _scenarios(module: ModuleType) -> dict[str, Scenario]:
    return {value.name: value for value in vars(module).values() if isinstance(value, Scenario)}


def _kind(path: Path) -> str:
    """Return what is at a path: a file, a directory, nothing, or why that cannot be known."""
    try:
        if path.is_dir():
            return "directory"
        return "file" if path.is_file() else "nothing"
    except OSError as error:  # a name that is too long, a directory that may not be entered
        return error.strerror or type(error).__name__


def _from_file(path: Path, name: str | None) -> Scenario:
    kind = _kind(path)
    if kind == "directory":
        raise VmraceError(f"{path}: this is a directory, not a file")
    if kind != "file":
        raise VmraceError(f"{path}: {'there is no such file' if kind == 'nothing' else kind}")
    module = _import(path)
    found = {one.name: one for one in _scenarios(module).values() if one.module == module.__name__}
    names = ", ".join(found)
    if not found:
        raise VmraceError(f"{path}: there is no scenario in it (a function under @scenario())")
    if name is None:
        if len(found) > 1:
            raise VmraceError(
                f"{path}: there are several scenarios in it; say which: {path}:NAME, with NAME one of {names}"
            )
        return next(iter(found.values()))
    if name not in found:
        raise VmraceError(f"{path}: no scenario in it is called {name!r}; it has {names}")
    return found[name]


_LOADED = itertools.count(1)


class _AsItIs(SourceFileLoader):
    """Compiles a file each time: bytecode is told to be of another text by its age in seconds and its size alone."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the file as it is now."""
        del fullname
        return self.source_to_code(self.get_data(self.path), self.path)


def _import(path: Path) -> ModuleType:
    # Each loading is a module of its own, or the functions of an earlier one would no longer be at module level.
    module_name = f"vmrace_file_{next(_LOADED)}_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, loader=_AsItIs(module_name, str(path)))
    if spec is None or spec.loader is None:
        raise VmraceError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except VmraceError as error:
        raise VmraceError(f"{path}: {error}") from error
    except SyntaxError as error:
        line = f":{error.lineno}" if error.lineno else ""  # a file that is no text has no lines
        raise VmraceError(f"{error.filename or path}{line}: SyntaxError: {error.msg}") from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # whatever a user's file raises
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename).resolve() == path.resolve()
        ]
        where = f"{path}:{lines[-1]}" if lines else str(path)
        raise VmraceError(f"{where}: {type(error).__name__}: {error}") from None
    finally:
        sys.path.pop(0)
    return module
