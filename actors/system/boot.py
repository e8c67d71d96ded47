"""What the kernel finds and sets up at boot: per-CPU variables, init_fpstate, and an idle task for each CPU, which runs.

It has enabled all that XCR0 supports, and armed XFD for every dynamic feature, as default_xfd says. Of the CPU's components it
manages SSE, and those that XFD can disable with what they need; the others would be treated like SSE.
"""

from typing import Any

from actors.machine.model import CpuModel
from actors.machine.processor import PerCpu
from actors.machine.xstate.components import HYPOTHETICAL, SSE, TILES
from actors.runtime import RunQueue, Variable, World
from actors.system.fpu.pkru import INIT_PKRU
from actors.system.kernel.data import Fpstate, Kernel, Task
from actors.system.kernel.flags import NONE, Flags
from actors.system.kernel.layout import (
    default_fpstate,
    enlarged,
    fpstate,
    fpstate_init_user,
    possible_fpstates,
)
from actors.system.kernel.preempt_count import PREEMPT_OFFSET
from protocol.handles import Program

INIT_FPSTATE = "init_fpstate"


def boot(world: World, model: CpuModel, cpus: int, **built: Any) -> Kernel:
    """Add the cells of the kernel's own data, and return their names; `built` is how it was built (see `Kernel`)."""

    def per_cpu(name: str, initial: Any = None, *, queue: bool = False) -> PerCpu:
        def one(number: int) -> RunQueue | Variable[Any]:
            full = f"cpu{number}.{name}"
            return world.run_queue(full) if queue else world.variable(full, initial)

        return PerCpu(name, tuple(one(number) for number in range(cpus)))

    features = model.xcr0 & (SSE | TILES | HYPOTHETICAL)
    init = fpstate(model, INIT_FPSTATE, features & ~model.xfd_capable)
    _allocated(world, model, init, model.xfd_capable)
    return Kernel(
        runqueue=per_cpu("runqueue", queue=True),
        idle=PerCpu("idle_task", tuple(world.variable(f"cpu{n}.idle_task", idle(n)) for n in range(cpus))),
        preempt_count=per_cpu("preempt_count", PREEMPT_OFFSET),
        xfd_state=per_cpu("xfd_state", model.xfd_capable),
        owner=per_cpu("fpu_fpregs_owner_ctx"),
        in_kernel_fpu=per_cpu("in_kernel_fpu", False),
        softirq_pending=per_cpu("softirq_pending", False),
        cpu_number=PerCpu("cpu_number", tuple(world.variable(f"cpu{n}.cpu_number", n) for n in range(cpus))),
        init_fpstate=init,
        features=features,
        dynamic=model.xfd_capable,
        smp=cpus > 1,
        **built,
    )


def idle(number: int) -> Program:
    """Name the idle task of a CPU."""
    return Program(f"idle{number}")


def add_kernel_thread(world: World, kernel: Kernel, task: Task) -> None:
    """Add the cells of a task without user state."""
    world.cell(task.flags.cell, Flags.PF_KTHREAD)
    _add_pkru(world, kernel, task)


def _add_pkru(world: World, kernel: Kernel, task: Task) -> None:
    if kernel.ospke:
        world.cell(task.pkru.cell, INIT_PKRU)


def add_user_state(
    world: World, model: CpuModel, kernel: Kernel, task: Task, *, perm: int, buffer: int
) -> int:
    """Add the cells of a task with an fpstate, which is in memory, and of those that it may come to have; return its XFD.

    `perm` and `buffer` are masks of dynamic features: those that it may use, and those that its fpstate has room for.
    """
    default = default_fpstate(model, task.name, kernel.features & ~kernel.dynamic)
    own = enlarged(model, default, task.name, buffer) if buffer else default
    xfd = kernel.dynamic & ~buffer
    world.cell(task.flags.cell, NONE | Flags.TIF_NEED_FPU_LOAD)
    world.cell(task.fpstate.cell, own)
    world.cell(task.last_cpu.cell, -1)
    _add_pkru(world, kernel, task)
    if task.leader is None:
        world.cell(task.perm.cell, perm)
        world.lock(task.siglock.name)
    for one in possible_fpstates(model, own, task.name):
        if one in {default, own}:
            _allocated(world, model, one, kernel.dynamic & ~one.xfeatures)
        else:
            world.cell(one.xfd.cell, None)
            world.cell(one.regs, None)
    return xfd


def _allocated(world: World, model: CpuModel, made: Fpstate, xfd: int) -> None:
    world.cell(made.xfd.cell, xfd)
    world.cell(made.regs, fpstate_init_user(model, made))
