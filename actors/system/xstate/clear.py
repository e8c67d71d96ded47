"""Initial state for user mode: what a signal handler starts with, and what a frame that cannot be restored leaves.

Follows arch/x86/kernel/fpu/core.c.
"""

from actors.runtime import routine, set_label
from actors.system.fpu.registers import (
    fpregs_mark_activate,
    restore_fpregs_from_init_fpstate,
)
from actors.system.fpu.xfd import xfd_update_state
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Fpstate
from actors.system.sched.preempt import fpregs_lock, fpregs_unlock


@routine
async def fpu__clear_user_states(cpu: HostCpu) -> None:
    """fpu__clear_user_states(): initial user state in the registers, which are the current task's from here on.

    The task may have been preempted on its way here, and the registers may be another's. So its XFD has to be loaded before it
    is made their owner, which 388eff894d6b added. (So has its supervisor state; no such component is modelled.)
    """
    await fpregs_lock(cpu)
    if cpu.kernel.has("388eff894d6b"):
        fpstate: Fpstate = await cpu.read(cpu.me.fpstate)
        await xfd_update_state(cpu, fpstate)
    await restore_fpregs_from_init_fpstate(cpu)
    await fpregs_mark_activate(cpu)
    set_label("activated", value=True)
    await fpregs_unlock(cpu)
    set_label("activated", None)
