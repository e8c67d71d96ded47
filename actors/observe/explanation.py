"""The lines that explain a violation: the window, the race in it, the change that passes, and the events that it takes.

    Window    guest, after tileloadd tmm0 = #NM and before wrmsr XFD_ERR 0:
              irq0's external interrupt 0xec
    Race      guest's tileloadd tmm0 and irq0's external interrupt 0xec, on cpu0
    Flip      irq0's external interrupt 0xec first
    Needs     external interrupt 1 of 2; not needed: migration

What was not found, or could not be, is not there.
"""

from collections.abc import Iterator

from protocol.records import Explanation, Flip, Need, Step, Window


def explanation_lines(explanation: Explanation) -> Iterator[tuple[str, str]]:
    """Return keys and texts, in the order in which they are shown."""
    if explanation.window is not None:
        yield "Window", window_text(explanation.window)
    flip = explanation.flip
    if flip is None:
        yield "Flip", no_flip_text(explanation.hopeless)
    elif flip.second is None:
        yield "Flip", flip_text(flip)
    else:
        yield "Race", race_text(flip)
        yield "Flip", f"{owned(flip.first)} first{_more(flip)}"
    needs = needs_text(explanation.needs)
    if needs:
        yield "Needs", needs


def window_text(window: Window) -> str:
    """Say whose steps the window lies between, and what has to fall in there."""
    ends = [one for one in (window.opens, window.closes) if one is not None]
    alike = len({does(one) for one in ends}) < len(ends)
    there = alike and len({(one.file, one.line) for one in ends}) < len(ends)
    words = []
    if window.opens is not None:
        words.append(f"after {with_reply(window.opens)}{_where(window.opens, alike, there)}")
    if window.closes is not None:
        words.append(f"before {does(window.closes)}{_where(window.closes, alike, there)}")
    one, other = sorted((window.first, window.last), key=lambda step: step.number)
    inside = [owned(one)]
    if other != one:
        inside.append(does(other) if other.column == one.column else owned(other))
    return f"{ends[0].column}, {' and '.join(words)}: {', '.join(inside)}"


def _where(step: Step, alike: bool, there: bool) -> str:
    """Return where a step stands, if its text does not tell it from the other end of the window; on one line, for whom."""
    if not alike:
        return ""
    return (
        f" ({step.function} of {step.caller})"
        if there and step.caller
        else f" ({step.function}, line {step.line})"
    )


def race_text(flip: Flip) -> str:
    """Say which two steps race, and on what."""
    assert flip.second is not None
    on = f", on {', '.join(flip.cells)}" if flip.cells else ""
    return f"{owned(flip.second)} and {owned(flip.first)}{on}"


def flip_text(flip: Flip) -> str:
    """Say what is changed, in one sentence."""
    if flip.second is None:
        return f"{owned(flip.first)} with another outcome: {flip.outcome or 'the one without a name'}{_more(flip)}"
    return f"{owned(flip.first)} before {owned(flip.second)}{_more(flip)}"


def _more(flip: Flip) -> str:
    """Say so if the change is not all."""
    return "" if flip.alone else ", and the rest in another order: no single change passes"


def no_flip_text(hopeless: int | None) -> str:
    """Say whether it is known that nothing passes, or only that nothing was found."""
    if hopeless is None:
        return "none found: no order that was tried passes, and no other outcome"
    return f"none: every order of these events has been gone through, and none passes ({hopeless:,} states)"


def needs_text(needs: tuple[Need, ...]) -> str:
    """Say how many events of each class it takes at least, which are not needed, and of which that is not known."""
    used = [f"{need.event} {need.least} of {need.budget}" for need in needs if need.least]
    unused = [need.event for need in needs if need.least == 0]
    unknown = [need.event for need in needs if need.least is None]
    words = [", ".join(used)]
    words += [f"not needed: {', '.join(unused)}"] if unused else []
    words += [f"not known: {', '.join(unknown)}"] if unknown else []
    return "; ".join(word for word in words if word)


def with_reply(step: Step) -> str:
    """Return what a step does, and what it was told if that tells anything."""
    return does(step) if step.reply in {"", "True"} else f"{step.text} = {step.reply}{_chosen(step)}"


def does(step: Step) -> str:
    """Return what a step does, and which of several outcomes it had."""
    return f"{step.text}{_chosen(step)}"


def _chosen(step: Step) -> str:
    return f" ({step.outcome})" if step.outcome and step.outcome != step.reply else ""


def owned(step: Step) -> str:
    """Return whose step it is, and what it does."""
    return f"{step.column}'s {does(step)}"
