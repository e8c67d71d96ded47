"""Going through a set is found in the code, and nothing else is."""

# ruff: noqa: C416, PLC0208, T201  # going through sets is the point

from types import ModuleType

import pytest

from actors.runtime.errors import Nondeterminism
from actors.runtime.sets import check_sets

NAMES = frozenset({"a", "b"})
TABLE = {"a": 1}


async def for_literal():
    for name in {"a", "b"}:
        print(name)


async def for_call(names):
    for name in set(names):
        print(name)


async def for_variable(names):
    pending = {"a"}
    pending |= {name for name in names if name}
    for name in pending:
        print(name)


async def for_global():
    for name in NAMES:
        print(name)


async def comprehension(names):
    return [name for name in set(names)]


async def as_tuple(names):
    return tuple(set(names) - {"a"})


async def joined(names):
    return ", ".join({*names, "a"})


async def popped(names):
    waiting = set(names)
    return waiting.pop()


async def starred(names):
    return [*set(names)]


async def unpacked():
    first, second = {"a", "b"}
    return first, second


async def annotated(names: set[str]):
    return list(names)


async def nested(names):
    def inner():
        return list(frozenset(names))

    return inner()


def helper(names):
    return deeper(names)


def deeper(names):
    return list(set(names))


async def through_helpers(names):
    return helper(names)


elsewhere = ModuleType("elsewhere")
elsewhere.deeper = deeper


elsewhere.inside = ModuleType("inside")
elsewhere.inside.deepest = deeper
elsewhere.release = deeper


async def through_a_module(names):
    return elsewhere.deeper(names)


async def through_a_package(names):
    return elsewhere.inside.deepest(names)


async def of_another_thing(lock, names):
    elsewhere.sorted_names(names)
    return lock.release(names)


async def what_two_tables_share(table):
    return list(table.keys() & TABLE.keys())


async def of_what_they_share(table):
    for name, _ in table.items() - TABLE.items():
        print(name)


async def popped_and_counted(names):
    chosen = set(names)
    return len(chosen.pop())


async def numbered_and_sorted(names):
    return sorted(enumerate(set(names)))


async def paired_and_sorted(names):
    return sorted(zip(set(names), (1, 2, 3), strict=False))


BAD = [
    popped_and_counted,
    numbered_and_sorted,
    paired_and_sorted,
    through_a_package,
    through_a_module,
    what_two_tables_share,
    of_what_they_share,
    for_literal,
    for_call,
    for_variable,
    for_global,
    comprehension,
    as_tuple,
    joined,
    popped,
    starred,
    unpacked,
    annotated,
    nested,
    through_helpers,
]


@pytest.mark.parametrize("function", BAD, ids=lambda function: function.__name__)
def test_going_through_a_set_is_refused(function):
    with pytest.raises(Nondeterminism, match=r"program p: .*test_sets\.py:\d+ goes through a set"):
        check_sets(function, "p")


def test_the_line_is_that_of_the_helper():
    with pytest.raises(Nondeterminism) as caught:
        check_sets(through_helpers, "p")
    assert f"{__file__}:{deeper.__code__.co_firstlineno + 1} " in str(caught.value)


async def membership(name, names):
    seen = set(names)
    seen.add(name)
    return name in {"a", "b"} or name in seen or name in NAMES or not seen & {"a"}


async def ordered(names):
    return [name for name in sorted(set(names))] + sorted(name for name in set(names))


async def counted(names):
    unique = {name.lower() for name in set(names)}
    return len(unique), sum(1 for _ in unique), max(set(names)), any(name for name in unique)


async def sometimes_a_set(names):
    either = {"a"} if names else {}
    either = tuple(names)
    return list(either)


async def once_a_set(names):
    either = tuple(names)
    if not names:
        either = {"a"}
    return list(either)


async def of_a_table(names):
    return [name for name in TABLE if name in {"a", "b"}] + list(names)


async def sorted_list(names):
    return sorted(list(set(names))) + sorted(tuple({"a", "b"}))  # noqa: C414  # that is the point


async def views(table):
    return list(table.keys()) + [key for key, _ in table.items()] + sorted(table.keys() & TABLE.keys())


async def shadowed(names):
    NAMES = names  # noqa: N806  # that is the point
    return list(NAMES)


@pytest.mark.parametrize(
    "function",
    [
        membership,
        ordered,
        counted,
        sometimes_a_set,
        once_a_set,
        of_a_table,
        of_another_thing,
        sorted_list,
        views,
        shadowed,
    ],
    ids=lambda function: function.__name__,
)
def test_nothing_else_is_refused(function):
    check_sets(function, "p")
