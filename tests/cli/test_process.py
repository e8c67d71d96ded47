"""The command as a process: the same answer everywhere, Ctrl-C, broken pipes, and what importing costs."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from actors.cli import commands
from actors.cli.interrupt import stop_on_interrupt

WAIT = 60


def test_the_same_seed_gives_the_same_token_under_any_hash_seed(start):
    processes = [
        start("explore", "lost_update", "-p", "n=3", "--seed", "5", "--json", hash_seed=seed)
        for seed in "0123"
    ]
    answers = [json.loads(process.communicate(timeout=WAIT)[0]) for process in processes]
    assert len({answer["token"] for answer in answers}) == 1
    assert answers[0]["verdict"] == "violated"


def test_a_token_is_replayed_in_another_process(start):
    out, _ = start("explore", "lost_update", "--seed", "1").communicate(timeout=WAIT)
    command = next(line for line in out.splitlines() if line.startswith("vmrace replay"))
    process = start(*command.split()[1:])
    again, _ = process.communicate(timeout=WAIT)
    assert process.returncode == 1
    assert again.partition("\n\n")[2] == out.partition("\n\n")[2]


ENDLESS = """
import sys
from actors.runtime import World, scenario


async def wander(x):
    print("running", file=sys.stderr, flush=True)
    for _ in range(1500):
        await x.load()


@scenario()
def slow() -> World:
    world = World()
    world.program(wander, world.variable("x", 0))
    return world
"""


@pytest.fixture
def interrupted(start, tmp_path):
    """Press Ctrl-C when programs have begun to run so many times."""

    def call(command, *arguments, after=1):
        path = tmp_path / "slow.py"
        path.write_text(ENDLESS)
        process = start(command, str(path), *arguments)
        for _ in range(after):
            assert process.stderr.readline() == "running\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT)
        assert "Traceback" not in err
        assert set(err.split()) <= {"running"}
        return process.returncode, " ".join(out.split())

    return call


def test_ctrl_c_ends_exploring_with_what_was_done(interrupted):
    status, out = interrupted("explore", "--driver", "trio", "--executions", "1000000", after=20)
    assert status == 130
    told = r"slow: inconclusive in (\d+) executions, [\d.]+s; stopped by Ctrl-C after (\d+) of 1000000 executions"
    done = re.match(told, out)
    assert done is not None
    assert int(done[1]) == int(done[2]) >= 5
    assert "Model " in out


def test_ctrl_c_ends_exploring_on_tables(start, tmp_path):
    path = tmp_path / "quick.py"
    path.write_text(ENDLESS.replace('print("running", file=sys.stderr, flush=True)', "pass", 1))
    process = start("explore", str(path), "--executions", "1000000000", "--json")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=3)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=WAIT)
    assert process.returncode == 130
    assert json.loads(out)["verdict"] == "inconclusive"
    assert "stopped by Ctrl-C after" in json.loads(out)["message"]


def test_ctrl_c_with_json(interrupted):
    status, out = interrupted("explore", "--driver", "trio", "--executions", "1000000", "--json", after=20)
    answer = json.loads(out)
    assert answer["executions"] >= 5
    assert status == 130
    assert answer["verdict"] == "inconclusive"
    assert answer["message"] == f"stopped by Ctrl-C after {answer['executions']} of 1000000 executions"


def test_ctrl_c_ends_a_free_search(interrupted):
    status, out = interrupted("explore", "--executions", "1000000", "--free", after=8)
    assert status == 130
    assert "1 distinct order" in out
    assert "stopped by Ctrl-C" in out


def test_ctrl_c_ends_a_run_between_two_steps(interrupted):
    assert interrupted("run") == (130, "slow: stopped by Ctrl-C before the execution ended")


def test_the_first_ctrl_c_asks():
    before = signal.getsignal(signal.SIGINT)
    with stop_on_interrupt() as stop:
        assert not stop()
        signal.raise_signal(signal.SIGINT)
        assert stop()
    assert signal.getsignal(signal.SIGINT) is before


STUBBORN = """
def stubborn():
    import sys
    while True:
        try:
            print("running", file=sys.stderr, flush=True)
            while True:
                int("1")
        except BaseException as error:
            print(type(error).__name__, file=sys.stderr, flush=True)
"""


@pytest.mark.parametrize("where", ["import", "build", "program"])
def test_the_second_ctrl_c_insists(start, tmp_path, where):
    path = tmp_path / "slow.py"
    at = {"import": "\n@scenario", "build": "\n    world = World()", "program": "\n    print("}[where]
    indent = "" if where == "import" else "    "
    path.write_text(STUBBORN + ENDLESS.replace(at, f"\n{indent}stubborn(){at}"))
    process = start("explore", str(path), "--json")
    assert process.stderr.readline() == "running\n"
    process.send_signal(signal.SIGINT)
    if where == "import":
        assert process.stderr.readline() == "KeyboardInterrupt\n"
        assert process.stderr.readline() == "running\n"
    else:
        time.sleep(0.2)  # the first one is noted, and nothing tells
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=WAIT)
    assert (out, err) == ("", "vmrace: ended at once by a second Ctrl-C\n")
    assert process.returncode == 130


def test_outside_the_main_thread_nobody_listens_to_signals():
    asked = []

    def work():
        with stop_on_interrupt() as stop:
            asked.append(stop())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert asked == [False]


def test_ctrl_c_at_any_other_time(vmrace, monkeypatch):
    def pressed(*_args, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "load", pressed)
    assert vmrace("run", "lost_update") == (130, "", "vmrace: stopped by Ctrl-C\n")

    def grouped(*_args, **_more):
        raise BaseExceptionGroup("tasks", [KeyboardInterrupt()])

    monkeypatch.setattr(commands, "load", grouped)
    assert vmrace("run", "lost_update") == (130, "", "vmrace: stopped by Ctrl-C\n")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("list",), 0),
        (("run", "lost_update", "-p", "locked=true"), 0),
        (("explore", "lost_update", "--seed", "1"), 1),
        (("explore", "-h"), 0),
        (("list", "--json"), 0),
    ],
    ids=str,
)
def test_nobody_reads_the_output(start, arguments, status):
    process = start(*arguments)
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=WAIT) == status
    process.stderr.close()


@pytest.mark.parametrize(
    "arguments", [("list",), ("explore", "lost_update", "--json"), ("explore", "-h")], ids=str
)
def test_an_output_that_cannot_be_written_is_no_violation(start, arguments):
    with Path("/dev/full").open("w") as full:
        process = start(*arguments, stdout=full)
    assert process.communicate(timeout=WAIT)[1] == (
        "vmrace: cannot write the answer: No space left on device\n"
    )
    assert process.returncode == 4


UNUSUAL = """
from actors.runtime import World, scenario


async def stores(x):
    await x.store(1)


@scenario()
def unusual() -> World:
    world = World()
    x = world.variable("x", 0)
    world.program(stores, x)
    world.sometimes("caf\u00e9 \U0001f600", lambda x: x == 1, x)
    return world
"""


def test_an_output_that_lacks_a_character_is_written_all_the_same(start, tmp_path):
    path = tmp_path / "unusual.py"
    path.write_text(UNUSUAL, encoding="utf-8")
    process = start("explore", str(path), "--executions", "3", PYTHONIOENCODING="ascii")
    out, err = process.communicate(timeout=WAIT)
    assert (process.returncode, err) == (0, "")
    assert r"caf\xe9 \U0001f600" in out
    process = start("explore", str(path), "--executions", "3", "--json", PYTHONIOENCODING="ascii")
    answer = json.loads(process.communicate(timeout=WAIT)[0])
    assert answer["sometimes"] == {"caf\u00e9 \U0001f600": True}


@pytest.mark.parametrize("module", ["actors.cli", "actors.explore", "actors.observe.report"])
def test_importing_takes_no_time(module):
    slow = "trio", "numpy", "hypothesis", "jinja2"
    code = f"import sys, {module}; print([name for name in {slow} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "needless"),
    [
        (["verify", "w1"], ["numpy", "scenarios.xfd_err_leak"]),
        (["verify", "w1", "-p", "fixed=true"], ["numpy", "trio"]),
        (["verify", "two_phase_commit", "-p", "rms=5"], ["trio"]),
        (["list"], ["numpy", "trio"]),
    ],
    ids=str,
)
def test_a_command_imports_what_it_needs(arguments, needless):
    """A small world needs no NumPy, a proof no Trio, and a scenario none of the others."""
    code = (
        f"import sys; from actors.cli import main; main({arguments}); "
        f"print([name for name in {needless} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


COLLECTED = """
import gc, sys
from actors.cli import main
sys.argv = ["vmrace", "list"]
before = gc.get_threshold()[0]
main({arguments})
print(gc.get_freeze_count() > 10_000, gc.get_threshold()[0] > before)
"""


@pytest.mark.parametrize(("arguments", "expected"), [("", "True True"), ("['list']", "False False")])
def test_nobody_looks_for_garbage_at_the_end_of_a_process_and_only_there(arguments, expected):
    """Whoever calls the command from a program of his own goes on, with the collector as it was."""
    code = COLLECTED.format(arguments=arguments)
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == expected


@pytest.mark.parametrize(
    "arguments", [["-h"], ["--help"], ["explore", "-h"], ["replay", "--help"], ["--version"]], ids=str
)
def test_help_and_version(vmrace, arguments):
    status, out, err = vmrace(*arguments)
    assert (status, err) == (0, "")
    assert out.startswith("vmrace " if "--version" in arguments else "Usage: vmrace")


def test_help_is_enough_to_work_with(vmrace):
    _, out, _ = vmrace("-h")
    for part in (
        "list",
        "run",
        "explore",
        "replay",
        "Examples:",
        "vmrace replay TOKEN",
        "Exit status: 0",
        "130 Ctrl-C",
    ):
        assert part in out
    _, out, _ = vmrace("explore", "-h")
    for option in (
        "-p",
        "--strategy",
        "--seed",
        "--executions",
        "--keep-going",
        "--condition",
        "--free",
        "--json",
    ):
        assert option in out


def test_progress_is_shown_on_a_terminal_and_only_there(start):
    master, slave = pty.openpty()
    process = start(
        "explore", "lost_update", "-p", "locked=true", "--executions", "300", stderr=slave, TERM="xterm"
    )
    os.close(slave)
    out, _ = process.communicate(timeout=WAIT)
    shown = os.read(master, 65536).decode()
    os.close(master)
    assert "lost_update" in shown
    assert out.startswith("lost_update: not found in 300 executions")
    piped = start("explore", "lost_update", "-p", "locked=true", "--executions", "300")
    assert piped.communicate(timeout=WAIT)[1] == ""
