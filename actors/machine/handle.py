"""What a program holds of the CPU that it runs on: one awaitable call for each instruction.

`execute` sends one instruction and returns its raw reply, faults included. The calls below it return the instruction's result.
Kernels subclass `Cpu` and override `execute`, to handle faults and interruptions inline, in the program that took them.
"""

from types import TracebackType
from typing import Any, Literal, cast

import msgspec

from actors.machine.processor import PerCpu, Processor, Through
from actors.runtime import Device
from protocol import instructions as op
from protocol.handles import Cell, Program
from protocol.registers import Component, Vector, Work
from protocol.replies import Data, Fault, Value, VmExit

__plumbing__ = True


class UnhandledFault(Exception):
    """An instruction faulted, and the program has no handler for it."""

    def __init__(self, instruction: Any, fault: Fault) -> None:
        code = "" if fault.error_code is None else f"({fault.error_code:#x})"
        super().__init__(f"#{fault.vector.name}{code} at {type(instruction).__name__.lower()}")
        self.fault = fault


class Cpu(msgspec.Struct, frozen=True):
    """The CPU that the program runs on, whichever it is."""

    processor: Processor

    async def execute(self, instruction: Any) -> Any:
        """Send one instruction and return its reply; raises UnhandledFault."""
        reply = await self.processor.send(instruction)
        if isinstance(reply, Fault):
            raise UnhandledFault(instruction, reply)
        return reply

    async def nop(self) -> None:
        """NOP, or any instruction that touches nothing of interest."""
        await self.execute(op.Nop())

    async def cli(self) -> None:
        """CLI."""
        await self.execute(op.Cli())

    async def sti(self) -> None:
        """STI."""
        await self.execute(op.Sti())

    async def irqs_disabled(self) -> bool:
        """PUSHF: whether IF is 0."""
        return not cast("Value", await self.execute(op.Pushf())).value

    def irqs_off(self) -> "IrqsOff":
        """Disable interrupts for a block: `async with cpu.irqs_off():` (local_irq_disable, local_irq_enable)."""
        return IrqsOff(self)

    async def syscall(self) -> None:
        """Enter the kernel."""
        await self.execute(op.Syscall())

    async def jmp_far(self, *, long_mode: bool) -> None:
        """Go on in 64-bit mode, or in compatibility mode."""
        await self.execute(op.JmpFar(long_mode))

    async def iret(self, work: Work = Work.NONE) -> None:
        """Return from the innermost exception, interrupt or system call."""
        await self.execute(op.Iret(work))

    async def hlt(self) -> None:
        """HLT."""
        await self.execute(op.Hlt())

    async def rdmsr(self, msr: int) -> int:
        """RDMSR."""
        return cast("Value", await self.execute(op.Rdmsr(msr))).value

    async def wrmsr(self, msr: int, value: int) -> None:
        """WRMSR."""
        await self.execute(op.Wrmsr(msr, value))

    async def xgetbv(self, ecx: int = 0) -> int:
        """XGETBV."""
        return cast("Value", await self.execute(op.Xgetbv(ecx))).value

    async def xsetbv(self, value: int) -> None:
        """XSETBV of XCR0."""
        await self.execute(op.Xsetbv(value))

    async def set_cr0_ts(self, ts: bool) -> None:
        """Set or clear CR0.TS."""
        await self.execute(op.MovCr0Ts(ts))

    async def read_cr0(self) -> int:
        """MOV from CR0: TS is bit 3, and all that is modelled of it."""
        return cast("Value", await self.execute(op.MovFromCr0())).value

    async def set_cr4_osxsave(self, osxsave: bool) -> None:
        """Set or clear CR4.OSXSAVE."""
        await self.execute(op.MovCr4Osxsave(osxsave))

    async def xsave(self, rfbm: int, area: Cell | op.MemoryOperand, *, rexw: bool = True) -> None:
        """XSAVE."""
        await self.execute(op.Xsave(rfbm, area, rexw))

    async def xsaveopt(self, rfbm: int, area: Cell | op.MemoryOperand, *, rexw: bool = True) -> None:
        """XSAVEOPT."""
        await self.execute(op.Xsaveopt(rfbm, area, rexw))

    async def xsavec(self, rfbm: int, area: Cell | op.MemoryOperand, *, rexw: bool = True) -> None:
        """XSAVEC."""
        await self.execute(op.Xsavec(rfbm, area, rexw))

    async def xsaves(self, rfbm: int, area: Cell | op.MemoryOperand, *, rexw: bool = True) -> None:
        """XSAVES."""
        await self.execute(op.Xsaves(rfbm, area, rexw))

    async def xrstor(self, rfbm: int, area: Cell | op.MemoryOperand, *, rexw: bool = True) -> None:
        """XRSTOR."""
        await self.execute(op.Xrstor(rfbm, area, rexw))

    async def xrstors(self, rfbm: int, area: Cell | op.MemoryOperand, *, rexw: bool = True) -> None:
        """XRSTORS."""
        await self.execute(op.Xrstors(rfbm, area, rexw))

    async def ldtilecfg(self, config: bytes) -> None:
        """LDTILECFG of 64 bytes."""
        await self.execute(op.Ldtilecfg(config))

    async def sttilecfg(self) -> bytes:
        """STTILECFG: 64 bytes."""
        return cast("Data", await self.execute(op.Sttilecfg())).data

    async def tileloadd(self, tile: int, data: bytes) -> None:
        """TILELOADD."""
        await self.execute(op.Tileloadd(tile, data))

    async def tilestored(self, tile: int) -> bytes:
        """TILESTORED: 1024 bytes."""
        return cast("Data", await self.execute(op.Tilestored(tile))).data

    async def tilezero(self, tile: int) -> None:
        """TILEZERO."""
        await self.execute(op.Tilezero(tile))

    async def tilerelease(self) -> None:
        """TILERELEASE."""
        await self.execute(op.Tilerelease())

    async def tdpbssd(self, dst: int, src1: int, src2: int) -> None:
        """TDPBSSD."""
        await self.execute(op.Tdpbssd(dst, src1, src2))

    async def wrpkru(self, value: int) -> None:
        """WRPKRU."""
        await self.execute(op.Wrpkru(value))

    async def rdpkru(self) -> int:
        """RDPKRU."""
        return cast("Value", await self.execute(op.Rdpkru())).value

    async def ldmxcsr(self, value: int) -> None:
        """LDMXCSR."""
        await self.execute(op.Ldmxcsr(value))

    async def stmxcsr(self) -> int:
        """STMXCSR."""
        return cast("Value", await self.execute(op.Stmxcsr())).value

    async def fninit(self) -> None:
        """FNINIT."""
        await self.execute(op.Fninit())

    async def vzeroupper(self) -> None:
        """VZEROUPPER."""
        await self.execute(op.Vzeroupper())

    async def vzeroall(self) -> None:
        """VZEROALL."""
        await self.execute(op.Vzeroall())

    async def movq(self, register: int, value: int) -> None:
        """MOVQ to an XMM register."""
        await self.execute(op.Movq(register, value))

    async def movq_from(self, register: int) -> int:
        """MOVQ from an XMM register: its low 64 bits."""
        return cast("Value", await self.execute(op.MovqFrom(register))).value

    async def vpbroadcastq(self, register: int, value: int, width: Literal[256, 512] = 512) -> None:
        """VPBROADCASTQ to a YMM or ZMM register."""
        await self.execute(op.Vpbroadcastq(register, value, width))

    async def kmovq(self, register: int, value: int) -> None:
        """KMOVQ to a mask register."""
        await self.execute(op.Kmovq(register, value))

    async def touch(self, component: Component, data: bytes = b"\1") -> None:
        """Use a component that no released CPU has."""
        await self.execute(op.Touch(component, data))

    async def load(self, cell: Cell) -> Any:
        """Read a memory cell."""
        return await self.execute(op.Load(cell))

    async def store(self, cell: Cell, value: op.Word) -> None:
        """Write a memory cell."""
        await self.execute(op.Store(cell, value))

    async def read_current(self) -> Program:
        """Read current_task: the task on whose stack the CPU is."""
        return cast("Program", await self.execute(op.Current()))

    async def through(self, device: Device | PerCpu, message: Any) -> Any:
        """Send a message to another device, as one instruction on this CPU; a PerCpu means this CPU's."""
        return await self.execute(Through(device, message))

    async def switch_to(self, coming: Program) -> None:
        """Let the CPU run `coming`; returns when somebody switches back."""
        await self.execute(op.SwitchTo(coming))

    async def play_dead(self, successor: Program) -> None:
        """Stop the CPU, of which `successor` resets it later; returns when somebody switches back."""
        await self.execute(op.PlayDead(successor))

    async def reset(self) -> None:
        """Reset the CPU, which has stopped."""
        await self.execute(op.Reset())

    async def vmenter(self, vcpu: str) -> VmExit:
        """VM-entry; returns at the VM-exit with its reason (two steps: the entry, and VMREAD of the reason)."""
        await self.execute(op.Vmenter(vcpu))
        return cast("VmExit", await self.execute(op.Vmread(vcpu)))

    async def vmwrite(self, vcpu: str, result: int | None = None) -> None:
        """Complete the guest's intercepted instruction."""
        await self.execute(op.Vmwrite(vcpu, result))

    async def vmcontrol(self, vcpu: str, controls: op.Controls) -> None:
        """Say what the guest exits for, from its next entry on."""
        await self.execute(op.Vmcontrol(vcpu, controls))

    async def vminject(
        self, vcpu: str, vector: Vector, error_code: int | None = None, address: int | None = None
    ) -> None:
        """Let the next entry deliver an exception in place of the guest's next instruction; `address` is CR2 for a #PF."""
        await self.execute(op.Vminject(vcpu, vector, error_code, address))

    async def external_interrupt(self, vector: int = 0xEC, request: Cell | None = None) -> int:
        """Interrupt the CPU, when `request` says so if there is one; returns in the handler, with the interrupted CPL (bits)."""
        return cast("Value", await self.execute(op.ExternalInterrupt(vector, request))).value

    async def nmi(self) -> int:
        """Send the CPU an NMI; returns in the handler, with the CPL that was interrupted (bits)."""
        return cast("Value", await self.execute(op.Nmi())).value

    async def machine_check(self) -> int:
        """Raise #MC on the CPU; returns in the handler, with the CPL that was interrupted (bits)."""
        return cast("Value", await self.execute(op.MachineCheck())).value


class IrqsOff:
    """A block with interrupts off. Behind its STI stands one instruction, in whose shadow nothing is taken.

    It is a pair of statements, not a `finally`: a kernel that dies inside does not open interrupts.
    """

    def __init__(self, cpu: Cpu) -> None:
        self._cpu = cpu

    async def __aenter__(self) -> None:
        await self._cpu.cli()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self._cpu.sti()
            await self._cpu.nop()
