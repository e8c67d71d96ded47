"""The commands and their options, as Typer parses them.

Nothing is done while Typer is at it, since it has its own ideas of errors and Ctrl-C: each command gives back
the work that was asked for, and `entry` does it.
"""

import importlib.metadata
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Annotated

import typer

from actors.cli.answers import Answer

Work = Callable[[], Answer]

_STATUS = (
    "Exit status: 0 proved or not found; 1 violated; 2 usage or malformed input; 3 inconclusive, or a "
    "`sometimes` was never met; 4 a finding did not reproduce, or an internal error; 130 Ctrl-C."
)
_CONFORM_STATUS = (
    "Exit status: 0 every line passed, or stopped at an instruction that the recording itself says not to trust; "
    "1 a line failed; 2 usage or malformed input; 4 an internal error; 130 Ctrl-C."
)
_EXAMPLES = """\b
Examples:
  vmrace list
  vmrace run lost_update --seed 3
  vmrace explore lost_update -p n=3 --seed 1
  vmrace explore ./my_race.py --executions 10000 --json
  vmrace verify xfd_err_leak -p swap=full
  vmrace verify --all --expect
  vmrace replay TOKEN
  vmrace conform tests/vectors/*.xz
"""

app = typer.Typer(
    help="Find, replay and explain the orders of events in which kernel and hypervisor code goes wrong.",
    epilog=f"{_EXAMPLES}\n{_STATUS}",
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Scenario = Annotated[
    str,
    typer.Argument(
        metavar="S",
        help="A scenario's name, or a file of yours: race.py or race.py:NAME.",
        show_default=False,
    ),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option("-p", metavar="NAME=VALUE", help="Set a parameter (repeatable); `vmrace list` shows them."),
]
Seed = Annotated[
    int, typer.Option(help="Where the random choices come from; the same seed gives the same answer.")
]
Conditions = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Check this condition alone (repeatable); a unique beginning will do."),
]


class Driver(Enum):
    """What runs the executions."""

    TABLES = "tables"
    TRIO = "trio"


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Full = Annotated[
    bool, typer.Option("--full", help="Show every step, also those that are not on the way to the symptom.")
]
Minimise = Annotated[
    bool,
    typer.Option(
        "--minimise/--no-minimise",
        help="Show the violation with the fewest context switches, then events, then steps.",
    ),
]


def _version(value: bool) -> None:
    if not value:
        return
    try:
        version = importlib.metadata.version("vmrace")
    except importlib.metadata.PackageNotFoundError:
        version = "(not installed)"
    typer.echo(f"vmrace {version}")
    raise typer.Exit


@app.callback()
def _vmrace(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    del version


@app.command("list", epilog=_STATUS)
def _list(json: Json = False) -> Work:
    """List the scenarios, their parameters and cases."""
    del json
    from actors.cli.listing import listing  # noqa: PLC0415  # imports every scenario

    return partial(listing, "scenarios")


@app.command("run", epilog=_STATUS)
def _run(scenario: Scenario, parameters: Parameters = None, seed: Seed = 0, json: Json = False) -> Work:
    """Run one execution, narrated step by step."""
    del json
    from actors.cli import commands  # noqa: PLC0415  # imports Trio

    return partial(commands.run, scenario, parameters or (), seed)


@app.command("explore", epilog=_STATUS)
def _explore(  # Typer reads the options from here
    scenario: Scenario,
    parameters: Parameters = None,
    driver: Annotated[
        Driver, typer.Option(help="What runs the executions: look-ups in step tables, or Trio.")
    ] = Driver.TABLES,
    strategy: Annotated[
        str, typer.Option(help="Who makes the choices: portfolio, fresh, random, pct, pos or urw.")
    ] = "portfolio",
    seed: Seed = 0,
    executions: Annotated[
        int, typer.Option(min=1, metavar="N", help="Try at most so many executions.")
    ] = 1000,
    keep_going: Annotated[
        bool,
        typer.Option(
            "--keep-going", help="Do not stop at the first violation; report the shortest of each kind."
        ),
    ] = False,
    condition: Conditions = None,
    window: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROGRAM.LABEL",
            help="Let the others in mostly while this label is set (repeatable; portfolio and random).",
        ),
    ] = None,
    free: Annotated[
        bool,
        typer.Option("--free", help="Let Trio run everybody at once, and replay each log under control."),
    ] = False,
    minimise: Minimise = True,
    full: Full = False,
    json: Json = False,
) -> Work:
    """Try many orders until something is violated."""
    del json
    from actors.cli import commands  # noqa: PLC0415  # imports Trio
    from actors.explore.sampling import Wanted  # noqa: PLC0415
    from actors.explore.strategies import window as read  # noqa: PLC0415

    wanted = Wanted(
        strategy=strategy,
        seed=seed,
        executions=executions,
        keep_going=keep_going,
        conditions=tuple(condition or ()),
        driver=driver.value,
        free=free,
        windows=tuple(map(read, window or ())),
    )
    return partial(commands.explore, scenario, parameters or (), wanted, full=full, minimise=minimise)


@app.command("verify", epilog=_STATUS)
def _verify(  # Typer reads the options from here
    scenario: Annotated[
        str | None,
        typer.Argument(metavar="S", help="A scenario's name, or a file of yours.", show_default=False),
    ] = None,
    parameters: Parameters = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Do not stop at a violated condition, and search behind it.")
    ] = False,
    condition: Conditions = None,
    every: Annotated[bool, typer.Option("--all", help="Verify every case of every scenario.")] = False,
    expect: Annotated[
        bool, typer.Option("--expect", help="Exit 0 if the result is what the case declares, else 1.")
    ] = False,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Search a second time, with other fingerprints.")
    ] = False,
    max_states: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Give up after so many states.")
    ] = None,
    max_memory: Annotated[
        float | None,
        typer.Option(min=0.0001, metavar="GIB", help="Give up beyond so much memory for states."),
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option(min=0.0001, metavar="S", help="Give up after so many seconds.")
    ] = None,
    minimise: Minimise = False,
    full: Full = False,
    json: Json = False,
) -> Work:
    """Try every order: a proof, or the shortest counterexample."""
    del json
    from actors.cli import verifying  # noqa: PLC0415  # imports Trio
    from actors.explore.verification import Demand  # noqa: PLC0415

    demand = Demand(
        conditions=tuple(condition or ()),
        keep_going=keep_going,
        states=max_states,
        memory=None if max_memory is None else int(max_memory * 2**30),
        seconds=max_seconds,
        confirm=confirm,
    )
    if every == (scenario is not None) or (every and (parameters or condition or minimise)):
        raise typer.BadParameter("name one scenario, or give --all and none of -p, --condition, --minimise")
    if scenario is None:
        return partial(verifying.verify_all, demand, expect=expect)
    return partial(
        verifying.verify, scenario, parameters or (), demand, full=full, expect=expect, minimise=minimise
    )


@app.command("replay", epilog=_STATUS)
def _replay(
    token: Annotated[
        str, typer.Argument(metavar="TOKEN", help="What explore or run printed.", show_default=False)
    ],
    scenario: Annotated[
        str | None,
        typer.Argument(
            metavar="[S]",
            help="The file that the scenario is in, or its name, to be sure.",
            show_default=False,
        ),
    ] = None,
    minimise: Minimise = False,
    full: Full = False,
    json: Json = False,
) -> Work:
    """Run a token's execution again, and draw it."""
    del json
    from actors.cli import commands  # noqa: PLC0415  # imports Trio

    return partial(commands.replay, token, scenario, full=full, minimise=minimise)


@app.command("conform", epilog=_CONFORM_STATUS)
def _conform(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="Recorded vectors: .jsonl, also packed by gzip or xz.", show_default=False
        ),
    ],
    full: Annotated[bool, typer.Option("--full", help="Name every line that fails.")] = False,
    json: Json = False,
) -> Work:
    """Compare recorded behaviour of real CPUs with the model."""
    del json
    from actors.cli.conform import conform  # noqa: PLC0415  # imports the model

    return partial(conform, files, full=full)
