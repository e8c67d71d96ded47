"""kernel_fpu_begin() and kernel_fpu_end(): the kernel's own use of the registers, from a task, a softirq or a hard interrupt.

Follows arch/x86/kernel/fpu/core.c.
"""

from actors.runtime import routine, set_label
from actors.system.fpu.registers import fpregs_deactivate, save_fpregs_to_fpstate
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.flags import Flags
from actors.system.kernel.preempt_count import SOFTIRQ_MASK, in_hardirq, in_nmi
from actors.system.sched.preempt import preempt_disable, preempt_enable

KERNEL_VALUE = 0xC0FFEE
"""What the kernel's own computation leaves in XMM0."""


@routine
async def irq_fpu_usable(cpu: HostCpu) -> bool:
    """irq_fpu_usable(): not in an NMI, not inside another section of this kind, and no fpregs_lock() is interrupted."""
    count = await cpu.this_cpu_read(cpu.kernel.preempt_count)
    if in_nmi(count) or await cpu.this_cpu_read(cpu.kernel.in_kernel_fpu):
        return False
    return not in_hardirq(count) or not count & SOFTIRQ_MASK


@routine
async def kernel_fpu_begin(cpu: HostCpu) -> None:
    """kernel_fpu_begin(): the current task's state goes to memory, if it is in the registers, and they are nobody's."""
    await preempt_disable(cpu)
    if not await irq_fpu_usable(cpu):
        set_label("warning", "kernel_fpu_begin() where irq_fpu_usable() is false")
    kernel = cpu.kernel
    await cpu.this_cpu_write(kernel.in_kernel_fpu, True)
    current = await cpu.current()
    if not await cpu.read_flags(current) & (Flags.PF_KTHREAD | Flags.TIF_NEED_FPU_LOAD):
        if kernel.keeps("need_load_after_save", "kernel_fpu_flag_kept"):
            await cpu.set_flag(current, Flags.TIF_NEED_FPU_LOAD)
        if kernel.keeps("kernel_fpu_unsaved"):
            await save_fpregs_to_fpstate(cpu, current)
        if kernel.is_mutant("need_load_after_save"):
            await cpu.set_flag(current, Flags.TIF_NEED_FPU_LOAD)
    if kernel.keeps("owner_kept"):
        await fpregs_deactivate(cpu)


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
