"""Cost of a state as searches grow: the same world, ended by larger and larger bounds, each in a process of its own.

    python tests/bench/proving.py [--states 300000 3000000 10000000 30000000 100000000]

The world is W1 with three CPUs, fixed; it has 79,752,708 states, so the last bound is none. What is printed for each
bound is what the process took in all: seconds on the wall, seconds of a CPU (which tell more where others use the
machine), states a second of those, and memory at its peak. The last line is how much more a state of the largest
search cost than one of the smallest.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
BOUNDS = [300_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000]


def child(states: int) -> None:
    """Search up to so many states, and print what it took."""
    from actors.explore.proving.search import Bounds, Search  # in the child alone
    from actors.explore.tables.tables import Tables
    from actors.runtime.loading import load

    begun, before = time.perf_counter(), time.process_time()
    with Tables(load("w1", "scenarios")(cpus=3, fixed=True)) as tables:
        found = Search(tables, bounds=Bounds(states=states)).run()
    took = {
        "states": found.states,
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - before,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    sys.stdout.write(json.dumps(took))


def line(took: dict[str, float]) -> str:
    """Return what a child took, as a line."""
    states = int(took["states"])
    return (
        f"{states:>12,} states {took['seconds']:8.1f} s {took['cpu']:8.1f} s of CPU {states / took['cpu'] / 1e6:6.2f} M/s "
        f"{cost(took):6.2f} us each {took['peak'] / 2**30:6.2f} GiB {took['peak'] / states:6.0f} bytes each\n"
    )


def cost(took: dict[str, float]) -> float:
    """Return microseconds of CPU a state."""
    return took["cpu"] / took["states"] * 1e6


def main(arguments: list[str]) -> None:
    """Measure each bound in turn."""
    parser = argparse.ArgumentParser(description="Cost of a state as searches grow.")
    parser.add_argument("--states", type=int, nargs="+", default=BOUNDS)
    parser.add_argument("--child", type=int)
    given = parser.parse_args(arguments)
    if given.child is not None:
        child(given.child)
        return
    all_took = []
    for states in given.states:
        command = [sys.executable, __file__, "--child", str(states)]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        all_took.append(json.loads(done.stdout))
        sys.stdout.write(line(all_took[-1]))
        sys.stdout.flush()
    sys.stdout.write(
        f"a state of the last costs {cost(all_took[-1]) / cost(all_took[0]):.2f} of one of the first\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
