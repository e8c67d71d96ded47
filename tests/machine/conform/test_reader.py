"""Files of every packing, and files that are none."""

import gzip
import json
import lzma
import os
import threading

import pytest

from actors.machine.conform import reader, unpacking
from actors.machine.conform.reader import VectorError, read_lines, set_name
from actors.runtime.errors import VmraceError
from tests.machine.conform.samples import WHOLE

LINES = [json.dumps(line).encode() for line in WHOLE.values()]
TEXT = b"\n".join(LINES) + b"\n"
PACKINGS = {"plain": bytes, "gzip": gzip.compress, "xz": lzma.compress}


@pytest.fixture
def write(tmp_path):
    def call(data, name="some.jsonl"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return call


@pytest.fixture
def refused():
    """Read a file that should be refused, and return what is said."""

    def call(path, seen=None):
        with pytest.raises(VectorError) as error:
            list(read_lines(path, seen))
        assert "\n" not in str(error.value)
        return str(error.value)

    return call


def ids(path):
    return [(number, line.id) for number, line in read_lines(path)]


ALL = [(1, "hw-save-1"), (2, "st-1"), (3, "bx-1")]


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("name", ["some.jsonl", "some.jsonl.gz", "some.jsonl.xz", "some"])
def test_the_first_bytes_tell_the_packing_and_not_the_name(write, packing, name):
    assert ids(write(PACKINGS[packing](TEXT), name)) == ALL


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_pieces_may_end_anywhere(write, monkeypatch, packing, chunk):
    monkeypatch.setattr(unpacking, "CHUNK", chunk)
    assert ids(write(PACKINGS[packing](TEXT))) == ALL


@pytest.mark.parametrize("packing", ["gzip", "xz"])
def test_streams_behind_one_another_are_one_file(write, packing):
    first, rest = TEXT[:100], TEXT[100:]
    pack = PACKINGS[packing]
    assert ids(write(pack(first) + pack(rest))) == ALL
    assert ids(write(pack(first) + bytes(8) + pack(rest) + bytes(4))) == ALL


def test_the_last_line_may_end_without_a_newline(write):
    assert ids(write(TEXT[:-1])) == ALL
    assert ids(write(TEXT.replace(b"\n", b"\r\n"))) == ALL


def test_a_pipe_is_read_like_a_file_but_has_no_place_to_tell(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(lzma.compress(TEXT),))
    writer.start()
    told = []
    assert [line.id for _, line in read_lines(path, None, told.append)] == [name for _, name in ALL]
    writer.join()
    assert told == []


@pytest.mark.parametrize("packing", PACKINGS)
def test_progress_ends_with_the_file(write, packing):
    path = write(PACKINGS[packing](TEXT))
    told = []
    list(read_lines(path, None, told.append))
    assert len(told) == len(ALL)
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/hw-save.jsonl", "hw-save"),
        ("hw-save.jsonl.xz", "hw-save"),
        ("b/hw-save.jsonl.gz", "hw-save"),
        ("hw-save", "hw-save"),
        ("hw.save.jsonl", "hw.save"),
        ("recorded today.txt", "recorded today"),
        ("a/b.vec.gz", "b"),
        (".jsonl", ".jsonl"),
        ("/dev/fd/63", "63"),
    ],
)
def test_a_set_is_called_as_its_file(path, name):
    assert set_name(path) == name


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_malformed_line_is_named_by_file_and_number(write, refused, packing):
    path = write(PACKINGS[packing](TEXT + b'{"id":"x","ops":[{"op":"fnop"}]}\n'))
    assert refused(path) == f"{path}:4: Invalid value 'fnop' - at `$.ops[0].op`"


def test_what_stands_before_a_malformed_line_is_given(write):
    lines = read_lines(write(TEXT + b"{"))
    assert [next(lines)[0] for _ in range(3)] == [1, 2, 3]
    with pytest.raises(VmraceError):
        next(lines)


@pytest.mark.parametrize("blank", [b"", b"  ", b"\r", b"\t"])
def test_blank_lines(write, refused, blank):
    for place in range(4):
        lines = [*LINES[:place], blank, *LINES[place:]]
        path = write(b"\n".join(lines) + b"\n")
        assert refused(path) == f"{path}:{place + 1}: a blank line, and each line should be one JSON object"


@pytest.mark.parametrize("packing", PACKINGS)
def test_an_empty_file(write, refused, packing):
    path = write(PACKINGS[packing](b""))
    assert refused(path) == f"{path}: it is empty, and a vector file has one JSON object a line"


def test_an_id_stands_once_over_all_files(write, refused):
    one = write(TEXT, "one.jsonl")
    assert f"one.jsonl:4: the id st-1 should be unique, and stands at {one}:2 already" in refused(
        write(TEXT + LINES[1], "one.jsonl")
    )
    seen = {}
    list(read_lines(write(LINES[1], "one.jsonl"), seen))
    two = write(TEXT, "two.jsonl")
    assert refused(two, seen) == f"{two}:2: the id st-1 should be unique, and stands at {one}:1 already"


@pytest.mark.parametrize("packing", ["gzip", "xz"])
def test_a_file_that_is_cut_off(write, refused, packing):
    packed = PACKINGS[packing](TEXT)
    for length in range(12, len(packed)):
        assert "damaged compressed data (it is cut off)" in refused(write(packed[:length]))


@pytest.mark.parametrize("packing", ["gzip", "xz"])
def test_a_file_with_a_changed_byte(write, refused, packing):
    packed = bytearray(PACKINGS[packing](TEXT))
    packed[len(packed) // 2] ^= 0x55
    assert "damaged compressed data (" in refused(write(packed))


@pytest.mark.parametrize("packing", ["gzip", "xz"])
def test_something_behind_the_end(write, refused, packing):
    assert "damaged compressed data (" in refused(write(PACKINGS[packing](TEXT) + b"more of it"))


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_line_has_a_limit(write, refused, monkeypatch, packing):
    monkeypatch.setattr(reader, "MAX_LINE", 1 << 18)
    path = write(PACKINGS[packing](TEXT + b" " * (1 << 20)))
    assert refused(path) == f"{path}:4: a line longer than 262144 bytes"


def test_an_endless_file_is_refused(refused):
    assert "/dev/zero:1: a line longer than 16777216 bytes" in refused("/dev/zero")


def test_files_that_cannot_be_read(refused, tmp_path):
    missing = tmp_path / "missing.jsonl"
    assert refused(missing) == f"{missing}: cannot read it: No such file or directory"
    assert refused(tmp_path) == f"{tmp_path}: cannot read it: Is a directory"
    assert "cannot read it" in refused("x" * 5000)
    assert "null byte" in refused("a\0b")


def test_neither_binary_data_nor_another_encoding_is_a_line(write, refused):
    assert "it is not UTF-8 at byte 0" in refused(write(b"\xff\xfe{\0}\0"))
    assert ":1: " in refused(write(b"BZh91AY&SY"))
