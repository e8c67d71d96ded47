"""Bad input: each with one clear line on standard error and exit status 2, and never a traceback."""

import json

import pytest

from actors.cli import commands
from actors.runtime.watchdog import Watchdog


@pytest.fixture
def refused(vmrace):
    """Call with bad input and return the line."""

    def call(*arguments):
        status, out, err = vmrace(*arguments)
        assert (status, out) == (2, "")
        assert err.startswith("vmrace: ")
        assert err.count("\n") == 1
        status, out, err_with_json = vmrace(*arguments, "--json")
        answer = json.loads(out)
        assert status == 2
        assert answer["verdict"] is None
        assert f"vmrace: {answer['message']}\n" == err_with_json == err
        return err

    return call


def test_unknown_scenario(refused):
    assert "no scenario is called 'lost_updat'; did you mean lost_update" in refused("explore", "lost_updat")
    assert "no scenario is called 'zzzzz'; there are " in refused("run", "zzzzz")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("m=1", "scenario lost_update has no parameter 'm'"),
        ("lockd=true", "did you mean locked?"),
        ("n=two", "parameter n is a whole number, at least 1, at most 8, not 'two'"),
        ("n=0", "not '0'"),
        ("n=9", "not '9'"),
        ("n=1.5", "not '1.5'"),
        ("n=", "not ''"),
        ("locked=yes", "parameter locked is true or false, not 'yes'"),
        ("locked", "-p takes name=value, not 'locked'"),
        ("=1", "-p takes name=value, not '=1'"),
    ],
)
def test_parameters(refused, given, told):
    for command in ("explore", "run"):
        assert told in refused(command, "lost_update", "-p", given)


KERNEL = """
from actors.runtime import scenario
from actors.system import Machine
from actors.system.tasks import busy_task

@scenario()
def my_kernel(fixes: str = "shipped", mutant: str = "") -> Machine:
    world = Machine(fixes=fixes, mutant=mutant)
    world.host_task(busy_task, name="task")
    return world
"""


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("fixes=-388eff894d6c", "no switch is called '388eff894d6c'; did you mean 388eff894d6b"),
        ("fixes=non", "fixes: 'non' is no start of a choice; did you mean none"),
        ("fixes=none,388eff894d6b", "says neither + nor -"),
        ("mutant=owner_keep", "no mutant is called 'owner_keep'; did you mean owner_kept"),
    ],
)
def test_switches_of_the_kernel(refused, tmp_path, given, told):
    path = tmp_path / "my_kernel.py"
    path.write_text(KERNEL)
    for command in ("explore", "verify"):
        assert told in refused(command, path, "-p", given)


def test_a_parameter_twice(refused):
    assert "-p gives n twice" in refused("run", "lost_update", "-p", "n=1", "-p", "n=2")


def test_no_command(vmrace):
    assert vmrace() == (2, "", "vmrace: Missing command (`vmrace -h` shows what there is)\n")


@pytest.mark.parametrize("count", ["0", "-1", "-100", "ten", "1.5", ""])
def test_executions(refused, count):
    assert "'--executions'" in refused("explore", "lost_update", "--executions", count)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("explor",), "No such command 'explor'"),
        (("explore",), "Missing argument"),
        (("explore", "lost_update", "--sed", "1"), "--sed"),
        (("explore", "lost_update", "more"), "unexpected extra argument"),
        (("explore", "lost_update", "--seed", "x"), "'--seed'"),
        (
            ("explore", "lost_update", "--strategy", "clever"),
            "no strategy is called 'clever'; there are portfolio, fresh",
        ),
        (("explore", "lost_update", "--condition", "zzz"), "no condition is called 'zzz'; there are"),
        (("replay",), "Missing argument"),
    ],
    ids=str,
)
def test_usage(refused, arguments, told):
    assert told.lower() in refused(*arguments).lower()


# Tokens.


@pytest.fixture
def token(vmrace_json, race):
    return vmrace_json("explore", race, "--seed", 2)[1]["token"]


def test_a_token_that_is_none(refused):
    assert "'lost_update' is not a token" in refused("replay", "lost_update")


def test_a_damaged_token(refused, token, race):
    assert "damaged token: " in refused("replay", token[:-3], race)
    assert "damaged token: " in refused("replay", token.replace("my_race", "your_race"), race)


def test_a_token_of_another_format(refused, token):
    assert "this token has format 7" in refused("replay", token.replace("v1.", "v7.", 1))


def test_a_token_of_another_scenario(refused, token):
    assert "this token is of scenario my_race, and not of lost_update" in refused(
        "replay", token, "lost_update"
    )


def test_a_token_of_a_file_without_the_file(refused, token):
    assert "this token is of my_race, which is no scenario of vmrace" in refused("replay", token)


def test_a_token_whose_scenario_was_edited(refused, token, race):
    race.write_text(race.read_text().replace("await x.load() + 1)", "await x.load() + 2)"))
    assert "the token diverges at step " in refused("replay", token, race)


def test_a_token_whose_scenario_takes_more_steps_now(refused, vmrace_json, race):
    race.write_text(race.read_text().replace("await add(x)\n", "for _ in range(9):\n        await add(x)\n"))
    token = vmrace_json("explore", race)[1]["token"]
    race.write_text(race.read_text().replace("range(9)", "range(11)"))
    assert "the token diverges between steps " in refused("replay", token, race)


# Files.


def test_a_file_that_is_not_there(refused, tmp_path):
    assert "there is no such file" in refused("explore", tmp_path / "nothing.py")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            "import nothing_of_this_name",
            "race.py:1: ModuleNotFoundError: No module named 'nothing_of_this_name'",
        ),
        ("x = 1\n\ny = 1 / 0\n", "race.py:3: ZeroDivisionError: division by zero"),
        ("def f(:\n", "race.py:1: SyntaxError"),
        ("raise SystemExit(7)", "race.py:1: SystemExit: 7"),
        ("x = 1", "there is no scenario in it"),
        (
            "from actors.runtime import scenario\n@scenario()\ndef f(n): ...",
            "parameter n needs a type and a default",
        ),
    ],
)
def test_a_file_that_does_not_import(refused, race, source, told):
    race.write_text(source)
    assert told in refused("explore", race)


def test_several_scenarios_in_one_file(refused, vmrace, race):
    race.write_text(
        race.read_text().replace("my_race", "first") + race.read_text().replace("my_race", "second")
    )
    assert "there are several scenarios in it; say which" in refused("explore", race)
    assert "no scenario in it is called 'third'; it has first, second" in refused("explore", f"{race}:third")
    assert vmrace("explore", f"{race}:second")[0] == 1


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (
            "world = World() if top else 1 / 0",
            "race.py:22: scenario my_race builds no world: ZeroDivisionError",
        ),
        ("return top", "scenario my_race returned int, not a World"),
    ],
)
def test_a_scenario_that_builds_no_world(refused, race, broken, told):
    race.write_text(race.read_text().replace("world = World()", broken))
    assert told in refused("explore", race, "-p", "top=0")


def test_a_scenario_that_never_ends_building(refused, race, monkeypatch):
    monkeypatch.setattr(Watchdog, "limit", 0.2)
    race.write_text(
        race.read_text().replace("world = World()", "world = World()\n    while True:\n        pass")
    )
    said = refused("explore", race)
    assert "scenario my_race builds no world: it did not end, and was stopped by the watchdog" in said
    assert "race.py:23: " in said or "race.py:24: " in said


def test_a_program_that_awaits_something_else(refused, race):
    race.write_text("import trio\n" + race.read_text().replace("await y.wait_for(2)", "await trio.sleep(0)"))
    assert "which is not a vmrace message" in refused("explore", race)


# What must not happen.


def test_an_internal_error_is_one_line_too(vmrace, monkeypatch):
    def broken(*_args, **_more):
        raise LookupError("of all things")

    monkeypatch.setattr(commands, "load", broken)
    status, out, err = vmrace("explore", "lost_update")
    assert (status, out) == (4, "")
    assert (
        err
        == "vmrace: internal error: LookupError: of all things (a bug in vmrace; VMRACE_DEBUG=1 shows where)\n"
    )
    monkeypatch.setenv("VMRACE_DEBUG", "1")
    assert "Traceback" in vmrace("explore", "lost_update")[2]


def test_a_finding_that_does_not_reproduce(vmrace, vmrace_json, race):
    race.write_text(
        race.read_text()
        .replace("@scenario()", "BUILT = []\n\n\n@scenario()")
        .replace("world = World()", "world = World()\n    BUILT.append(1)")
        .replace("world.program(check, x, y)", "world.program(check, x, y) if len(BUILT) < 3 else None")
    )
    status, out, _ = vmrace("explore", race, "--seed", 2)
    assert status == 4
    assert "did not reproduce (check: AssertionError)" in out
    status, answer = vmrace_json("explore", race, "--seed", 2)
    assert (status, answer["verdict"], answer["token"]) == (4, "inconclusive", None)
    assert answer["message"].endswith("this is a bug in vmrace")
