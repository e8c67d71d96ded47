"""vmrace beside other model checkers, on the same workload, in the same run.

    python tests/bench/peers.py [--rounds N] [--cpus 2]

The workload is W1 (see `scenarios/w1.py`), proved in its fixed form for two CPUs, and its bug found for one. The
models in Promela and Murphi beside this file say the same, step for step. Each tool runs in turns, from its model
to its verdict, as a user would start it: SPIN and Murphi generate C and compile it, vmrace starts Python. Tools that
are not installed are left out (`apt-get install spin rumur gcc`). Medians of the rounds are printed as a table.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

MODELS = Path(__file__).parent / "models"
ROOT = Path(__file__).parents[2]
INNER = """
import json, sys, time
from actors.explore.proving.search import Search
from actors.explore.tables.tables import Tables
from actors.runtime.loading import built_in
world = built_in("scenarios")["w1"](cpus={cpus}, fixed={fixed})
begun = time.perf_counter()
with Tables(world) as tables:
    found = Search(tables).run()
    print(json.dumps([time.perf_counter() - begun, found.states]))
"""


class Run:
    """One run: seconds from model to verdict, those of the search alone, states, and what was said."""

    def __init__(self, whole: float, search: float | None, states: int, says: str) -> None:
        self.whole = whole
        self.search = search
        self.states = states
        self.says = says


def run(command: list[str], where: Path, *, may_fail: bool = False) -> str:
    """Run a command and return what it printed; raises SystemExit with that if it failed."""
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
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


def nothing(_: int, __: bool) -> Run:
    """Start Python and import the command line: what is spent before any work."""
    begun = time.perf_counter()
    run([sys.executable, "-c", "import actors.cli"], ROOT)
    return Run(time.perf_counter() - begun, None, 0, "")


Tool = Callable[[int, bool], Run]

TOOLS: dict[str, tuple[Tool, tuple[str, ...]]] = {
    "SPIN": (spin, ("spin", "gcc")),
    "Murphi (rumur)": (murphi, ("rumur", "gcc")),
    "vmrace": (vmrace, ()),
    "`import actors.cli`": (nothing, ()),
}


def measure(cpus: int, fixed: bool, rounds: int) -> list[str]:
    """Let all that is installed run in turns; return the rows of a table."""
    tools = {name: tool for name, (tool, needs) in TOOLS.items() if all(map(shutil.which, needs))}
    runs: dict[str, list[Run]] = {name: [] for name in tools}
    for _ in range(rounds):
        for name, tool in tools.items():
            runs[name].append(tool(cpus, fixed))
    ours = statistics.median(one.whole for one in runs["vmrace"])
    rows = []
    for name, found in runs.items():
        whole = statistics.median(one.whole for one in found)
        alone = [one.search for one in found if one.search is not None]
        search = f"{statistics.median(alone):.2f}" if alone else ""
        states = f"{found[0].states:,}" if found[0].states else ""
        rows.append(f"| {name} | {found[0].says} | {states} | {whole:.2f} | {search} | {ours / whole:.2f} |")
    return rows


def main(arguments: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="vmrace beside its peers.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cpus", type=int, default=2)
    given = parser.parse_args(arguments)
    for cpus, fixed in ((given.cpus, True), (1, False)):
        form = "fixed" if fixed else "buggy"
        sys.stdout.write(f"\nW1, {cpus} CPU{'s' if cpus > 1 else ''}, {form}; median of {given.rounds}\n\n")
        sys.stdout.write("| tool | verdict | states | whole, s | search alone, s | vmrace's whole / its |\n")
        sys.stdout.write("|---|---|---|---|---|---|\n")
        sys.stdout.write("\n".join(measure(cpus, fixed, given.rounds)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
