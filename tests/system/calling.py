"""Kernel code called from a task: what a test asks about is sent between two instructions that nobody else sends."""

from actors.runtime import set_label
from actors.system.entry.common import syscall
from actors.system.kernel.data import Task
from actors.system.machine import Machine
from protocol.handles import Program

TASK = Task(Program("task"))
MARK = "rdpkru"


async def calls(cpu, function, *args):
    """A user task that calls one function of the kernel; the label `result` is what it returned."""
    await syscall(cpu, bracketed, function, args)


async def bracketed(cpu, function, args):
    await cpu.rdpkru()
    result = await function(cpu, *args)
    await cpu.rdpkru()
    set_label("result", result)


def one_task(function, *args, perm=0, buffer=0, **machine):
    """A machine whose task calls that function."""
    world = Machine(**machine)
    world.host_task(calls, function, *args, perm=perm, buffer=buffer, name="task")
    return world


def inside(story, name="task"):
    """What the task sent between the two."""
    texts = story.of(name)
    first = texts.index(MARK)
    return texts[first + 1 : texts.index(MARK, first + 1)]


def put(world, variable, value):
    """Give a variable another value before the run; of a per-CPU variable that of CPU 0."""
    one = variable.each[0] if hasattr(variable, "each") else variable
    assert one.cell in world.cells
    world.cells[one.cell] = value


def of(story, variable, cpu=0):
    """The value of a variable at the end."""
    one = variable.each[cpu] if hasattr(variable, "each") else variable
    return story.execution.cells[one.cell]


def in_order(texts, *wanted):
    """Say whether these stand among the texts in this order."""
    left = iter(texts)
    return all(any(text == one for text in left) for one in wanted)
