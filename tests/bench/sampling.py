"""How fast strategies sample, and how many schedules they need to the first violation.

    python tests/bench/sampling.py [--seeds 20] [--seconds 1] [--strategies portfolio,fresh,...] [NAME...]

Two tables. Executions per second of each strategy on `w1 -p fixed=true`, one core, the whole of `explore` counted.
Then, for the shapes in `tests/zoo`, the mean number of executed runs up to and with the first violation, over the
seeds that found one within so many seconds, and how many did; the slowest seed's seconds. `best` is the strategy
with the fewest among those that every seed found with. Targets are those that were set for vmrace beforehand, from
published figures: at most this mean, every seed, each within a second of CPU. A row that misses says what it missed:
the mean, or the time, with the executions that were run in it. NAME limits the shapes.

`token_ring` stands at the edge of its target by its nature: after the spawns all that is left is the order in which
four take one lock, and 4 of these 24 orders fail. Drawn evenly that takes 6 schedules on the mean, and 5 if none is
drawn twice; so the mean over 20 seeds comes out on either side of 5.

`bounded_buffer` and `StateWSQ` pull in two directions. With priorities by place alone `fresh` takes 8 schedules for the
first and 7 for the second, with priorities by step 19 and 6, with none 16 and 5; a mixture that is better for one is worse
for the other, and one with more places takes `qsort_mt` from 82 schedules to 124. `urw` takes 3 for `StateWSQ`, but not
always within a second.

`twostage_100` has executions of 800 steps, and `fresh` takes 21 of them on the mean: far below the target, but an unlucky
seed takes several times as many, which is more than fit into a second.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from actors.cli.process import whole_process
from actors.explore.sampled.rows import Rows
from actors.explore.sampling import Wanted, explore
from actors.explore.stopping import Stop
from actors.explore.strategies import STRATEGIES, Setting, make
from actors.explore.tables.tables import Tables
from actors.runtime.drivers.trio_driver import STEP_LIMIT
from actors.runtime.loading import built_in, load
from actors.runtime.scenario import Scenario

ZOO = Path(__file__).parents[1] / "zoo"


class Shape(NamedTuple):
    """One program: where it is, its parameters, and at most how many schedules it should take (None: any)."""

    name: str
    spec: str
    parameters: dict[str, str]
    target: float | None
    window: tuple[str, str] | None = None


def _n(name: str, count: int, target: float | None) -> Shape:
    return Shape(f"{name}_{count}", f"{name}.py", {"n": str(count)}, target)


SHAPES = [
    _n("reorder", 3, 15),
    _n("reorder", 5, 30),
    _n("reorder", 10, 100),
    _n("reorder", 50, None),
    _n("reorder", 100, None),
    Shape("twostage", "twostage.py", {"n": "2"}, 10),
    _n("twostage", 20, 200),
    _n("twostage", 100, 700),
    Shape("bluetooth_driver", "bluetooth_driver.py", {}, 20),
    Shape("stringbuffer", "stringbuffer.py", {}, 30),
    Shape("qsort_mt", "qsort_mt.py", {}, 100),
    _n("din_phil", 3, 5),
    _n("din_phil", 5, 10),
    _n("din_phil", 7, 30),
    _n("needle", 20, 21),
    _n("needle", 100, 65),
    Shape("needle_100, window", "needle.py", {"n": "100"}, 5, ("main.writer", "window")),
    Shape("account", "account.py", {}, 5),
    Shape("circular_buffer", "circular_buffer.py", {}, 5),
    Shape("queue", "fifo_queue.py:queue", {}, 5),
    Shape("stack", "stack.py", {}, 5),
    Shape("token_ring", "token_ring.py", {}, 5),
    Shape("wronglock", "wronglock.py", {}, 5),
    Shape("wronglock_3", "wronglock.py", {"others": "3"}, 5),
    Shape("work_steal_queue", "work_steal_queue.py:work_steal_queue", {}, 20),
    Shape("StateWSQ", "work_steal_queue.py:state_work_steal_queue", {}, 5),
    Shape("bounded_buffer", "bounded_buffer.py", {}, 12),
]


class Found(NamedTuple):
    """What all seeds of one strategy came to."""

    schedules: list[int]
    missed: list[int]
    """Executions that were run by each seed that found nothing in its time."""
    seeds: int
    slowest: float

    @property
    def mean(self) -> float:
        """Over the seeds that found it."""
        return statistics.mean(self.schedules) if self.schedules else float("inf")

    @property
    def text(self) -> str:
        """The mean, and how many of the seeds found it if not all."""
        if not self.schedules:
            return "none"
        some = f" [{len(self.schedules)}]" if len(self.schedules) < self.seeds else ""
        return f"{self.mean:.1f}{some}"


def to_the_first(
    scenario: Scenario, parameters: dict[str, Any], shape: Shape, strategy: str, seed: int, seconds: float
) -> tuple[bool, int, float]:
    """Run executions until one violates something; return whether one did, how many, and the seconds of CPU."""
    begun = time.process_time()
    tables = Tables(scenario(**parameters))
    rows = Rows(tables)
    windows = (shape.window,) if shape.window is not None else ()
    chosen = make(strategy, seed, Setting(tables, windows))
    number = 0
    found = False
    try:
        while not found:
            number += 1
            chosen.begin(number)
            ending = rows.run(chosen, STEP_LIMIT, lambda: time.process_time() - begun > seconds)
            found = ending == "violated"
    except Stop:
        pass
    taken = time.process_time() - begun
    tables.close()
    return found, number, taken


def _found(shape: Shape, strategy: str, seeds: int, seconds: float) -> Found:
    scenario = load(f"{ZOO}/{shape.spec}", "scenarios")
    parameters = scenario.convert(shape.parameters)
    results = [
        to_the_first(scenario, parameters, shape, strategy, seed, seconds) for seed in range(1, seeds + 1)
    ]
    schedules = [number for found, number, _ in results if found]
    missed = [number - 1 for found, number, _ in results if not found]
    return Found(schedules, missed, seeds, max(taken for _, _, taken in results))


def _verdict(found: dict[str, Found], target: float | None) -> str:
    """Say what the best strategy has missed: nothing, the mean, or the time."""
    best = min(found.values(), key=lambda one: (len(one.missed), one.mean))
    if best.missed:
        return f"missed: {len(best.missed)} seeds ran {statistics.mean(best.missed):.0f} in their time"
    return "" if best.mean <= (target or float("inf")) else "missed: the mean"


def schedules(
    strategies: list[str], names: list[str], seeds: int, seconds: float
) -> Iterator[tuple[str, ...]]:
    """Make the rows of the second table."""
    yield ("program", "target", "best", *strategies, "slowest", "")
    for shape in SHAPES:
        if names and not any(shape.name.startswith(name) for name in names):
            continue
        some = [
            one for one in strategies if shape.window is None or one in {"portfolio", "random"}
        ]  # fmt: skip
        found = {one: _found(shape, one, seeds, seconds) for one in some}
        all_of_them = [one for one in found.values() if len(one.schedules) == seeds]
        best = min((one.mean for one in all_of_them), default=float("inf"))
        leading = found.get("portfolio") or next(iter(found.values()))
        yield (
            shape.name,
            "found" if shape.target is None else f"<= {shape.target:g}",
            f"{best:.1f}" if all_of_them else "none",
            *(found[one].text if one in found else "-" for one in strategies),
            f"{leading.slowest:.2f}s",
            _verdict(found, shape.target),
        )


def rates(strategies: list[str], seconds: float) -> Iterator[tuple[str, ...]]:
    """Make the rows of the first table."""
    scenario = built_in("scenarios")["w1"]
    parameters = scenario.convert({"fixed": "true"})
    yield ("strategy", "executions/s", "executions", "seconds")
    for strategy in strategies:
        executions = 1000
        while True:
            found = explore(scenario, parameters, Wanted(strategy=strategy, executions=executions, seed=1))
            if found.seconds > seconds or executions >= 2**24:
                break
            executions *= 4
        rate = found.executions / found.seconds
        yield (strategy, f"{rate:,.0f}", f"{found.executions:,}", f"{found.seconds:.2f}")


def show(rows: Iterator[tuple[str, ...]], widths: tuple[int, ...]) -> None:
    """Print rows as they come."""
    for row in rows:
        cells = [
            f"{cell:<{width}}" if place == 0 else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
        sys.stdout.flush()


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="How fast strategies sample, and how soon they find.")
    parser.add_argument("names", nargs="*", help="shapes whose names begin so; all if none are given")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--strategies", default=",".join(STRATEGIES))
    given = parser.parse_args()
    strategies = given.strategies.split(",")
    with whole_process():  # as the command does
        if not given.names:
            show(rates(strategies, given.seconds), (10, 14, 12, 9))
            sys.stdout.write("\n")
        widths = (20, 8, 7, *(11 for _ in strategies), 8, 7)
        show(schedules(strategies, given.names, given.seeds, given.seconds), widths)


if __name__ == "__main__":
    main()
