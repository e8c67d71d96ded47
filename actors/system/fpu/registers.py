"""Saving registers to a task's fpstate, loading them from it, and knowing whose they are.

A task's state is in the registers while TIF_NEED_FPU_LOAD is clear. With the flag set it is in its fpstate, and may be in the
registers as well: so long as this CPU's owner is the task and the task was nowhere else since (last_cpu), nothing need be loaded.
Follows arch/x86/kernel/fpu/core.c and context.h, and arch/x86/mm/extable.c where a load faults.
What is small it takes from fpu/xstate.h.
"""

from actors.runtime import routine, set_label
from actors.system.fpu.pkru import pkru_write_default
from actors.system.fpu.xfd import xfd_update_state
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Fpstate, Task
from actors.system.kernel.flags import Flags
from actors.system.kernel.warnings import BAD_FPU_STATE, RESTORE_FAULTED, warn
from actors.system.kernel.xstate_op import RESTORES, SAVES, xstate_op
from protocol import instructions as op

ALL_BUT_PKRU = ~(1 << 9)
"""XFEATURE_MASK_FPSTATE: PKRU is switched by itself."""


@routine
async def save_fpregs_to_fpstate(cpu: HostCpu, task: Task) -> None:
    """save_fpregs_to_fpstate(): XSAVES of what the buffer has room for, under whatever XFD is in the register."""
    fpstate: Fpstate = await cpu.read(task.fpstate)
    await os_xsave(cpu, fpstate)


@routine
async def os_xsave(cpu: HostCpu, fpstate: Fpstate) -> None:
    """os_xsave(): XSAVES to an fpstate, of all that it has room for."""
    mask = fpstate.xfeatures
    set_label(SAVES, xstate_op(fpstate, mask))
    await cpu.xsaves(mask, fpstate.regs)
    set_label(SAVES, None)


@routine
async def os_xrstor(cpu: HostCpu, fpstate: Fpstate, mask: int, *, in_fixup: bool = False) -> None:
    """os_xrstor(): XRSTORS from an fpstate. A fault other than #NM is fixed up; one of the fixup's own is fatal."""
    set_label(RESTORES, xstate_op(fpstate, mask))
    if in_fixup:
        await cpu.xrstors(mask, fpstate.regs)
    else:
        await cpu.attempt(op.Xrstors(mask, fpstate.regs), ex_handler_fprestore)
    set_label(RESTORES, None)


@routine
async def restore_fpregs_from_fpstate(
    cpu: HostCpu, fpstate: Fpstate, mask: int = ALL_BUT_PKRU, *, in_fixup: bool = False
) -> None:
    """restore_fpregs_from_fpstate(): XFD, then XRSTORS of all features in `mask`, also of those that the fpstate lacks.

    So what the previous task has in these goes to its initial state.
    """
    if cpu.kernel.keeps("xfd_not_updated"):
        await xfd_update_state(cpu, fpstate)
    features = fpstate.xfeatures if cpu.kernel.is_mutant("own_features_only") else cpu.kernel.features
    await os_xrstor(cpu, fpstate, features & mask, in_fixup=in_fixup)


@routine
async def ex_handler_fprestore(cpu: HostCpu) -> None:
    """ex_handler_fprestore(): the buffer was bad, so the registers get their initial state, under the XFD that goes with it.

    The kernel before d5c8028b4788 skipped the instruction, and went on with what was in the registers.
    """
    reinitializes = cpu.kernel.has("d5c8028b4788")
    warn(BAD_FPU_STATE if reinitializes else RESTORE_FAULTED)
    set_label("fixup", "registers reinitialized" if reinitializes else "xrstors skipped")
    if reinitializes:
        await restore_fpregs_from_fpstate(cpu, cpu.kernel.init_fpstate, in_fixup=True)


@routine
async def fpregs_state_valid(cpu: HostCpu, task: Task) -> bool:
    """fpregs_state_valid(): the registers hold this task's state."""
    if cpu.kernel.keeps("last_cpu_alone") and await cpu.this_cpu_read(cpu.kernel.owner) != task.program:
        return False
    if cpu.kernel.is_mutant("owner_alone"):
        return True
    return bool(await cpu.read(task.last_cpu) == await cpu.smp_processor_id())


@routine
async def fpregs_activate(cpu: HostCpu, task: Task) -> None:
    """fpregs_activate(): this CPU's registers are the task's."""
    await cpu.this_cpu_write(cpu.kernel.owner, task.program)


@routine
async def fpregs_deactivate(cpu: HostCpu) -> None:
    """__cpu_invalidate_fpregs_state(): this CPU's registers are nobody's."""
    await cpu.this_cpu_write(cpu.kernel.owner, None)


@routine
async def fpregs_mark_activate(cpu: HostCpu) -> None:
    """fpregs_mark_activate(): the registers hold the current task's state now, whatever its fpstate says."""
    task = cpu.me
    await fpregs_activate(cpu, task)
    set_label("owner", value=True)
    await cpu.write(task.last_cpu, await cpu.smp_processor_id())
    set_label("owner", None)
    await cpu.clear_flag(task, Flags.TIF_NEED_FPU_LOAD)


@routine
async def restore_fpregs_from_init_fpstate(cpu: HostCpu, mask: int = ALL_BUT_PKRU) -> None:
    """restore_fpregs_from_init_fpstate(): XRSTORS of all features in `mask` from init_fpstate, under whatever XFD there is."""
    await os_xrstor(cpu, cpu.kernel.init_fpstate, cpu.kernel.features & mask)
    if cpu.kernel.ospke:
        await pkru_write_default(cpu)


@routine
async def fpregs_restore_userregs(cpu: HostCpu, *, known_valid: bool = False) -> None:
    """fpregs_restore_userregs(): bring the current task's state into the registers, if it is not there, and say so."""
    task, kernel = cpu.me, cpu.kernel
    if kernel.is_mutant("cleared_before_load"):
        await cpu.clear_flag(task, Flags.TIF_NEED_FPU_LOAD)  # variant
    valid = known_valid or await fpregs_state_valid(cpu, task)
    if not valid:
        await restore_fpregs_from_fpstate(cpu, await cpu.read(task.fpstate))
        if kernel.keeps("owner_not_set"):
            await fpregs_activate(cpu, task)
        if kernel.keeps("last_cpu_not_set"):
            await cpu.write(task.last_cpu, await cpu.smp_processor_id())
    set_label("registers found valid", valid or None)
    if kernel.keeps("cleared_before_load"):
        await cpu.clear_flag(task, Flags.TIF_NEED_FPU_LOAD)
    set_label("registers found valid", None)


@routine
async def switch_fpu_return(cpu: HostCpu, *, known_valid: bool = False) -> None:
    """switch_fpu_return(): the last thing before user mode or a guest runs; interrupts are off."""
    await fpregs_restore_userregs(cpu, known_valid=known_valid)
