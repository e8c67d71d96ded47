"""W1 once more, as a person would write it in plain Python: tuples, a set and a loop over levels, and no library.

    python tests/bench/models/w1.py CPUS fixed|buggy

Prints verdict, states and the seconds that the search took, as JSON. The steps are those of `scenarios/w1.py`, `w1.pml`
and `w1.m`, and nothing is shared with any of them. A search that finds a violation finishes the level.

A state is the lock, the counter, the finished runs, and of each CPU: mode, XFD, XFD_ERR, the guest's next line, exits
that are left, the host's next line and what it has saved, the task's next line and what it has read.
"""

import json
import sys
import time
from collections.abc import Iterator

GUEST, EXIT, TASK, ENTER, DONE = range(5)
FREE = NOTHING = -1

Cpu = tuple[int, int, int, int, int, int, int, int, int, int]
State = tuple[int, int, int, tuple[Cpu, ...]]

CPU: Cpu = (GUEST, 1, 0, 0, 2, 0, NOTHING, NOTHING, 0, NOTHING)


def guest(cpu: Cpu) -> Cpu:
    """G1 to G9."""
    mode, xfd, err, line, *rest = cpu
    if line == 0:
        err |= 1
    elif line == 2:
        err = 0
    elif line == 3:
        xfd = 0
    elif line == 8:
        mode = DONE
    return (mode, xfd, err, line + 1, *rest)


def saving(cpu: Cpu, fixed: bool) -> Iterator[Cpu]:
    """E1 to E5: save, clear, and leave for the task or back to the guest."""
    _, xfd, err, g, left, line, ge, gx, t, seen = cpu
    if fixed and line in {0, 2}:  # ge = ERR, ERR = 0
        yield EXIT, xfd, 0 if line else err, g, left, line + 1, ge if line else err, gx, t, seen
    elif line == int(fixed):  # gx = XFD
        yield EXIT, xfd, err, g, left, line + 1, ge, xfd, t, seen
    elif line == 1 + 2 * fixed:  # XFD = 0
        yield EXIT, 0, err, g, left, line + 1, ge, gx, t, seen
    elif line == 2 + 2 * fixed:
        for mode in (TASK, ENTER):
            yield mode, xfd, err, g, left, line + 1, ge, gx, t, seen


def entering(cpu: Cpu, fixed: bool) -> Iterator[Cpu]:
    """N1 to N3: put back what was saved, and enter the guest."""
    _, xfd, err, g, left, line, ge, gx, t, seen = cpu
    if line == 3 + 2 * fixed:
        yield ENTER, gx, err, g, left, line + 1, ge, gx, t, seen
    elif fixed and line == 6:
        yield ENTER, xfd, ge, g, left, line + 1, ge, gx, t, seen
    elif line == 4 + 3 * fixed:
        yield GUEST, xfd, err, g, left, 0, NOTHING, NOTHING, t, seen


def task(state: State, number: int) -> Iterator[State]:
    """T1 to T3; with several CPUs T4 to T7."""
    lock, counter, runs, cpus = state
    mode, xfd, err, g, left, v, ge, gx, line, seen = cpus[number]
    if line == 0:
        xfd, err = 1, err | 2
    elif line == 2:
        xfd, err = 0, 0
    elif line == 3:
        if lock != FREE:
            return
        lock = number
    elif line == 4:
        seen = counter
    elif line == 5:
        counter = seen + 1
    elif line == 6:
        lock, runs = FREE, runs + 1
    line += 1
    if line == (7 if len(cpus) > 1 else 3):
        mode, line, seen = ENTER, 0, NOTHING
    yield lock, counter, runs, put(cpus, number, (mode, xfd, err, g, left, v, ge, gx, line, seen))


def put(cpus: tuple[Cpu, ...], number: int, cpu: Cpu) -> tuple[Cpu, ...]:
    """Return the CPUs with one of them replaced."""
    return (*cpus[:number], cpu, *cpus[number + 1 :])


def following(state: State, fixed: bool) -> Iterator[State]:
    """Return the states behind each step."""
    lock, counter, runs, cpus = state
    for number, cpu in enumerate(cpus):
        mode = cpu[0]
        if mode == GUEST:
            yield lock, counter, runs, put(cpus, number, guest(cpu))
            if cpu[4]:
                yield lock, counter, runs, put(cpus, number, (EXIT, *cpu[1:4], cpu[4] - 1, *cpu[5:]))
        elif mode == TASK:
            yield from task(state, number)
        elif mode != DONE:
            for after in (saving if mode == EXIT else entering)(cpu, fixed):
                yield lock, counter, runs, put(cpus, number, after)


def bad(state: State) -> bool:
    """Say whether somebody is about to read the other's bit, or a run was not counted."""
    for mode, _, err, g, _, _, _, _, t, _ in state[3]:
        if (mode == GUEST and g == 1 and err != 1) or (mode == TASK and t == 1 and err != 2):
            return True
    return all(cpu[0] == DONE for cpu in state[3]) and state[1] != state[2]


def search(cpus: int, fixed: bool, *, keep_going: bool = False) -> tuple[bool, int]:
    """Return whether anything is violated, and the number of states; `keep_going` goes on behind violations."""
    first: State = (FREE, 0, 0, (CPU,) * cpus)
    seen, level, violated = {first}, [first], bad(first)
    while level and (keep_going or not violated):
        after = []
        for state in level:
            for one in following(state, fixed):
                if one not in seen:
                    seen.add(one)
                    after.append(one)
                    violated = bad(one) or violated
        level = after
    return violated, len(seen)


def main(arguments: list[str]) -> None:
    """Search and print."""
    begun = time.perf_counter()
    violated, states = search(int(arguments[0]), arguments[1] == "fixed")
    found = {"verdict": "violated" if violated else "proved", "states": states}
    sys.stdout.write(json.dumps({**found, "seconds": time.perf_counter() - begun}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
