"""What a state costs where cells hold the contents of tiles, 8 KiB each, beside cells that hold small integers.

    python -m tests.bench.contents [--repeat 5]

The same world twice: programs that load a cell, store what they have loaded into the next one, and go round. Printed are the
states of both, the seconds of CPU time of a search (the least of the repetitions, taken in turn), and the ratio.
"""

import argparse
import sys
import time

from actors.explore.proving.search import Search
from actors.explore.tables.tables import Tables
from actors.runtime import World, become

SIZE = 8192
NUMBERS = (0, 1, 2, 3)
CONTENTS = tuple(bytes([number]) * SIZE for number in NUMBERS)


async def move(cells, at, rounds):
    """Carry what one cell holds to the next."""
    await cells[(at + 1) % len(cells)].store(await cells[at].load())
    return become(move, cells, (at + 1) % len(cells), rounds - 1) if rounds > 1 else None


def carrying(values):
    """Return a world of three programs that carry these values round."""
    world = World()
    cells = tuple(world.variable(f"tile{at}", value) for at, value in enumerate(values))
    for at in range(3):
        world.program(move, cells, at, 3, name=f"p{at}")
    return world


def search(values):
    """Search a world; return its states and transitions, and the seconds of CPU time that this took."""
    begun = time.process_time()
    with Tables(carrying(values)) as tables:
        found = Search(tables).run()
    return found.states, found.transitions, time.process_time() - begun


def main(arguments):
    """Measure both, in turn."""
    parser = argparse.ArgumentParser(description="What a state costs whose cells hold 8 KiB.")
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args(arguments).repeat
    runs = [(search(NUMBERS), search(CONTENTS)) for _ in range(repeat)]
    (states, _, numbers), (same, _, contents) = (
        min(one, key=lambda run: run[2]) for one in zip(*runs, strict=True)
    )
    sys.stdout.write(
        f"integers {states:,} states {numbers:.2f} s; {SIZE} bytes {same:,} states {contents:.2f} s; "
    )
    sys.stdout.write(f"{contents / numbers:.2f} times as long\n")


if __name__ == "__main__":
    main(sys.argv[1:])
