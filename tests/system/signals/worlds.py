"""Machines with one task that has to do with a signal, and what was sent between its two NOPs."""

from actors.machine.xstate.components import SSE
from actors.runtime import set_label
from actors.system.kernel.data import Sigaction
from actors.system.machine import Machine
from actors.system.signals.uabi import frame_with

VALUE = 0x5EED


async def calls(cpu, what, *args):
    """Call something in the kernel, between two NOPs, with a value in XMM0, and see what XMM0 is afterwards."""
    await cpu.movq(0, VALUE)
    await cpu.syscall()
    await cpu.nop()
    set_label("returned", await what(cpu, *args))
    await cpu.nop()
    await cpu.iret()
    set_label("xmm0", await cpu.movq_from(0))


async def handler(cpu, frame):
    """Change XMM0, which the interrupted code does not see."""
    set_label("in handler", await cpu.movq_from(0))
    await cpu.movq(0, 0xBAD)
    return frame


async def interrupted(cpu):
    """Have a value in XMM0, and find it again."""
    await cpu.movq(0, VALUE)
    await cpu.nop()
    set_label("xmm0", await cpu.movq_from(0))


def kernel_call(what, *args, contents=None, irq=0, **frame):
    """A machine whose task calls `what(cpu, frame, *args)` in the kernel; and the frame."""
    choices = {name: frame.pop(name) for name in ("fixes", "tracking", "cpu") if name in frame}
    world = Machine(**choices)
    if contents == "good":
        contents = frame_with(world.cpu_model, 0xF4A3E)
    if contents == "bad header":
        contents = frame_with(world.cpu_model, 0xF4A3E, xcomp_bv=SSE)
    area = world.user_frame("frame", contents, **frame)
    world.host_task(calls, what, area, *args, name="task")
    world.host_task(calls, nothing, name="other")
    world.interrupts(external=irq)
    return world, area


async def nothing(cpu):
    """Do nothing."""
    del cpu


def signalled(code=interrupted, *args, action=handler, count=1, kick=True, irq=0, **frame):
    """A machine whose task is sent signals, with its frame."""
    world = Machine()
    area = world.user_frame("frame", **frame)
    sigaction = Sigaction(action, area) if action else None
    task = world.host_task(code, *args, name="task", sigaction=sigaction)
    world.signals(task, count=count, cpu=0 if kick else None)
    world.interrupts(external=irq)
    return world, area


def between(texts):
    """What was sent between the first two NOPs."""
    first = texts.index("nop")
    return texts[first + 1 : texts.index("nop", first + 1)]
