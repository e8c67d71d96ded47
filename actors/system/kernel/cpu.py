"""The CPU as host kernel and user code hold it.

Exceptions and interrupted work are handled inline, then the instruction is sent again.

An exception is taken by the program whose instruction raised it; its handler runs in that program, at CPL 0, as it does on the
task's kernel stack. When an interrupt has left work (a reschedule), that too is done in the program that was interrupted.
"""

from typing import Any

from actors.machine.handle import Cpu
from actors.machine.processor import PerCpu
from actors.runtime import Variable, become, routine
from actors.runtime.devices.variable import Exchange, FetchAdd, FetchAnd, FetchOr, Load, Store
from actors.runtime.errors import ModelError
from actors.runtime.program import Behaviour
from actors.system.kernel.data import Kernel, Task
from actors.system.kernel.flags import ALL, Flags
from protocol.registers import Vector
from protocol.replies import Fault, Interrupted

__plumbing__ = True


class HostCpu(Cpu, frozen=True, cache_hash=True):
    """The CPU that `task` runs on (None: an interrupt's handler); `exception` and `irqentry_exit` are the kernel's entry code."""

    kernel: Kernel
    task: Task | None
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

    @routine
    async def attempt(self, instruction: Any, fixup: Behaviour | None = None) -> Fault | None:
        """Send an instruction that has an entry in the exception table: returns its fault, but for #NM, which has no fixup.

        `fixup` is the entry's handler; it runs before the exception returns.
        """
        reply = await self.processor.send(instruction)
        if isinstance(reply, Interrupted):
            await self.irqentry_exit(self, reply.work)
            return become(HostCpu.attempt, self, instruction, fixup)  # type: ignore[return-value]  # its next round
        if not isinstance(reply, Fault):
            return None
        if reply.vector is Vector.NM:
            await self.exception(self, reply)
            return become(HostCpu.attempt, self, instruction, fixup)  # type: ignore[return-value]  # its next round
        if fixup is not None:
            await fixup(self)
        await self.iret()
        return reply

    @property
    def me(self) -> Task:
        """`current` in code that only tasks run: a task knows itself."""
        assert self.task is not None, "an interrupt's handler is no task"
        return self.task

    async def current(self) -> Task:
        """`current` in code that handlers run too: these have to read the per-CPU variable."""
        return self.task or Task(await self.read_current())

    async def smp_processor_id(self) -> int:
        """smp_processor_id(): a constant on a machine of one CPU."""
        return int(await self.this_cpu_read(self.kernel.cpu_number)) if self.kernel.smp else 0

    # Per-CPU variables.

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

    async def this_cpu_xchg(self, variable: PerCpu, value: Any) -> Any:
        """this_cpu_xchg: one instruction; returns the value before it."""
        return await self.through(variable, Exchange(value))

    async def wrpkru(self, value: int) -> None:
        """WRPKRU; raises ModelError on a kernel that does not switch PKRU, where the next task would find it."""
        if not self.kernel.ospke:
            raise ModelError(
                "WRPKRU: this kernel was started without protection keys; say Machine(pkru=True)"
            )
        await super().wrpkru(value)

    # Memory.

    async def read(self, variable: Variable[Any]) -> Any:
        """READ_ONCE(): one load."""
        return await self.through(variable, Load())

    async def write(self, variable: Variable[Any], value: Any) -> None:
        """WRITE_ONCE(): one store."""
        await self.through(variable, Store(value))

    async def read_flags(self, task: Task) -> Flags:
        """Read the flags of a task."""
        found: Flags = await self.through(task.flags, Load())
        return found

    async def set_flag(self, task: Task, flag: Flags) -> Flags:
        """set_tsk_thread_flag(); returns the flags before it."""
        before: Flags = await self.through(task.flags, FetchOr(flag))
        return before

    async def clear_flag(self, task: Task, flag: Flags) -> None:
        """clear_tsk_thread_flag()."""
        await self.through(task.flags, FetchAnd(ALL ^ flag))
