"""What the healthy worlds have in common: their values, what their tasks want of the kernel, and how their cases are written.

A row of cases is what must hold of the kernel as it is, or which mutant of it is caught, by what.
"""

from typing import Any

from actors.runtime import case
from actors.runtime.scenario import Case
from actors.system import Machine
from actors.system.invariants import is_set, not_false, unset
from actors.system.invariants.happened import any_set, off_cpu_with_registers
from actors.system.kernel.data import Task
from actors.system.kernel.mutants import Mutant
from protocol.handles import Program

A, B, C = 0xAAAA_AAAA_AAAA_AAAA, 0xBBBB_BBBB_BBBB_BBBB, 0xCCCC_CCCC_CCCC_CCCC
TILE = b"\xb1" * 1024


def proved(*, states: int | None = None, **parameters: Any) -> Case:
    """The kernel as it is, in the world of these parameters."""
    return case(expect="proved", states=states, **parameters)


def caught(
    mutant: Mutant, *violated: str, states: int | None = None, steps: int | None = None, **parameters: Any
) -> Case:
    """A mutant, in the world of these parameters, and the conditions that catch it first."""
    return case(mutant=mutant, expect="violated", violated=violated, states=states, steps=steps, **parameters)


def expects(machine: Machine, task: Program) -> None:
    """Say what a task wants of the kernel: its values, and its life."""
    machine.always(
        f"{task.name} finds its values",
        not_false,
        task.label("found"),
        words=f"{task.name}: registers are not what they were",
    )
    machine.always(f"{task.name} is not killed", unset, task.label("signal"), words=f"{task.name}: killed")


def guards(machine: Machine, tasks: tuple[Program, ...], *, timer: int, softirq: int, cpu: int = 0) -> None:
    """Say what must have happened, for a proof to be worth something: by the sources that there are."""
    for place, task in enumerate(map(Task, tasks)):
        if timer > place:
            machine.sometimes(
                f"{task.name} is preempted with its state in registers",
                off_cpu_with_registers,
                task.program.placement,
                task.flags,
            )
    if timer > 1:
        found = (task.label("registers found valid") for task in tasks)
        machine.sometimes("a task finds its registers valid, and loads nothing", any_set, *found)
    if softirq:
        label = Program(f"softirq{cpu}").label("xsaves")
        machine.sometimes("a softirq saves a task's live registers", is_set, label)
