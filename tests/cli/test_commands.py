"""What the commands say and answer when all is well."""

import pytest

FIELDS = [
    "scenario",
    "parameters",
    "verdict",
    "violated",
    "kind",
    "sometimes",
    "states",
    "transitions",
    "executions",
    "steps",
    "seconds",
    "token",
    "message",
    "window",
    "flip",
    "hopeless",
    "needs",
    "blocked",
]
BETWEEN = "a thread stands between its load and its store"


def token_in(text):
    return next(line.split()[2] for line in text.splitlines() if line.startswith("vmrace replay"))


def after_the_summary(text):
    return text.partition("\n\n")[2]


def test_explore_prints_a_summary_the_chart_and_what_stands_below(vmrace):
    status, out, err = vmrace("explore", "lost_update", "--seed", 1)
    assert (status, err) == (1, "")
    assert out.startswith("lost_update: violated, found after ")
    for part in (
        "worker0  worker1",
        "counter 0 -> 1",
        "=> ",
        "\nViolated  ",
        "\nModel ",
        "\nToken",
        "\nReplay\n",
    ):
        assert part in out
    assert all(len(line) <= 75 or "v1.lost_update." in line for line in out.splitlines())


def test_replay_prints_the_identical_chart(vmrace):
    _, explored, _ = vmrace("explore", "lost_update", "-p", "n=3", "--seed", 1)
    status, replayed, _ = vmrace("replay", token_in(explored))
    assert status == 1
    assert replayed.startswith("lost_update: replayed, violated after ")
    assert after_the_summary(replayed) == after_the_summary(explored)
    _, full, _ = vmrace("explore", "lost_update", "-p", "n=3", "--seed", 1, "--full")
    _, again, _ = vmrace("replay", token_in(full), "lost_update", "--full")
    assert after_the_summary(again) == after_the_summary(full)


def test_not_found_says_what_was_covered(vmrace):
    status, out, _ = vmrace("explore", "lost_update", "-p", "locked=true", "--executions", 50)
    assert status == 0
    assert out.startswith("lost_update: not found in 50 executions, ")
    assert f"Met       {BETWEEN}" in out
    assert "Model     actors exchanging messages; n=2, locked=true" in out


def test_run_narrates_each_step(vmrace):
    status, out, _ = vmrace("run", "lost_update", "-p", "locked=true", "--seed", 3)
    assert status == 0
    lines = out.splitlines()
    end = lines.index("every required program has finished")
    assert [line.split()[0] for line in lines[:end]] == [str(number) for number in range(1, end + 1)]
    status, replayed, _ = vmrace("replay", token_in(out))
    assert status == 0
    assert "(every required program has finished)" in replayed


def test_what_is_found_is_minimised_unless_nobody_wants_that(vmrace, vmrace_json):
    arguments = ("w1", "-p", "cpus=2", "--seed", 3)
    _, out, _ = vmrace("explore", *arguments)
    assert "; the fewest context switches: 3, with 1 event, 6 steps" in " ".join(out.split())
    _, answer = vmrace_json("explore", *arguments)
    _, found = vmrace_json("explore", *arguments, "--no-minimise")
    assert answer["steps"] == 6 < found["steps"]
    assert answer["violated"] == found["violated"]
    _, out, _ = vmrace("explore", *arguments, "--no-minimise")
    assert "context switches" not in out.partition("\n\n")[0]
    status, least = vmrace_json("replay", found["token"], "--minimise")
    assert (status, least["token"]) == (1, answer["token"])
    _, out, _ = vmrace("replay", found["token"], "--minimise")
    assert "; the fewest context switches: 3," in " ".join(out.partition("\n\n")[0].split())
    _, replayed = vmrace_json("replay", found["token"])
    assert replayed["token"] == found["token"]


def test_what_could_not_be_gone_through_is_said_to_be_minimised(vmrace, monkeypatch):
    monkeypatch.setattr("actors.explore.minimising.minimal._ROOM", 1)
    _, out, _ = vmrace("explore", "w1", "-p", "cpus=2", "--seed", 3)
    assert "; minimised from " in " ".join(out.partition("\n\n")[0].split())
    assert "Needs     not known: external interrupt" in out


def test_what_trio_does_not_confirm_is_an_error_of_vmrace_itself(vmrace, monkeypatch):
    def wrong(*_):
        return []

    monkeypatch.setattr("actors.explore.minimising.minimal.Played.log", property(wrong))
    status, out, err = vmrace("explore", "w1", "-p", "cpus=2", "--seed", 3)
    assert (status, out) == (4, "")
    assert "a bug in vmrace" in err
    assert err.count("\n") == 1


def test_run_exits_like_explore(vmrace):
    statuses = {vmrace("run", "lost_update", "--seed", seed)[0] for seed in range(20)}
    assert statuses == {0, 1}


def test_keep_going_reports_each_way_of_going_wrong(vmrace):
    status, out, _ = vmrace("explore", "lost_update", "--keep-going", "--executions", 60)
    assert status == 1
    assert "violated in " in out
    assert " of 60 executions" in out


def test_free(vmrace, vmrace_json):
    status, out, _ = vmrace("explore", "lost_update", "--free", "--keep-going", "--executions", 60)
    assert status == 1
    assert "distinct orders" in out
    _, answer = vmrace_json("explore", "lost_update", "--free", "--executions", 60)
    assert vmrace("replay", answer["token"])[0] == 1


@pytest.mark.parametrize(
    "given", [("--strategy", "pct"), ("--strategy", "portfolio"), ("--window", "p.label")]
)
def test_nobody_chooses_in_a_free_run(vmrace, given):
    status, out, err = vmrace("explore", "lost_update", "--free", *given)
    assert (status, out) == (2, "")
    assert "--free lets nobody choose" in " ".join(err.split())


def test_list(vmrace, vmrace_json):
    status, out, _ = vmrace("list")
    assert status == 0
    assert "lost_update\n  Can an increment of a shared counter get lost?\n  -p n=2  (a whole number" in out
    assert all(len(line) <= 75 for line in out.splitlines())
    status, answer = vmrace_json("list")
    assert status == 0
    one = next(one for one in answer["results"] if one["name"] == "lost_update")
    assert list(one) == ["name", "question", "parameters", "cases"]
    assert one["parameters"][1] == {"name": "locked", "default": False, "allowed": "true or false"}
    assert {"n": 2, "locked": True} in [case["parameters"] for case in one["cases"]]
    assert {case["expect"] for case in one["cases"]} == {"violated", "proved"}


def test_json_of_a_finding(vmrace_json):
    status, answer = vmrace_json("explore", "lost_update", "--seed", 1, "-p", "n=2")
    assert status == 1
    assert list(answer) == FIELDS
    assert answer["parameters"] == {"n": 2, "locked": False}
    assert (answer["verdict"], answer["kind"]) == ("violated", "symptom")
    assert answer["sometimes"] == {BETWEEN: True}
    assert answer["states"] is answer["transitions"] is None
    assert answer["steps"] > 0
    status, again = vmrace_json("replay", answer["token"])
    assert status == 1
    assert list(again) == FIELDS
    other = ("executions", "seconds")
    assert {key: again[key] for key in FIELDS if key not in other} == {
        key: answer[key] for key in FIELDS if key not in other
    }


def test_json_explains_a_finding(vmrace_json):
    _, answer = vmrace_json("explore", "lost_update", "--seed", 1)
    assert answer["window"] == {
        "context": "worker1",
        "opens": "load counter = 0",
        "closes": "store counter 1",
        "first": "worker0's load counter",
        "last": "worker0's store counter 1",
    }
    assert answer["flip"]["change"] == "worker0's store counter 1 before worker1's load counter"
    assert answer["flip"]["race"] == ["counter"]
    status, passes = vmrace_json("replay", answer["flip"]["token"])
    assert (status, passes["verdict"], passes["violated"]) == (0, "not found", [])
    assert passes["window"] is passes["flip"] is passes["needs"] is None
    _, answer = vmrace_json("verify", "w1")
    assert answer["needs"] == [{"event": "external interrupt", "least": 1, "budget": 2}]
    _, answer = vmrace_json("explore", "lost_update", "-p", "locked=true", "--executions", 7)
    assert answer["window"] is answer["flip"] is answer["needs"] is None


def test_json_tells_whether_no_order_passes_or_none_was_found(vmrace_json):
    _, answer = vmrace_json("verify", "ptrace_xcomp_bv", "-p", "fixes=-814fb7bb7db5")
    assert answer["violated"]
    assert answer["flip"] is None
    assert answer["hopeless"] > 0
    _, answer = vmrace_json("explore", "lost_update", "--seed", 1)
    assert answer["flip"] is not None
    assert answer["hopeless"] is None


def test_json_where_nothing_was_found(vmrace_json):
    status, answer = vmrace_json("explore", "lost_update", "-p", "locked=true", "--executions", 7)
    assert status == 0
    assert (answer["verdict"], answer["violated"], answer["executions"]) == ("not found", [], 7)
    assert answer["kind"] is answer["steps"] is answer["token"] is answer["message"] is None


def test_json_of_a_run(vmrace_json):
    status, answer = vmrace_json("run", "lost_update", "-p", "locked=true")
    assert status == 0
    assert (answer["verdict"], answer["executions"]) == ("not found", 1)
    assert answer["token"].startswith("v1.lost_update.")


def test_a_file_of_ones_own(vmrace, race):
    status, out, _ = vmrace("explore", race, "--seed", 2)
    assert status == 1
    assert "=> an increment was lost" in out
    assert f"{token_in(out)} {race}" in out, "the command has to name the file"
    status, again, _ = vmrace("replay", token_in(out), race)
    assert status == 1
    assert after_the_summary(again) == after_the_summary(out)
    assert vmrace("replay", token_in(out), f"{race}:my_race")[0] == 1


@pytest.fixture
def odd(tmp_path):
    """Conditions that hide each other, one that is never met, and an endless program."""
    path = tmp_path / "odd.py"
    path.write_text('''
from actors.runtime import World, become, scenario


async def climb(x):
    for height in (1, 2, 3):
        await x.store(height)


async def circle(x):
    await x.load()
    return become(circle, x)


def below_two(x):
    return x < 2


def below_three(x):
    return x < 3


def above_nine(x):
    return x > 9


@scenario()
def odd(endless: bool = False, conditions: bool = False) -> World:
    """How far?"""
    world = World()
    x = world.variable("x", 0)
    world.program(circle if endless else climb, x)
    if conditions:
        world.always("low: below two", below_two, x, kind="hygiene")
        world.always("middle: below three", below_three, x)
    else:
        world.sometimes("high", above_nine, x)
    return world
''')
    return path


def test_a_sometimes_that_was_never_met(vmrace, vmrace_json, odd):
    status, out, _ = vmrace("explore", odd, "--executions", 5)
    assert status == 3
    assert "Never met high" in out
    status, answer = vmrace_json("explore", odd, "--executions", 5)
    assert (status, answer["verdict"], answer["message"]) == (3, "not found", "never met: high")
    assert vmrace("run", odd)[0] == 3


def test_endless_executions_are_inconclusive(vmrace, vmrace_json, odd):
    status, out, _ = vmrace("explore", odd, "-p", "endless=true", "--executions", 1)
    assert status == 3
    assert "inconclusive in 1 execution" in out
    status, answer = vmrace_json("run", odd, "-p", "endless=true")
    assert (status, answer["verdict"], answer["token"]) == (3, "inconclusive", None)


def test_conditions_can_be_chosen_by_their_beginning(vmrace, odd):
    everything = vmrace("explore", odd, "-p", "conditions=true")
    assert "Violated  low: below two (hygiene)" in everything[1]
    status, out, _ = vmrace("explore", odd, "-p", "conditions=true", "--condition", "middle")
    assert status == 1
    assert "Violated  middle: below three (symptom)" in out
    assert after_the_summary(vmrace("replay", token_in(out), odd)[1]) == after_the_summary(out)
    both = vmrace("explore", odd, "-p", "conditions=true", "--condition", "middle", "--condition", "low")
    assert after_the_summary(both[1]).splitlines()[:8] == after_the_summary(everything[1]).splitlines()[:8]


@pytest.mark.parametrize("more", [(), ("--json",)], ids=str)
def test_what_a_file_prints_is_not_in_the_answer(vmrace, race, more):
    race.write_text(
        "print('imported')\n"
        + race.read_text()
        .replace("world = World()", "world = World()\n    print('built')")
        .replace("await add(x)\n", "await add(x)\n    print('ran')\n")
    )
    for command in ("run", "explore"):
        _, out, err = vmrace(command, race, "--seed", 2, *more)
        assert set(err.split()) == {"imported", "built", "ran"}
        assert out.startswith("{" if more else ("1 ", "my_race: "))
        assert not {"imported", "built", "ran"} & set(out.split())
