"""Tokens that failed: replayed before anything else is asked, and dropped once they pass or no longer fit."""

from collections.abc import Mapping
from typing import Any

import pytest

from actors.explore.recording import execute
from actors.explore.replay import replay
from actors.explore.results import Recorded
from actors.explore.selection import at_places, places, select
from actors.explore.showing import shown
from actors.explore.token import choices_of, decode
from actors.runtime.errors import Divergence, VmraceError
from actors.runtime.scenario import Scenario
from actors.runtime.schedule import Follow
from actors.testing.answers import Answer, of_replay
from actors.testing.context import Context
from actors.testing.trio_runs import on_trio
from protocol.tokens import TokenBody


def again(
    context: Context, scenario: Scenario, parameters: Mapping[str, Any], conditions: tuple[str, ...]
) -> Answer | None:
    """Replay the tokens that failed the last time, until one fails again; None if none does."""
    kept = context.kept()
    for place, token in enumerate(kept):
        try:
            body = decode(token)
            _check(body, scenario, parameters)
            _check_conditions(body, scenario, parameters, conditions)
            recorded = _replayed(scenario, parameters, body)
        except VmraceError as error:
            context.note(f"dropped the token of an earlier failure, which does not fit any more: {error}")
            continue
        if recorded.names:
            said = "the token of an earlier failure was replayed first, and fails again"
            return of_replay(
                scenario, shown(scenario, parameters, recorded, None).recorded, said, kept[place:]
            )
        context.note(f"dropped the token of an earlier failure, which passes now ({body.steps} steps)")
    return None


def _replayed(scenario: Scenario, parameters: Mapping[str, Any], body: TokenBody) -> Recorded:
    """Replay a token; raises Divergence, unless all that differs is that nothing is violated by its choices any more.

    What is violated is a part of what a token names, so a replay cannot come out well and be the same.
    """
    try:
        return replay(scenario, body)
    except Divergence as diverges:
        only = at_places(scenario(**parameters), body.only)
        follow = Follow(choices_of(body))
        try:
            mended = on_trio(lambda: execute(scenario, parameters, follow, only=only, limit=body.steps))
        except Divergence:
            raise diverges from None
        if mended.names:
            raise
        return mended


def given(scenario: Scenario, parameters: Mapping[str, Any], token: str) -> Answer:
    """Replay the token that somebody gave; raises VmraceError where it diverges, and skips the test if it is of another."""
    body = decode(token)
    try:
        _check(body, scenario, parameters)
    except Divergence as error:
        pytest.skip(f"the token that was given is not of this test: {error}")
    recorded = shown(scenario, parameters, replay(scenario, body), None).recorded
    return of_replay(scenario, recorded, "this token alone was replayed", ())


def _check(body: TokenBody, scenario: Scenario, parameters: Mapping[str, Any]) -> None:
    """Raise Divergence for a token of something else."""
    if body.scenario != scenario.name:
        raise Divergence(f"it is of {body.scenario}, and this is {scenario.name}")
    if body.parameters != scenario.changed(parameters):
        of = ", ".join(f"{name}={text}" for name, text in body.parameters) or "no parameters"
        raise Divergence(f"it is of {scenario.name} with {of}")


def _check_conditions(
    body: TokenBody, scenario: Scenario, parameters: Mapping[str, Any], conditions: tuple[str, ...]
) -> None:
    world = scenario(**parameters)
    if body.only != places(world, select(world, conditions)):
        raise Divergence("it looks at other conditions")
