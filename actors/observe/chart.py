"""The interleaving chart: what happened, in order, each context in a column of its own.

          CPU0
          vcpu0   amx_task
    d...  vcpu_run: wrmsr XFD_ERR 0  XFD_ERR 0x40000 -> 0
    ....          user: tilezero 0

Time runs down. The margin on the left is the CPU's state in ftrace's latency format, where the world has one.
A step in the same function as the row above it leaves the function's name out. Unless `full` asks for them, steps
that are not on the way to the symptom are counted instead of shown, and if that is not enough for a chart of
`LINES` lines, those that are farthest from it, the ones that change nothing before others. Where nobody has looked
for that way, it is the steps that tell nothing: no value changed, was read or was chosen. The last row says in its
own words what went wrong.
"""

from collections.abc import Callable, Iterator, Sequence

from actors.observe.layout import Layout, layout
from actors.observe.rows import matters, row, says, symptom
from actors.observe.text import WIDTH, wrap
from protocol.records import Record, Step

LINES = 40
"""As long as an explained chart may be."""

_QUIET = 2
"""So many dependences farther off a step counts that changes nothing: what moved is the story, what was looked at is why."""

_FOLDED = 2  # a shorter run of steps takes no more room than its count


def chart(record: Record, *, full: bool = False) -> str:
    """Draw a record; `full` shows every step."""
    if full:
        lines = _drawn(record, lambda _: True)
    elif all(step.distance is None for step in record.steps):
        lines = _drawn(record, matters)
    else:
        lines = _on_the_way(record)
    return "\n".join(line.rstrip() for line in lines)


def _on_the_way(record: Record) -> list[str]:
    """Draw the steps on the way to the symptom, as many of the nearest as have room."""
    nearest = sorted((step for step in record.steps if step.distance is not None), key=_rank)
    must = sum(1 for step in nearest if step.distance == 0)
    fits, beyond = must, len(nearest) + 1
    while beyond - fits > 1:
        middle = (fits + beyond) // 2
        if len(_drawn(record, _among(nearest[:middle]))) <= LINES:
            fits = middle
        else:
            beyond = middle
    return _drawn(record, _among(nearest[:fits]))


def _rank(step: Step) -> tuple[int, int]:
    """Order steps: the nearest first, those that change nothing as if they were farther, and of all these the latest."""
    return (step.distance or 0) + (0 if step.changes else _QUIET), -step.number


def _among(steps: Sequence[Step]) -> Callable[[Step], bool]:
    numbers = {step.number for step in steps}
    return lambda step: step.number in numbers


def _drawn(record: Record, shown: Callable[[Step], bool]) -> list[str]:
    plan = layout(record)
    return [*plan.header, *_steps(record, plan, shown), *_end(record, plan)]


def _steps(record: Record, plan: Layout, shown: Callable[[Step], bool]) -> Iterator[str]:
    above: Step | None = None
    for run in _runs(record.steps, shown):
        if len(run) >= _FOLDED:
            yield " " * plan.places[run[0].column] + f"... {len(run)} steps"
            above = None
            continue
        for step in run:
            same = above is not None and (above.column, above.function) == (step.column, step.function)
            text = f"  {says(step)}" if same else row(step)
            yield from _placed(text, plan, step.column, step.margin, indent=4 if same else 2)
            above = step


def _runs(steps: Sequence[Step], shown: Callable[[Step], bool]) -> Iterator[list[Step]]:
    """Split the steps: one by one those that are shown, together those that are folded."""
    folded: list[Step] = []
    for index, step in enumerate(steps):
        if index < len(steps) - 1 and not shown(step):
            folded.append(step)
            continue
        yield from _split(folded)
        folded = []
        yield [step]
    yield from _split(folded)


def _split(folded: list[Step]) -> Iterator[list[Step]]:
    if len(folded) >= _FOLDED:
        yield folded
    else:
        yield from ([step] for step in folded)


def _end(record: Record, plan: Layout) -> Iterator[str]:
    """Write the last row: the symptom where it shows, or how the execution ended."""
    column = record.steps[-1].column if record.steps else ""
    violation = record.violation
    if violation is None:
        yield from _placed(f"({record.ending})", plan, column, "", indent=1)
        return
    if violation.failure is not None:
        column = violation.failure.program if violation.failure.program in plan.places else column
    for line in symptom(violation):
        yield from _placed(line, plan, column, "", indent=3)


def _placed(text: str, plan: Layout, column: str, margin: str, *, indent: int) -> Iterator[str]:
    """Write a row at its column, going on below it where it is too long."""
    place = plan.places.get(column, plan.margin)
    lead = len(text) - len(text.lstrip())
    lines = wrap(text, WIDTH - place - lead, indent - lead) or [""]
    for number, line in enumerate(lines):
        left = margin if number == 0 else ""
        yield left.ljust(place + lead) + line
