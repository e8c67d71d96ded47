"""Which programs it is enough to let go on from a state."""

from collections.abc import Sequence
from typing import NamedTuple

from actors.explore.reduction.known import EMPTY, Future
from actors.explore.reduction.touch import Touch


class Profile(NamedTuple):
    """All that counts of one program in one state: its next step, and what it may touch from there on.

    `here` says that it is there and has not ended; `fails` that the step may end it, and the world, badly; `ends` that
    the step may end it though it has to finish. As long as it is there, the conditions that it `silences` hold.
    """

    here: bool = False
    required: bool = False
    enabled: bool = False
    fails: bool = False
    ends: bool = False
    silences: int = 0
    step: Touch = Touch()
    future: Future = EMPTY


ABSENT = Profile()


def persistent(programs: Sequence[Profile]) -> list[int] | None:
    """Return the places of enabled programs that are enough; None if it takes all of them.

    Of the groups that grow around one required program each it is the one of which the fewest are enabled.
    """
    best: list[int] | None = None
    fewest = sum(program.enabled for program in programs)
    for seed, program in enumerate(programs):
        if program.required and program.here:
            group = grown(programs, seed)
            moving = [place for place in group if programs[place].enabled]
            if 0 < len(moving) < fewest and swaps_with_ends(programs, group):
                best, fewest = moving, len(moving)
    return best


def grown(programs: Sequence[Profile], seed: int) -> list[int]:
    """Return the group around a program whose next steps nobody outside may ever meet."""
    group, waiting, silent = {seed}, [seed], programs[seed].silences
    while waiting:
        step = programs[waiting.pop()].step
        for place, other in enumerate(programs):
            if other.here and place not in group and other.future.touch.meets(step, silent):
                group.add(place)
                waiting.append(place)
                silent |= other.silences
    return sorted(group)


def swaps_with_ends(programs: Sequence[Profile], group: Sequence[int]) -> bool:
    """Say whether no step of a group, which has a required program, can take from the others what they would do before it."""
    moving = [programs[place] for place in group if programs[place].enabled]
    if any(program.fails for program in moving):
        return False
    if not any(program.ends for program in moving) or sum(programs[place].required for place in group) > 1:
        return True
    return not any(
        program.here and (not program.required or program.future.servants)
        for place, program in enumerate(programs)
        if place not in group
    )
