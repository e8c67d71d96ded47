"""The commands and their options, as click parses them.

Nothing is done while click is at it, since it has its own ideas of errors and Ctrl-C: each command gives back
the work that was asked for, and `entry` does it.
"""

from collections.abc import Callable
from functools import partial
from math import isfinite
from typing import Any, Literal

import click

from actors.cli.answers import Answer
from actors.cli.given import PACKAGE

Work = Callable[[], Answer]

_STATUS = (
    "Exit status: 0 proved or not found; 1 violated; 2 usage or malformed input; 3 inconclusive, or a "
    "`sometimes` was never met; 4 a finding did not reproduce, or an internal error; 130 Ctrl-C."
)
_CONFORM_STATUS = (
    "Exit status: 0 every line passed, or stopped at an instruction that the recording itself says not to trust; "
    "1 a line failed; 2 usage or malformed input, also an id that occurs twice, in one file or in two; "
    "4 an internal error; 130 Ctrl-C."
)


class Amount(click.FloatRange):
    """A number above zero; neither infinite nor none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Refuse what is no amount, in click's words."""
        found = float(super().convert(value, param, ctx))
        if not isfinite(found):
            self.fail(f"{value} is not a finite number", param, ctx)
        return found


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

_S = "S is a scenario's name, or a file of yours: race.py or race.py:NAME."

scenario = click.argument("scenario", metavar="S")
parameters = click.option(
    "parameters",
    "-p",
    metavar="NAME=VALUE",
    multiple=True,
    help="Set a parameter (repeatable); `vmrace list` shows them.",
)
seed = click.option(
    "--seed", default=0, help="Where the random choices come from; the same seed gives the same answer."
)
conditions = click.option(
    "--condition",
    metavar="NAME",
    multiple=True,
    help="Check this condition alone (repeatable); a unique beginning will do.",
)
full = click.option(
    "--full", is_flag=True, help="Show every step, also those that are not on the way to the symptom."
)


def minimise(*, default: bool) -> Callable[[Callable[..., Work]], Callable[..., Work]]:
    """Add the option that minimises a violation."""
    return click.option(
        "--minimise/--no-minimise",
        default=default,
        help="Show the violation with the fewest context switches, then events, then steps.",
    )


json = click.option(
    "--json", is_flag=True, expose_value=False, help="Print one JSON object instead of text."
)  # `entry` looks at it, also where parsing fails


def _version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if not asked:
        return
    import importlib.metadata  # noqa: PLC0415  # takes long, and is for this alone

    try:
        version = importlib.metadata.version("vmrace")
    except importlib.metadata.PackageNotFoundError:
        version = "(not installed)"
    click.echo(f"vmrace {version}")
    context.exit()


@click.group(
    epilog=f"{_EXAMPLES}\n{_STATUS}",
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
def app() -> None:
    """Find, replay and explain the orders of events in which kernel and hypervisor code goes wrong."""


@app.command("list", epilog=_STATUS)
@json
def _list() -> Work:
    """List the scenarios, their parameters and cases."""
    from actors.cli.listing import listing  # noqa: PLC0415  # imports every scenario

    return partial(listing, PACKAGE)


@app.command("run", epilog=_STATUS, help=f"Run one execution, narrated step by step.\n\n{_S}")
@scenario
@parameters
@seed
@json
def _run(scenario: str, parameters: tuple[str, ...], seed: int) -> Work:
    from actors.cli import commands  # noqa: PLC0415  # imports Trio

    return partial(commands.run, scenario, parameters, seed)


@app.command("explore", epilog=_STATUS, help=f"Try many orders until something is violated.\n\n{_S}")
@scenario
@parameters
@click.option(
    "--driver",
    type=click.Choice(["tables", "trio"]),
    default="tables",
    help="What runs the executions: look-ups in step tables, or Trio.",
)
@click.option(
    "--strategy",
    metavar="NAME",
    help="Who makes the choices: portfolio (unless given), fresh, random, pct, pos or urw.",
)
@seed
@click.option(
    "--executions",
    type=click.IntRange(min=1),
    metavar="N",
    default=1000,
    help="Try at most so many executions.",
)
@click.option(
    "--keep-going", is_flag=True, help="Do not stop at the first violation; report the shortest of each kind."
)
@conditions
@click.option(
    "--window",
    metavar="PROGRAM.LABEL",
    multiple=True,
    help="Let the others in mostly while this label is set (repeatable; portfolio and random).",
)
@click.option(
    "--free", is_flag=True, help="Let Trio run everybody at once, and replay each log under control."
)
@minimise(default=True)
@full
@json
def _explore(
    scenario: str,
    parameters: tuple[str, ...],
    driver: Literal["tables", "trio"],
    strategy: str | None,
    seed: int,
    executions: int,
    keep_going: bool,
    condition: tuple[str, ...],
    window: tuple[str, ...],
    free: bool,
    minimise: bool,
    full: bool,
) -> Work:
    from actors.cli import commands  # noqa: PLC0415  # imports Trio
    from actors.explore.sampling import Wanted  # noqa: PLC0415
    from actors.explore.strategies import window as read  # noqa: PLC0415

    if free and (strategy is not None or window):
        raise click.UsageError("--free lets nobody choose: give no --strategy and no --window with it")
    wanted = Wanted(
        strategy=strategy or "portfolio",
        seed=seed,
        executions=executions,
        keep_going=keep_going,
        conditions=condition,
        driver=driver,
        free=free,
        windows=tuple(map(read, window)),
    )
    return partial(commands.explore, scenario, parameters, wanted, full=full, minimise=minimise)


@app.command(
    "verify", epilog=_STATUS, help=f"Try every order: a proof, or the shortest counterexample.\n\n{_S}"
)
@click.argument("scenario", metavar="[S]", required=False)
@parameters
@click.option("--keep-going", is_flag=True, help="Do not stop at a violated condition, and search behind it.")
@conditions
@click.option("--all", "every", is_flag=True, help="Verify every case of every scenario.")
@click.option("--expect", is_flag=True, help="Exit 0 if the result is what the case declares, else 1.")
@click.option("--confirm", is_flag=True, help="Search a second time, with other fingerprints.")
@click.option(
    "--reduce",
    is_flag=True,
    help="Leave out orders of steps that do not touch each other's cells; what is found is then shortened.",
)
@click.option(
    "--classes",
    is_flag=True,
    help="Run one execution of each class of executions that differ in the order of independent steps alone, "
    "and count them.",
)
@click.option("--max-states", type=click.IntRange(min=1), metavar="N", help="Give up after so many states.")
@click.option(
    "--max-memory",
    type=Amount(min=0.0001),
    metavar="GIB",
    help="Give up beyond so much memory for states.",
)
@click.option("--max-seconds", type=Amount(min=0.0001), metavar="S", help="Give up after so many seconds.")
@minimise(default=False)
@full
@json
def _verify(
    scenario: str | None,
    parameters: tuple[str, ...],
    keep_going: bool,
    condition: tuple[str, ...],
    every: bool,
    expect: bool,
    confirm: bool,
    reduce: bool,
    classes: bool,
    max_states: int | None,
    max_memory: float | None,
    max_seconds: float | None,
    minimise: bool,
    full: bool,
) -> Work:
    from actors.cli import verifying  # noqa: PLC0415  # imports the search
    from actors.explore.verification import Demand  # noqa: PLC0415

    demand = Demand(
        conditions=condition,
        keep_going=keep_going,
        states=max_states,
        memory=None if max_memory is None else int(max_memory * 2**30),
        seconds=max_seconds,
        confirm=confirm,
        reduce=reduce,
        classes=classes,
    )
    if classes and reduce:
        raise click.UsageError("--classes and --reduce are two ways of searching: give one of them")
    if classes and (confirm or max_memory is not None):
        raise click.UsageError(
            "--classes keeps all states as they are: it takes neither --confirm nor --max-memory"
        )
    if every == (scenario is not None) or (every and (parameters or condition or minimise)):
        raise click.UsageError("name one scenario, or give --all and none of -p, --condition, --minimise")
    if scenario is None:
        return partial(verifying.verify_all, demand, expect=expect)
    return partial(
        verifying.verify, scenario, parameters, demand, full=full, expect=expect, minimise=minimise
    )


@app.command("replay", epilog=_STATUS)
@click.argument("token", metavar="TOKEN")
@click.argument("scenario", metavar="[S]", required=False)
@minimise(default=False)
@full
@json
def _replay(token: str, scenario: str | None, minimise: bool, full: bool) -> Work:
    """Run a token's execution again, and draw it.

    TOKEN is what explore, verify or run printed; S the file that the scenario is in, or its name, to be sure.
    """
    from actors.cli import commands  # noqa: PLC0415  # imports Trio

    return partial(commands.replay, token, scenario, full=full, minimise=minimise)


@app.command("conform", epilog=_CONFORM_STATUS)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--full", is_flag=True, help="Name every line that fails.")
@json
def _conform(files: tuple[str, ...], full: bool) -> Work:
    """Compare recorded behaviour of real CPUs with the model.

    A FILE has recorded vectors: .jsonl, also packed by gzip or xz.
    """
    from actors.cli.conform import conform  # noqa: PLC0415  # imports the model

    return partial(conform, files, full=full)
