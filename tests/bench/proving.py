"""Cost of a state as searches grow: the same world, ended by larger and larger bounds, each in a process of its own.

    python tests/bench/proving.py [--states 300000 3000000 10000000 30000000]

The world is W1 with three CPUs, fixed (79,752,708 states). What is printed for each bound is what the process took in
all: seconds, states a second, memory at its peak and memory a state.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


def child(states: int) -> None:
    """Search up to so many states, and print what it took."""
    from actors.explore.proving.search import Bounds, Search  # in the child alone
    from actors.explore.tables.tables import Tables
    from actors.runtime.loading import built_in

    begun = time.perf_counter()
    with Tables(built_in("scenarios")["w1"](cpus=3, fixed=True)) as tables:
        found = Search(tables, bounds=Bounds(states=states)).run()
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    cost = seconds / found.states * 1e6
    sys.stdout.write(
        f"{found.states:>12,} states {seconds:8.1f} s {1 / cost:6.2f} M/s {cost:6.2f} us each "
        f"{peak / 2**30:6.2f} GiB {peak / found.states:6.0f} bytes each\n"
    )


def main(arguments: list[str]) -> None:
    """Measure each bound in turn."""
    parser = argparse.ArgumentParser(description="Cost of a state as searches grow.")
    parser.add_argument("--states", type=int, nargs="+", default=[300_000, 3_000_000, 10_000_000, 30_000_000])
    parser.add_argument("--child", type=int)
    given = parser.parse_args(arguments)
    if given.child is not None:
        child(given.child)
        return
    for states in given.states:
        subprocess.run([sys.executable, __file__, "--child", str(states)], cwd=ROOT, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
