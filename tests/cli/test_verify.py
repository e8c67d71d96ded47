"""`vmrace verify`: what it says, what it answers, and what it refuses."""

import os
import pty
import signal
import threading

import pytest


def test_a_proof_prints_its_bounds_in_the_same_line(vmrace):
    status, out, err = vmrace("verify", "w1", "-p", "fixed=true")
    assert (status, err) == (0, "")
    first = " ".join(out.partition("\n\n")[0].split())
    assert first.startswith(
        "w1: proved, in every order of actors exchanging messages; cpus=1, fixed=true; external interrupt 2; "
        "sequential consistency, one message a step (228 states, 261 transitions, 27 steps deep, "
    )
    assert "Met       an exit lands inside the guest's #NM window" in out
    assert "Not run   w1.py:" in out
    assert all(len(line) <= 75 for line in out.splitlines())


def test_a_counterexample_is_drawn_and_replays(vmrace):
    status, out, _ = vmrace("verify", "w1")
    assert status == 1
    assert out.startswith("w1: violated, the shortest counterexample has 6 steps (34 states")
    assert "=> violated: task0 reads its own bit" in out
    token = next(line.split()[-1] for line in out.splitlines() if "vmrace replay" in line)
    status, replayed, _ = vmrace("replay", token)
    assert status == 1
    assert replayed.partition("\n\n")[2] == out.partition("\n\n")[2]


def test_a_counterexample_is_drawn_while_buffers_are_not_allocated_yet(vmrace):
    status, out, err = vmrace("verify", "xfd_err_leak", "-p", "swap=xfd")
    assert (status, err) == (1, "")
    assert out.startswith("xfd_err_leak: violated, the shortest counterexample has 16 steps (103")
    status, out, err = vmrace("verify", "xfd_err_leak", "-p", "swap=xfd", "--condition", "S1")
    assert (status, err) == (1, "")
    assert "=> guest: unexpected #NM exception" in out


def test_the_counterexample_has_the_fewest_steps_and_then_the_fewest_switches(vmrace, vmrace_json):
    _, shortest = vmrace_json("verify", "tile_state_survives", "-p", "swap=none")
    _, calmest = vmrace_json("verify", "tile_state_survives", "-p", "swap=none", "--minimise")
    assert shortest["steps"] == 86
    assert calmest["steps"] == 86, "the length of the shortest, whatever is shown"
    assert calmest["token"] != shortest["token"]
    _, out, _ = vmrace("verify", "tile_state_survives", "-p", "swap=none", "--minimise")
    first = " ".join(out.partition("\n\n")[0].split())
    assert "the shortest counterexample has 86 steps" in first
    assert first.endswith("s); the fewest context switches: 8, with 1 event, 103 steps")
    _, replayed, _ = vmrace("replay", calmest["token"])
    assert replayed.partition("\n\n")[2] == out.partition("\n\n")[2]


def test_the_object_has_every_field(vmrace_json):
    status, found = vmrace_json("verify", "lost_update")
    assert status == 1
    assert found["verdict"] == "violated"
    assert (found["states"], found["transitions"], found["steps"]) == (28, 38, 6)
    assert found["violated"] == ["every increment counts"]
    assert found["kind"] == "symptom"
    assert found["executions"] is None
    assert found["token"].startswith("v1.lost_update.")
    status, found = vmrace_json("verify", "lost_update", "-p", "locked=true")
    assert (status, found["verdict"], found["violated"], found["token"]) == (0, "proved", [], None)
    assert found["sometimes"] == {"a thread stands between its load and its store": True}


def test_classes_are_counted_with_the_prefixes_begun_for_nothing(vmrace, vmrace_json):
    status, out, _ = vmrace("verify", "two_phase_commit", "-p", "rms=3", "--classes")
    assert status == 0
    assert "(452 classes of executions, 860 blocked prefixes, 288 states, 2,707" in " ".join(out.split())
    status, found = vmrace_json("verify", "w1", "-p", "fixed=true", "--classes", "--expect")
    assert (status, found["executions"], found["blocked"], found["states"]) == (0, 199, 0, 228)
    status, found = vmrace_json("verify", "lost_update", "--classes")
    assert (status, found["violated"], found["steps"]) == (1, ["every increment counts"], 6)


def test_a_reduced_search_says_so_and_stores_less(vmrace, vmrace_json):
    status, out, _ = vmrace("verify", "w1", "-p", "fixed=true", "--reduce", "--expect")
    assert status == 0
    assert " states stored of " in " ".join(out.split())
    assert " met by a reduced search, " in " ".join(out.split())
    status, found = vmrace_json("verify", "w1", "-p", "fixed=true", "--reduce")
    assert (status, found["verdict"]) == (0, "proved")
    assert found["states"] < 228
    status, found = vmrace_json("verify", "w1", "--reduce", "--expect")
    assert (status, found["verdict"], found["steps"]) == (0, "violated", 6)
    status, _, err = vmrace("verify", "w1", "--reduce", "--classes")
    assert status == 2
    assert "--classes and --reduce are two ways of searching" in " ".join(err.split())


def test_endless_executions_have_no_classes(vmrace_json, tmp_path):
    path = tmp_path / "round.py"
    path.write_text(ROUND)
    status, found = vmrace_json("verify", path, "--classes")
    assert (status, found["verdict"]) == (3, "inconclusive")
    assert "a state leads back to itself" in found["message"]


ROUND = """
from actors.runtime import World, become, scenario

async def again(x):
    await x.store(0)
    return become(again, x)

@scenario
def round_and_round() -> World:
    world = World()
    world.program(again, world.variable("x", 0))
    return world
"""


def test_classes_refuses_what_is_for_fingerprints(vmrace):
    for option in (("--confirm",), ("--max-memory", 1)):
        status, _, err = vmrace("verify", "w1", "--classes", *option)
        assert status == 2
        assert "--classes keeps all states as they are" in " ".join(err.split())


def test_going_on_names_all_that_breaks(vmrace_json):
    status, found = vmrace_json("verify", "dining_philosophers", "--keep-going")
    assert (status, found["violated"]) == (1, ["deadlock"])


def test_expect_compares_with_the_case(vmrace):
    assert vmrace("verify", "lost_update", "--expect")[0] == 0
    assert vmrace("verify", "w1", "-p", "fixed=true", "--expect")[0] == 0
    status, out, _ = vmrace("verify", "w1", "-p", "fixed=true", "--expect", "--max-states", 10)
    assert status == 1
    assert "not as its case declares: inconclusive, not proved" in " ".join(out.split())


def test_a_limit_is_inconclusive(vmrace, vmrace_json):
    status, out, _ = vmrace("verify", "w1", "-p", "fixed=true", "--max-states", 20)
    assert status == 3
    assert "inconclusive, ended by the limit on states after " in " ".join(out.split())
    for option in ("--max-memory", "--max-seconds"):
        status, found = vmrace_json("verify", "w1", "-p", "fixed=true", option, 0.0001)
        assert (status, found["verdict"]) == (3, "inconclusive")


def test_confirm_searches_twice_and_says_the_chance(vmrace):
    status, out, _ = vmrace("verify", "w1", "-p", "fixed=true", "--confirm")
    assert status == 0
    assert "Chance    at most 1.4e-15 that a state was taken for another" in out


def test_keep_going_names_all_that_is_broken(vmrace, vmrace_json):
    _, out, _ = vmrace("verify", "w1", "--keep-going")
    assert "Broken    guest0 reads its own bit\n          task0 reads its own bit" in out
    _, found = vmrace_json("verify", "w1", "--keep-going")
    assert found["violated"] == ["guest0 reads its own bit", "task0 reads its own bit"]
    assert found["states"] == 198


def test_a_users_own_file_is_verified(vmrace, race):
    status, out, _ = vmrace("verify", race)
    assert status == 1
    assert "an increment was lost" in out
    assert f"{race}" in out.replace("\n", "")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["w2"], "no scenario is called 'w2'"),
        ([], "name one scenario, or give --all"),
        (["w1", "--all"], "name one scenario, or give --all"),
        (["--all", "--minimise"], "name one scenario, or give --all"),
        (["--all", "-p", "cpus=1"], "name one scenario, or give --all"),
        (["w1", "-p", "cpus=9"], "parameter cpus is a whole number, at least 1, at most 3, not '9'"),
        (["w1", "--max-memory", "inf"], "'--max-memory': inf is not a finite number"),
        (["w1", "--max-seconds", "nan"], "'--max-seconds': nan is not a finite number"),
        (["w1", "--max-states", "0"], "not in the range x>=1"),
        (["w1", "-p", "cpus=3", "--expect"], "w1 has no case with these parameters"),
        (["w1", "--condition", "nobody"], "no condition is called 'nobody'"),
    ],
)
def test_what_cannot_be_verified_is_refused_in_a_line(vmrace, given, says):
    status, out, err = vmrace("verify", *given)
    assert (status, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def drain(terminal):
    """Read what a terminal shows until nobody writes to it any more."""
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass
    os.close(terminal)


def test_ctrl_c_ends_a_search_with_what_was_covered(start):
    master, slave = pty.openpty()
    process = start("verify", "w1", "-p", "cpus=3", "-p", "fixed=true", "--json", stderr=slave, TERM="xterm")
    os.close(slave)
    shown = b""
    while b"frontier" not in shown:  # whole frontiers are under way
        shown += os.read(master, 65536)
    process.send_signal(signal.SIGINT)
    reader = threading.Thread(target=drain, args=(master,))
    reader.start()
    out, _ = process.communicate(timeout=60)
    reader.join()
    assert process.returncode == 130
    assert '"verdict":"inconclusive"' in out
    assert "stopped by Ctrl-C" in out
