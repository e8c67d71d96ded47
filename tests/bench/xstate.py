"""Speed of the pure rules: XSAVES and XRSTORS of everything, and vectors.

    python tests/bench/xstate.py [--rounds N]

The pair saves all components of Sapphire Rapids, all in use, into an area that holds other contents (a context
switch), and restores them on a CPU that holds others again. The median over the rounds counts; the target is
10 microseconds. It is time of the CPU, so that who else runs on the machine counts less.
"""

import argparse
import random
import statistics
import sys
import time
from pathlib import Path

from actors.machine.conform.reader import read_lines
from actors.machine.conform.run import run_all
from actors.machine.xstate.area import pieces
from actors.machine.xstate.components import COMPACTED
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.environment import KERNEL, Operand
from actors.machine.xstate.layout import layout
from actors.machine.xstate.presets import SAPPHIRE_RAPIDS
from actors.machine.xstate.registers import XState
from actors.machine.xstate.restore import restore
from actors.machine.xstate.save import save
from actors.machine.xstate.tile_config import config
from protocol.instructions import XsaveArea

VECTORS = Path(__file__).parents[1] / "vectors"
EVERYTHING = (1 << 64) - 1
TARGET = 10.0
_REGULAR = {
    0: b"\x7f\x03" + bytes(2) + b"\xff" + bytes(19) + b"\x55" * 10 + bytes(6) + bytes(112),
    9: b"\x04" + bytes(7),
    11: b"\x03" + bytes(15),
    12: b"\x00\x10" + bytes(22),
    17: config(*[16] * 8),
}
"""Contents that are loaded as they are; the others may be any bytes."""


def full_state(cpu: CpuModel, seed: int) -> XState:
    """Return registers with every component in use and not initial."""
    dice = random.Random(seed)
    known = cpu.description
    state = XState(xcr0=known.xcr0, xss=known.xss)
    for number in range(20):
        if (known.xcr0 | known.xss) >> number & 1:
            state = state.loaded(number, _REGULAR.get(number) or dice.randbytes(known.size(number)))
    return state


def pair(cpu: CpuModel, mine: XState, yours: XState, area: XsaveArea) -> tuple[XsaveArea, XState]:
    """Save one state and restore it over another."""
    saved = save("xsaves", mine, EVERYTHING, Operand(area, 0x1000), KERNEL, cpu).area
    assert saved is not None
    return saved, restore("xrstors", yours, EVERYTHING, Operand(saved, 0x1000), KERNEL, cpu).state


def measure(rounds: int) -> float:
    """Return the median of the pair in microseconds; checks that the pair does what it should."""
    cpu = CpuModel(SAPPHIRE_RAPIDS)
    one, other = full_state(cpu, 1), full_state(cpu, 2)
    before = save("xsaves", other, EVERYTHING, Operand(XsaveArea(0, COMPACTED)), KERNEL, cpu).area
    assert before is not None
    area, restored = pair(cpu, one, other, before)
    assert restored.contents == one.contents
    at = layout(cpu.description, area.xcomp_bv).offset[18]
    assert dict(pieces(area))[at] is one.held(18), "a save is a reference"
    taken = []
    for _ in range(rounds):
        begun = time.process_time()
        for _ in range(100):
            pair(cpu, one, other, before)
        taken.append((time.process_time() - begun) * 1e4)
    return statistics.median(taken)


def rate() -> float:
    """Return how many of the project's vectors run on the model in a second, decoding apart; 0 if they are not here."""
    lines = [line for path in sorted(VECTORS.glob("*.jsonl.xz")) for _, line in read_lines(path)]
    begun = time.process_time()
    for verdict in run_all(lines):
        if verdict.kind == "failed":
            raise SystemExit(f"{verdict.id} fails at {verdict.field}")
    return len(lines) / (time.process_time() - begun) if lines else 0.0


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=101)
    median = measure(arguments.parse_args().rounds)
    vectors = rate()
    if vectors:
        sys.stdout.write(f"recorded vectors on the model: {vectors:,.0f} a second\n")
    sys.stdout.write(
        f"XSAVES + XRSTORS of all components: {median:.1f} us (median of the pair; target {TARGET:g})\n"
    )


if __name__ == "__main__":
    main()
