"""The content of a token: everything that fixes one execution.

How a token is packed into text, and how it is refused, is `actors.explore.token`.
"""

import msgspec

FORMAT = 1
"""The version of the token's format; a token is valid for one version."""


class TokenBody(msgspec.Struct, frozen=True, array_like=True):
    """One execution of one scenario.

    `parameters` holds those that differ from the defaults, as written on the command line. `choices` is the
    run-length packed schedule, `steps` its length in steps. `digest` is 64 bits over the whole execution;
    `rolling` is one byte for each `every` steps, over all steps up to there. `only` are the places of the
    `always` conditions that were looked at, among the world's; none stands for all of them.
    """

    scenario: str
    parameters: tuple[tuple[str, str], ...]
    choices: bytes
    steps: int
    digest: int
    every: int
    rolling: bytes
    only: tuple[int, ...] = ()
