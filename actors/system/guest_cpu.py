"""The vCPU as a guest kernel and its programs hold it: exceptions are handled inline, then the instruction is sent again."""

from typing import Any

from actors.machine.handle import Cpu
from actors.runtime import become, routine
from actors.runtime.program import Behaviour
from protocol.replies import Fault

__plumbing__ = True


class GuestCpu(Cpu, frozen=True):
    """The vCPU that the program runs on; `exception` is the guest kernel's entry code."""

    exception: Behaviour

    @routine
    async def execute(self, instruction: Any) -> Any:
        """Send one instruction until it retires."""
        reply = await self.processor.send(instruction)
        if not isinstance(reply, Fault):
            return reply
        await self.exception(self, reply)
        return become(GuestCpu.execute, self, instruction)
