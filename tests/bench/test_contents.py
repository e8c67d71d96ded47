"""Cells that hold 8 KiB cost no more than cells that hold integers."""

from tests.bench.contents import CONTENTS, NUMBERS, search


def test_large_contents_cost_no_more_than_integers():
    search(NUMBERS)
    runs = [(search(NUMBERS), search(CONTENTS)) for _ in range(3)]
    numbers, contents = (min(one, key=lambda run: run[2]) for one in zip(*runs, strict=True))
    assert contents[:2] == numbers[:2]
    assert contents[2] <= 1.5 * numbers[2]
