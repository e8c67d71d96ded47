"""How long it takes to minimise and to explain the shortest counterexample of each bug of the zoo and the scenarios.

    python -m tests.bench.minimising [--repeat 3]

Printed for each: switches and steps before and after, states there are up to the counterexample, and seconds of CPU
time, the least of the repetitions: to minimise it, and to explain what came out.
"""

import argparse
import sys
import time

from actors.explore.explaining.explain import explained
from actors.explore.minimising.minimal import minimise
from actors.explore.verification import Demand, verify
from actors.runtime.loading import built_in
from tests.zoo.shapes import SHAPES, label


def main(arguments: list[str]) -> None:
    """Measure each case."""
    parser = argparse.ArgumentParser(description="Time to minimise and explain each bug.")
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args(arguments)
    for scenario in (*built_in("scenarios").values(), *SHAPES.values()):
        for case in scenario.cases:
            if case.expect != "violated":
                continue
            parameters = scenario.convert(scenario.as_text(case.parameters))
            recorded = verify(scenario, parameters, Demand()).recorded
            assert recorded is not None
            times = []
            for _ in range(given.repeat):
                begun = time.process_time()
                least = minimise(scenario, parameters, recorded)
                between = time.process_time()
                explained(scenario, parameters, least.recorded)
                times.append((between - begun, time.process_time() - between))
            minimising, explaining = (min(one) for one in zip(*times, strict=True))
            sys.stdout.write(
                f"{label(scenario, case):55} {least.before.switches:3} -> {least.after.switches:2} switches "
                f"{least.before.steps:3} -> {least.after.steps:3} steps {case.states:7,} states "
                f"{minimising:5.2f} s {explaining:5.2f} s{'' if least.exact else ' not exact'}\n"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
