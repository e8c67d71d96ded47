"""Finding scenarios by name or file; each mistake is one line that says where."""

import os
import sys
from pathlib import Path

import pytest

from actors.explore.proving.small import search_small
from actors.explore.tables.tables import Tables
from actors.runtime.errors import VmraceError
from actors.runtime.loading import built_in, load

GOOD = """
from actors.runtime import World, scenario
from scenarios.lost_update import lost_update

async def stores(x):
    await x.store(1)

@scenario()
def mine() -> World:
    '''Is it mine?'''
    world = World()
    world.program(stores, world.variable("x", 0))
    return world
"""
TWO = GOOD + GOOD[GOOD.index("@scenario") :].replace("mine", "yours")


@pytest.fixture
def file(tmp_path):
    def write(text, name="race.py"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_by_name():
    assert load("lost_update", "scenarios").name == "lost_update"
    assert set(built_in("scenarios")) >= {"lost_update", "dining_philosophers"}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of two modules, one of them called as its first scenario is."""
    home = tmp_path / "questions"
    home.mkdir()
    (home / "__init__.py").write_text("")
    (home / "mine.py").write_text(TWO)
    (home / "others.py").write_text(GOOD.replace("mine", "theirs"))
    monkeypatch.syspath_prepend(tmp_path)
    yield home.name
    for name in [name for name in sys.modules if name.partition(".")[0] == home.name]:
        del sys.modules[name]


def test_a_module_called_as_its_scenario_is_the_only_one_imported(package):
    assert load("mine", package).name == "mine"
    assert f"{package}.others" not in sys.modules


def test_a_scenario_in_a_module_of_another_name_is_found_too(package):
    assert [load(name, package).name for name in ("theirs", "yours")] == ["theirs", "yours"]
    for name in ("others", "questions", "__init__", "mine.mine", "no such"):
        with pytest.raises(VmraceError, match="no scenario is called"):
            load(name, package)


@pytest.mark.parametrize(
    ("name", "says"), [("lost_updat", "did you mean lost_update"), ("zzzzz", "there are .*lost_update")]
)
def test_a_name_that_there_is_not(name, says):
    with pytest.raises(VmraceError, match=f"no scenario is called '{name}'; {says}"):
        load(name, "scenarios")


def test_by_file_where_what_is_imported_does_not_count(file, run):
    mine = load(file(GOOD), "scenarios")
    assert mine.name == "mine"
    assert run(mine(), checked=True).ending == "finished"
    assert load(file(TWO) + ":yours", "scenarios").name == "yours"


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        (TWO, "", r"race\.py: there are several scenarios in it; .*NAME one of mine, yours"),
        (TWO, ":hers", r"race\.py: no scenario in it is called 'hers'; it has mine, yours"),
        ("x = 1\n", "", r"race\.py: there is no scenario in it"),
        ("x = 1\nx = (\n", "", r"race\.py:2: SyntaxError: '\(' was never closed"),
        ("x = 1\n\nx = 1 // 0\n", "", r"race\.py:3: ZeroDivisionError: "),
        ("import no_such_module\n", "", r"race\.py:1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)\n", "", r"race\.py:1: SystemExit: 3"),
        ("class Own(BaseException): ...\nraise Own(7)\n", "", r"race\.py:2: Own: 7"),
        (
            GOOD.replace("() -> World", "(n) -> World"),
            "",
            r"race\.py: scenario mine: parameter n needs a type",
        ),
    ],
)
def test_a_file_that_is_no_good(text, name, says, file):
    with pytest.raises(VmraceError, match=says):
        load(file(text) + name, "scenarios")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(VmraceError, match=r"race.py: there is no such file"):
        load(str(tmp_path / "race.py"), "scenarios")


def test_a_relative_path_names_the_line_too(file, monkeypatch, tmp_path):
    file("x = 1 // 0\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(VmraceError, match=r"race\.py:1: ZeroDivisionError"):
        load("race.py", "scenarios")


def test_a_file_finds_what_lies_beside_it(file):
    file("LIMIT = 3\n", "beside_the_race.py")
    assert load(file("from beside_the_race import LIMIT\n" + GOOD), "scenarios").name == "mine"


def test_a_file_that_is_no_text(file):
    for text in ("\0\1\2", "x = 1\0\n"):
        with pytest.raises(VmraceError, match=r"race\.py(:1)?: (SyntaxError|ValueError): .*null bytes"):
            load(file(text), "scenarios")


def test_a_path_that_is_too_long(tmp_path):
    with pytest.raises(VmraceError, match=r"x\.py: File name too long"):
        load(str(tmp_path / ("x" * 300 + ".py")), "scenarios")
    with pytest.raises(VmraceError, match="no scenario is called 'xxx"):
        load("x" * 300, "scenarios")


def test_a_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "races.py").mkdir()
    for spec in (str(tmp_path), "races.py", "races.py:mine", "."):
        with pytest.raises(VmraceError, match=": this is a directory, not a file"):
            load(spec, "scenarios")


def test_ctrl_c_while_a_file_is_imported_is_not_the_files_mistake(file):
    with pytest.raises(KeyboardInterrupt):
        load(file("raise KeyboardInterrupt\n"), "scenarios")


def test_a_file_that_is_loaded_again_leaves_the_earlier_scenario_whole(tmp_path):
    path = tmp_path / "spawning.py"
    path.write_text(SPAWNING)
    first, second = load(f"{path}:one", "scenarios"), load(f"{path}:two", "scenarios")
    for scenario in (first, second):
        with Tables(scenario()) as tables:
            assert search_small(tables).log is None


SPAWNING = '''
from actors.runtime import World, scenario, spawn


async def child(x):
    await x.store(1)


async def parent(x):
    await spawn(child, x)


def build():
    world = World()
    world.program(parent, world.variable("x", 0))
    return world


@scenario
def one() -> World:
    """One?"""
    return build()


@scenario
def two() -> World:
    """Two?"""
    return build()
'''


def test_a_file_that_is_edited_within_a_second_is_what_it_is_now(file, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = file(GOOD)
    assert "Is it mine?" in load(path, "scenarios").question
    when = Path(path).stat().st_mtime_ns
    file(GOOD.replace("Is it mine?", "Is it ours?"))
    os.utime(path, ns=(when, when))
    assert "Is it ours?" in load(path, "scenarios").question
