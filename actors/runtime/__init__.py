"""How actors run: worlds, programs, devices, conditions, and the drivers that execute them.

This package knows nothing of CPUs and nothing of strategies; any race of any actors can be described with it.

    from actors.runtime import World, scenario

A program is an `async def` that awaits messages to devices (`program`, `life`), stepped by `running`; parts of it may be
routines, whose past is forgotten (`routine`). A
device handles one message at a time (`device`; ready ones in `devices`). A `world` describes both and the
`conditions`; an `execution` is what a world means, one step at a time; `drivers` decide when, and `schedule`
is how they ask what comes next. `values` says what may pass between actors, `determinism` and `watchdog`
guard what every verdict rests on, `recorder` and `digest` write it down.

May import: `protocol`, trio (in `drivers` alone), msgspec, the standard library.
"""

from actors.runtime.device import NOT_ENABLED, RETRY, Device, Footprint, Gate, Outcome, Outcomes, Read, Values
from actors.runtime.devices import Choice, Lock, Mailbox, RunQueue, Variable
from actors.runtime.life import join, spawn
from actors.runtime.program import become, fail, set_label
from actors.runtime.routine import routine
from actors.runtime.scenario import Scenario, case, scenario
from actors.runtime.world import World
from protocol.handles import Cell, Label, Program

__all__ = [
    "NOT_ENABLED",
    "RETRY",
    "Cell",
    "Choice",
    "Device",
    "Footprint",
    "Gate",
    "Label",
    "Lock",
    "Mailbox",
    "Outcome",
    "Outcomes",
    "Program",
    "Read",
    "RunQueue",
    "Scenario",
    "Values",
    "Variable",
    "World",
    "become",
    "case",
    "fail",
    "join",
    "routine",
    "scenario",
    "set_label",
    "spawn",
]
