"""The CPU as host kernel and user code hold it.

Exceptions and interrupted work are handled inline, then the instruction is sent again.

An exception is taken by the program whose instruction raised it; its handler runs in that program, at CPL 0, as it does on the
task's kernel stack. When an interrupt has left work (a reschedule), that too is done in the program that was interrupted.
"""

from typing import Any

from actors.machine.handle import Cpu
from actors.machine.processor import PerCpu
from actors.runtime import become, routine
from actors.runtime.devices.variable import FetchAdd, Load, Store
from actors.runtime.program import Behaviour
from actors.system.kernel import Kernel, Task
from protocol.replies import Fault, Interrupted

__plumbing__ = True


class HostCpu(Cpu, frozen=True):
    """The CPU that `task` runs on; `exception` and `irqentry_exit` are the kernel's entry code."""

    kernel: Kernel
    task: Task
    exception: Behaviour
    irqentry_exit: Behaviour

    @routine
    async def execute(self, instruction: Any) -> Any:
        """Send one instruction until it retires, doing first whatever the CPU wants done."""
        reply = await self.processor.send(instruction)
        if isinstance(reply, Interrupted):
            await self.irqentry_exit(self, reply.work)
        elif isinstance(reply, Fault):
            await self.exception(self, reply)
        else:
            return reply
        return become(HostCpu.execute, self, instruction)

    async def this_cpu_read(self, variable: PerCpu) -> Any:
        """this_cpu_read: one instruction."""
        return await self.through(variable, Load())

    async def this_cpu_write(self, variable: PerCpu, value: Any) -> None:
        """this_cpu_write: one instruction."""
        await self.through(variable, Store(value))

    async def this_cpu_add(self, variable: PerCpu, amount: int) -> int:
        """this_cpu_add_return: one instruction; returns the value after it."""
        before: int = await self.through(variable, FetchAdd(amount))
        return before + amount
