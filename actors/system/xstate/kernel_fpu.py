"""kernel_fpu_begin() and kernel_fpu_end(): the kernel's own use of the registers, from a task, a softirq or a hard interrupt.

Follows arch/x86/kernel/fpu/core.c and arch/x86/include/asm/fpu/api.h.
"""

from enum import IntFlag

from actors.machine.xstate.components import MXCSR_INITIAL
from actors.runtime import routine
from actors.system.fpu.registers import fpregs_deactivate, save_fpregs_to_fpstate
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.flags import Flags
from actors.system.kernel.preempt_count import SOFTIRQ_MASK, in_hardirq, in_nmi
from actors.system.kernel.warnings import IRQ_FPU_USABLE_IN_NMI, KERNEL_FPU_UNUSABLE, warn
from actors.system.sched.count import preempt_disable
from actors.system.sched.preempt import preempt_enable

KERNEL_VALUE = 0xC0FFEE
"""What the kernel's own computation leaves in XMM0."""


class Kfpu(IntFlag):
    """KFPU_387 and KFPU_MXCSR: which control registers kernel code is going to use (arch/x86/include/asm/fpu/api.h)."""

    X87 = 1
    MXCSR = 2


@routine
async def irq_fpu_usable(cpu: HostCpu) -> bool:
    """irq_fpu_usable(): not in an NMI, not inside another section of this kind, and no fpregs_lock() is interrupted."""
    count = await cpu.this_cpu_read(cpu.kernel.preempt_count)
    if in_nmi(count):
        warn(IRQ_FPU_USABLE_IN_NMI)
        return False
    if await cpu.this_cpu_read(cpu.kernel.in_kernel_fpu):
        return False
    return not in_hardirq(count) or not count & SOFTIRQ_MASK


async def kernel_fpu_begin(cpu: HostCpu) -> None:
    """kernel_fpu_begin() of a 64-bit kernel, which leaves x87 state as it is."""
    await kernel_fpu_begin_mask(cpu, Kfpu.MXCSR)


@routine
async def kernel_fpu_begin_mask(cpu: HostCpu, kfpu_mask: int) -> None:
    """kernel_fpu_begin_mask(): the current task's state goes to memory, if it is in the registers, and they are nobody's.

    The control registers that the caller will use (`kfpu_mask`) get their initial values.
    """
    await preempt_disable(cpu)
    if not await irq_fpu_usable(cpu):
        warn(KERNEL_FPU_UNUSABLE)
    kernel = cpu.kernel
    await cpu.this_cpu_write(kernel.in_kernel_fpu, True)
    current = await cpu.current()
    if not await cpu.read_flags(current) & (Flags.PF_KTHREAD | Flags.TIF_NEED_FPU_LOAD):
        if kernel.keeps("need_load_after_save", "kernel_fpu_flag_kept"):
            await cpu.set_flag(current, Flags.TIF_NEED_FPU_LOAD)
        if kernel.keeps("kernel_fpu_unsaved"):
            await save_fpregs_to_fpstate(cpu, current)
        if kernel.is_mutant("need_load_after_save"):
            await cpu.set_flag(current, Flags.TIF_NEED_FPU_LOAD)  # variant
    if kernel.keeps("owner_kept"):
        await fpregs_deactivate(cpu)
    if kfpu_mask & Kfpu.MXCSR:
        await cpu.ldmxcsr(MXCSR_INITIAL)
    if kfpu_mask & Kfpu.X87:
        await cpu.fninit()


@routine
async def kernel_fpu_end(cpu: HostCpu) -> None:
    """kernel_fpu_end()."""
    await cpu.this_cpu_write(cpu.kernel.in_kernel_fpu, False)
    await preempt_enable(cpu)


@routine
async def use_fpu(cpu: HostCpu) -> None:
    """A computation with vector registers, as crypto or RAID code makes it."""
    await kernel_fpu_begin(cpu)
    await cpu.movq(0, KERNEL_VALUE)
    await kernel_fpu_end(cpu)
