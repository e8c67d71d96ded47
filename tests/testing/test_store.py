"""The files of failed tokens: what was written is read again, and whatever else lies there is ignored with a warning."""

import warnings

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.testing.store import MOST_BYTES, MOST_TOKENS, Failed, Store, VmraceWarning

TEST = "tests/test_bank.py::test_bank[80]"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("vmrace"), TEST)


def lies_there(store, content):
    store.write(("x",))
    (path,) = store._path.parent.iterdir()
    path.write_bytes(content)


@pytest.mark.parametrize("count", [0, 1, MOST_TOKENS, MOST_TOKENS + 5])
def test_what_is_written_is_read(store, count):
    tokens = tuple(f"v1.bank.{number}" for number in range(count))
    store.write(tokens)
    assert store.read() == tokens[:MOST_TOKENS]
    assert list(store._path.parent.iterdir()) == ([store._path] if tokens else [])


WRONG = [
    b"",
    b"\xff\xfe not json",
    b"[" * 100_000,
    b"null",
    b'{"test": "%s", "tokens": [3]}' % TEST.encode(),
    b'{"test": "%s", "tokens": [], "more": 1}' % TEST.encode(),
    b'{"test": "test_other.py::test_bank", "tokens": ["v1.x.y"]}',
    msgspec.json.encode(Failed(TEST, ("x",) * (MOST_TOKENS + 1))),
    msgspec.json.encode(Failed(TEST, ("v" * (MOST_BYTES + 1),))),
]


@pytest.mark.parametrize("content", WRONG, ids=range(len(WRONG)))
def test_what_is_not_of_this_test_or_no_tokens_is_ignored_with_a_warning(store, content):
    lies_there(store, content)
    with pytest.warns(VmraceWarning, match=r"^ignored .*, which does not hold failed tokens: [^\n]+$"):
        assert store.read() == ()


@settings(deadline=None, max_examples=50)
@given(
    content=st.binary()
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(msgspec.json.encode)
)
def test_whatever_lies_there_is_read_or_warned_of(store, content):
    lies_there(store, content)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert store.read() == ()
    assert [one.category for one in caught] == [VmraceWarning]


def test_a_directory_in_its_place_is_warned_of(tmp_path):
    store = Store(tmp_path, TEST)
    store._path.mkdir()
    with pytest.warns(VmraceWarning, match="^ignored "):
        assert store.read() == ()
    with pytest.warns(VmraceWarning, match="^cannot keep failed tokens in "):
        store.write(("x",))
