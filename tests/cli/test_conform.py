"""`vmrace conform`: counts by set, lines that fail by name, and input that is refused."""

import gzip
import json
import lzma
import os
import pty
import signal
from pathlib import Path

import pytest

from actors.cli import conform
from actors.machine.conform import run as running

VECTORS = Path(__file__).parents[1] / "vectors"
WAIT = 120


def recorded(name, count, first=0):
    """Return some lines of a set, as objects."""
    lines = lzma.decompress((VECTORS / f"{name}.jsonl.xz").read_bytes()).splitlines()
    return [json.loads(line) for line in lines[first : first + count]]


@pytest.fixture
def write(tmp_path):
    """Write a vector file; a line may be an object or text."""

    def call(name, lines, pack=bytes):
        path = tmp_path / name
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        path.write_bytes(pack(text.encode()))
        return path

    return call


@pytest.fixture
def mixed(write):
    """Seven lines of three kinds: one fails, one stops."""
    hardware = recorded("hw-save", 3)
    hardware[1]["xin1"] = "7f"
    sequences = recorded("emuamx", 2)
    sequences[1]["ops"][0]["sus"] = ["tainted"]
    return write("mixed.jsonl", [*hardware, *recorded("suites", 2), *sequences])


def test_each_set_is_counted(vmrace, write):
    one = write("hw-save.jsonl.gz", recorded("hw-save", 5), gzip.compress)
    other = write("suites.jsonl.xz", recorded("suites", 4), lzma.compress)
    status, out, err = vmrace("conform", one, other)
    assert (status, err) == (0, "")
    rows = [line.split() for line in out.splitlines()]
    assert ["set", "lines", "passed", "failed", "stopped"] in rows
    assert ["hw-save", "5", "5", "0", "0"] in rows
    assert ["suites", "4", "4", "0", "0"] in rows
    assert ["all", "9", "9", "0", "0"] in rows
    assert all(len(line) <= 75 for line in out.splitlines())


def test_the_object_has_the_sets_in_their_order(vmrace_json, write):
    one = write("b.jsonl", recorded("hw-save", 2))
    other = write("a.jsonl", recorded("suites", 1))
    status, answer = vmrace_json("conform", one, other)
    assert status == 0
    assert answer == {
        "sets": [
            {"name": "b", "lines": 2, "passed": 2, "failed": 0, "stopped": 0},
            {"name": "a", "lines": 1, "passed": 1, "failed": 0, "stopped": 0},
        ],
        "message": None,
    }


def test_lines_pass_fail_or_stop(vmrace, vmrace_json, mixed):
    status, answer = vmrace_json("conform", mixed)
    assert status == 1
    assert answer["sets"] == [{"name": "mixed", "lines": 7, "passed": 5, "failed": 1, "stopped": 1}]
    failing = recorded("hw-save", 3)[1]
    assert answer["message"] == f"1 of 7 lines failed, the first {failing['id']} at xin1"
    status, out, err = vmrace("conform", mixed)
    assert (status, err) == (1, "")
    assert "Failed in mixed\n" in out
    assert f"{failing['id']} xin1: recorded 7f, the model {failing['xin1']}" in " ".join(out.split())
    assert answer["message"] in " ".join(out.split())


def test_a_step_that_differs_is_named_by_its_place(vmrace, write):
    sequence = recorded("emu", 1)[0]
    sequence["ops"][2]["err"] = 8
    sequence["ops"][2]["vec"] = 6
    _, out, _ = vmrace("conform", write("emu.jsonl", [sequence]))
    assert f"{sequence['id']} ops[2] " in out


def test_files_of_one_name_are_one_set(vmrace_json, write, tmp_path):
    (tmp_path / "more").mkdir()
    one = write("hw-save.jsonl", recorded("hw-save", 2))
    other = write("more/hw-save.jsonl.xz", recorded("hw-save", 3, first=2), lzma.compress)
    _, answer = vmrace_json("conform", one, other)
    assert [(one["name"], one["lines"]) for one in answer["sets"]] == [("hw-save", 5)]


def test_so_many_failures_are_named_and_no_more(vmrace, write):
    lines = recorded("hw-save", conform.SHOWN + 3)
    for line in lines:
        line["xin1"] = "7f"
    path = write("bad.jsonl", lines)
    _, out, _ = vmrace("conform", path)
    assert out.count(" xin1: ") == conform.SHOWN
    assert "and 3 more; --full names them all" in out
    _, out, _ = vmrace("conform", path, "--full")
    assert out.count(" xin1: ") == len(lines)


@pytest.fixture
def refused(vmrace):
    """Call with bad input and return the line."""

    def call(*arguments):
        status, out, err = vmrace("conform", *arguments)
        assert (status, out) == (2, "")
        assert err.startswith("vmrace: ")
        assert err.count("\n") == 1
        status, out, again = vmrace("conform", *arguments, "--json")
        answer = json.loads(out)
        assert (status, answer["sets"], again) == (2, [], err)
        assert err == f"vmrace: {answer['message']}\n"
        return answer["message"]

    return call


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "a blank line, and each line should be one JSON object"),
        ("{", "Input data was truncated"),
        ('{"id": "x"}', "it has none of the keys op, init and ops, which tell what kind of line it is"),
        ('{"id": "x", "ops": [{"op": "fnop"}]}', "Invalid value 'fnop' - at `$.ops[0].op`"),
        ('{"id": "x", "ops": [{"op": "\\u001b[31m"}]}', "Invalid value '?[31m' - at `$.ops[0].op`"),
    ],
)
def test_a_malformed_line_is_named(refused, write, line, told):
    path = write("some.jsonl", [*recorded("hw-save", 2), line])
    assert refused(path) == f"{path}:3: {told}"


def test_a_cpu_that_cannot_exist(refused, write):
    line = recorded("suites", 1)[0]
    line["init"].update(cpuid_xcr0="20001", xcr0="1")
    path = write("suites.jsonl", [*recorded("suites", 1, first=1), line])
    assert refused(path).startswith(f"{path}:2: ")


def test_a_malformed_line_counts_more_than_one_that_fails(refused, mixed):
    mixed.write_text(mixed.read_text() + "{}\n")
    assert f"{mixed}:8: " in refused(mixed)


def test_files_that_cannot_be_read(refused, tmp_path, write):
    missing = tmp_path / "missing.jsonl"
    assert refused(missing) == f"{missing}: cannot read it: No such file or directory"
    assert refused(tmp_path) == f"{tmp_path}: cannot read it: Is a directory"
    cut = write("cut.jsonl.xz", recorded("hw-save", 3), lzma.compress)
    cut.write_bytes(cut.read_bytes()[:-20])
    assert "damaged compressed data (it is cut off)" in refused(cut)
    assert refused(VECTORS / "hw-cpu.json").startswith(f"{VECTORS / 'hw-cpu.json'}:1: ")


def test_a_file_given_twice(refused, mixed, write, tmp_path):
    assert refused(mixed, mixed) == f"{mixed} is given twice"
    link = tmp_path / "link.jsonl"
    link.symlink_to(mixed)
    assert refused(mixed, link) == f"{link} is given twice ({mixed} is the same file)"
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(mixed.read_bytes())
    assert f"{copy}:1: the id hw-xsave-00000 should be unique, and stands at {mixed}:1" in refused(
        mixed, copy
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Missing argument 'FILE...' (`vmrace conform -h` shows what there is)"),
        (("--nothing",), "No such option '--nothing' (`vmrace conform -h` shows what there is)"),
        (("-p", "n=1", "some.jsonl"), "No such option '-p' (`vmrace conform -h` shows what there is)"),
    ],
)
def test_a_command_line_that_is_none(refused, arguments, told):
    assert refused(*arguments) == told


def test_errors_of_every_kind_have_the_shape_of_the_command(vmrace, vmrace_json, write, monkeypatch):
    path = write("hw-save.jsonl", recorded("hw-save", 2))
    monkeypatch.setattr(conform, "run", lambda line: line.nothing)
    status, answer = vmrace_json("conform", path)
    assert (status, sorted(answer), answer["sets"]) == (4, ["message", "sets"], [])
    assert answer["message"].startswith("internal error: AttributeError: ")
    status, out, _ = vmrace("--json", "conform", path)
    assert (status, json.loads(out)["sets"]) == (2, [])
    status, out, _ = vmrace("explore", "conform", "--json")
    assert (status, json.loads(out)["scenario"]) == (2, None), "a scenario of that name is another command's"


def test_the_help_says_that_an_id_stands_once(vmrace):
    status, out, _ = vmrace("conform", "--help")
    assert status == 0
    assert "2 usage or malformed input, also an id that occurs twice" in " ".join(out.split())


def test_ctrl_c_ends_it_with_what_was_done(vmrace, vmrace_json, write, monkeypatch):
    path = write("hw-save.jsonl", recorded("hw-save", 9))

    def pressed(line, left=[3]):  # noqa: B006  # a counter
        left[0] -= 1
        if left[0] == 0:
            signal.raise_signal(signal.SIGINT)
        return running.run(line)

    monkeypatch.setattr(conform, "run", pressed)
    status, answer = vmrace_json("conform", path)
    assert status == 130
    assert answer == {
        "sets": [{"name": "hw-save", "lines": 3, "passed": 3, "failed": 0, "stopped": 0}],
        "message": "stopped by Ctrl-C after 3 lines",
    }
    monkeypatch.setattr(conform, "run", lambda line: signal.raise_signal(signal.SIGINT) or running.run(line))
    status, out, err = vmrace("conform", path)
    assert (status, err) == (130, "")
    assert out.endswith("\nstopped by Ctrl-C after 1 line\n")


def test_progress_is_shown_on_a_terminal_and_only_there(start):
    master, slave = pty.openpty()
    path = str(VECTORS / "hw-misc.jsonl.xz")
    process = start("conform", path, stderr=slave, TERM="xterm")
    os.close(slave)
    out, _ = process.communicate(timeout=WAIT)
    assert "conform" in os.read(master, 65536).decode()
    os.close(master)
    piped = start("conform", path)
    assert piped.communicate(timeout=WAIT) == (out, "")
    assert piped.returncode == 0


def test_help(vmrace):
    status, out, _ = vmrace("conform", "-h")
    assert status == 0
    assert "1 a line failed" in " ".join(out.split())
    assert "conform" in vmrace("-h")[1]


@pytest.mark.full
def test_all_that_was_recorded(vmrace_json):
    status, answer = vmrace_json("conform", *sorted(VECTORS.glob("*.xz")))
    assert (status, answer["message"]) == (0, None)
    counts = {one["name"]: (one["lines"], one["stopped"]) for one in answer["sets"]}
    assert counts == {
        "emu": (432, 10),
        "emuamx": (725, 47),
        "hw-compat": (256, 0),
        "hw-misc": (69, 0),
        "hw-modopt": (176, 0),
        "hw-save": (1007, 0),
        "hw-xinuse": (224, 0),
        "hw-xrstor": (1449, 0),
        "suites": (221, 0),
    }
