"""vmrace beside other model checkers, on the same workload, in the same run.

    python tests/bench/peers.py [--rounds N] [--tools NAME...]

The workload is W1 (see `scenarios/w1.py`): proved in its fixed form for two CPUs, and its bug found for one. The models
in `models/` say the same, step for step: in Promela, in Murphi's language, and as a plain Python program. Each tool
runs in turns, from its model to its verdict, as a user would start it: SPIN and Murphi generate C and compile it,
vmrace and the plain program start Python. Tools that are not installed are left out (`apt-get install spin rumur
gcc`). What is printed is a table of medians, as it stands in the README.

Python may keep the bytecode of what it has compiled, as it does unless told otherwise, and a first run of each tool is
not counted.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

MODELS = Path(__file__).parent / "models"
ROOT = Path(__file__).parents[2]
INNER = """
import json, sys, time
from actors.explore.proving.search import Search
from actors.explore.tables.tables import Tables
from actors.runtime.loading import load
world = load("w1", "scenarios")(cpus={cpus}, fixed={fixed})
begun = time.perf_counter()
with Tables(world) as tables:
    found = Search(tables).run()
    print(json.dumps([time.perf_counter() - begun, found.states]))
"""
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class Run(NamedTuple):
    """One run: seconds from model to verdict, those of the search alone, states, and what was said."""

    whole: float
    search: float
    states: int
    says: str


class Workload(NamedTuple):
    """Which form of W1."""

    cpus: int
    fixed: bool


PROOF, BUG = Workload(2, fixed=True), Workload(1, fixed=False)


def run(command: list[str], where: Path, *, may_fail: bool = False) -> str:
    """Run a command and return what it printed; raises SystemExit with that if it failed."""
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    if done.returncode and not may_fail:
        raise SystemExit(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout


def number(pattern: str, text: str) -> int:
    """Return the number that a tool printed."""
    found = re.search(pattern, text)
    return int(float(found[1])) if found else 0


def spin(cpus: int, fixed: bool) -> Run:
    """Generate, compile and run a verifier."""
    with tempfile.TemporaryDirectory() as name:
        where = Path(name)
        shutil.copy(MODELS / "w1.pml", where)
        begun = time.perf_counter()
        run(["spin", f"-DNCPU={cpus}", *(["-DFIXED"] if fixed else []), "-a", "w1.pml"], where)
        run(["gcc", "-O2", "-DMEMLIM=12000", "-DSAFETY", "-w", "-o", "pan", "pan.c"], where)
        built = time.perf_counter()
        said = run(["./pan", "-m10000"], where, may_fail=True)
        ended = time.perf_counter()
    errors = number(r"errors: (\d+)", said)
    states = number(r"([0-9.e+]+) states, stored", said)
    return Run(ended - begun, ended - built, states, "violated" if errors else "proved")


def murphi(cpus: int, fixed: bool) -> Run:
    """Generate, compile and run a checker, with one thread."""
    with tempfile.TemporaryDirectory() as name:
        where = Path(name)
        model = (
            (MODELS / "w1.m").read_text().replace("NCPU: 2; FIXED: 1", f"NCPU: {cpus}; FIXED: {int(fixed)}")
        )
        (where / "w1.m").write_text(model)
        begun = time.perf_counter()
        run(["rumur", "--deadlock-detection", "stuck", "--threads", "1", "--output", "w1.c", "w1.m"], where)
        run(["gcc", "-std=c11", "-O2", "-w", "w1.c", "-o", "w1", "-lpthread", "-mcx16"], where)
        built = time.perf_counter()
        said = run(["./w1"], where, may_fail=True)
        ended = time.perf_counter()
    states = number(r"\s(\d+) states,", said)
    return Run(ended - begun, ended - built, states, "proved" if "No error" in said else "violated")


def plain(cpus: int, fixed: bool) -> Run:
    """Run the plain Python program."""
    begun = time.perf_counter()
    said = run([sys.executable, str(MODELS / "w1.py"), str(cpus), "fixed" if fixed else "buggy"], ROOT)
    ended = time.perf_counter()
    found = json.loads(said)
    return Run(ended - begun, found["seconds"], found["states"], found["verdict"])


def vmrace(cpus: int, fixed: bool) -> Run:
    """Run the command as a user does; the search alone is timed in a process of its own."""
    command = [sys.executable, "-m", "actors.cli", "verify", "w1"]
    begun = time.perf_counter()
    said = run(
        [*command, "-p", f"cpus={cpus}", "-p", f"fixed={str(fixed).lower()}", "--json"], ROOT, may_fail=True
    )
    ended = time.perf_counter()
    found = json.loads(said)
    inner, _ = json.loads(run([sys.executable, "-c", INNER.format(cpus=cpus, fixed=fixed)], ROOT))
    return Run(ended - begun, inner, found["states"], found["verdict"])


Tool = Callable[[int, bool], Run]

OURS = "vmrace"
TOOLS: dict[str, tuple[Tool, tuple[str, ...]]] = {
    OURS: (vmrace, ()),
    "SPIN": (spin, ("spin", "gcc")),
    "Murphi (rumur)": (murphi, ("rumur", "gcc")),
    "plain Python": (plain, ()),
}


def started(code: str) -> float:
    """Return how long a Python process takes that does this and nothing else."""
    begun = time.perf_counter()
    run([sys.executable, "-c", code], ROOT)
    return time.perf_counter() - begun


def measure(tools: dict[str, Tool], rounds: int) -> dict[str, dict[Workload, Run]]:
    """Let all run in turns, and once before that; return the medians."""
    runs: dict[tuple[str, Workload], list[Run]] = {}
    for count in range(rounds + 1):
        for name, tool in tools.items():
            for workload in (PROOF, BUG):
                found = tool(*workload)
                if count:
                    runs.setdefault((name, workload), []).append(found)
    return {name: {one: _median(runs[name, one]) for one in (PROOF, BUG)} for name in tools}


def _median(runs: list[Run]) -> Run:
    whole, search = (statistics.median(one[place] for one in runs) for place in (0, 1))
    return Run(whole, search, runs[0].states, runs[0].says)


def table(found: dict[str, dict[Workload, Run]]) -> Iterator[str]:
    """Return the lines of the table; a share is vmrace's time in parts of the tool's."""
    yield "| | 2 CPUs, fixed | states | whole, s | share | search, s | share | 1 CPU, buggy | whole, s | share |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    ours = found[OURS]
    for name, runs in found.items():
        proof, bug = runs[PROOF], runs[BUG]
        cells = [
            *(proof.says, f"{proof.states:,}"),
            *(f"{proof.whole:.2f}", f"{ours[PROOF].whole / proof.whole:.2f}"),
            *(f"{proof.search:.2f}", f"{ours[PROOF].search / proof.search:.2f}"),
            *(bug.says, f"{bug.whole:.2f}", f"{ours[BUG].whole / bug.whole:.2f}"),
        ]
        yield f"| {name} | {' | '.join(cells)} |"


def main(arguments: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="vmrace beside its peers.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tools", nargs="+", choices=[name for name in TOOLS if name != OURS])
    given = parser.parse_args(arguments)
    tools = {
        name: tool
        for name, (tool, needs) in TOOLS.items()
        if all(map(shutil.which, needs)) and (name == OURS or not given.tools or name in given.tools)
    }
    before = os.getloadavg()[0]
    sys.stdout.write("\n".join(table(measure(tools, given.rounds))) + "\n")
    alone, imported = (
        statistics.median(started(code) for _ in range(given.rounds)) for code in ("", "import actors.cli")
    )
    sys.stdout.write(
        f"\nMedians of {given.rounds}. Python alone starts in {alone:.2f} s, with `import actors.cli` in {imported:.2f} s. "
        f"Load of the machine before and after: {before:.1f}, {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs.\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
