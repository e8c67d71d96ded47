"""KVM in the forms of the 2021 design mail: vcpu_run, and who switches XFD and XFD_ERR around VM-entry.

The mail's pseudo-code, of which `vcpu_run` with form "full" is each line:

    vmx_vcpu_run()
      wrmsrl(XFD, guest->xfd)
      wrmsrl(XFD_ERR, guest->xfd_err)
      vmenter()
      guest->xfd_err = rdmsrl(XFD_ERR)
      guest->xfd = rdmsrl(XFD)
      wrmsrl(XFD_ERR, 0)
      wrmsrl(XFD, host->xfd)

The other forms leave lines out, as data: `none` switches nothing, `xfd` is the mail's first proposal. `conditional` is full for
a guest whose configuration has a dynamic feature and none for others; `msr_lists` lets the hardware's areas do it ("you
probably want all of that to be in the auto-load/store area"). Follows arch/x86/kvm/vmx/vmx.c.
"""

from typing import Literal

import msgspec

from actors.machine.state import Vmx
from actors.runtime import become, routine, set_label
from actors.runtime.program import Become
from actors.system.fpu.registers import switch_fpu_return
from actors.system.kernel.cpu import HostCpu
from actors.system.kernel.data import Fpstate
from actors.system.kernel.flags import Flags
from actors.system.sched import cond_resched, do_exit, preempt_disable, preempt_enable
from protocol.handles import Cell, Program
from protocol.registers import ExitReason, Msr, Vector
from protocol.replies import VmExit

SwapName = Literal["none", "xfd", "full", "conditional", "msr_lists"]


class Swap(msgspec.Struct, frozen=True):
    """Which lines of vcpu_run are there, one field a line; and the MSR areas in place of all of them."""

    load_xfd: bool = False
    load_xfd_err: bool = False
    save_xfd_err: bool = False
    save_xfd: bool = False
    clear_xfd_err: bool = False
    restore_xfd: bool = False
    msr_lists: bool = False


NONE = Swap()
XFD = Swap(load_xfd=True, save_xfd=True, restore_xfd=True)
FULL = Swap(True, True, True, True, True, True)
MSR_LISTS = Swap(msr_lists=True)
NOT_RESTORED = msgspec.structs.replace(FULL, restore_xfd=False)
NOT_LOADED = msgspec.structs.replace(FULL, load_xfd=False)

FORMS: dict[SwapName, Swap] = {
    "none": NONE,
    "xfd": XFD,
    "full": FULL,
    "conditional": FULL,
    "msr_lists": MSR_LISTS,
}


def form(name: SwapName, dynamic_features: int) -> Swap:
    """Return the form for a guest whose configuration has these dynamic features (mask)."""
    return NONE if name == "conditional" and not dynamic_features else FORMS[name]


class Vcpu(msgspec.Struct, frozen=True):
    """struct kvm_vcpu: its guest, its saved XFD and XFD_ERR, and the dynamic features of its configuration (mask)."""

    name: str
    guest: Program
    dynamic_features: int

    @property
    def xfd(self) -> Cell:
        """guest->xfd."""
        return Cell(f"{self.name}->xfd")

    @property
    def xfd_err(self) -> Cell:
        """guest->xfd_err."""
        return Cell(f"{self.name}->xfd_err")

    @property
    def vmx(self) -> Vmx:
        """The hardware's cells."""
        return Vmx(self.name)


@routine
async def load_fpregs(cpu: HostCpu) -> None:
    """The last check before a guest runs, with interrupts off: is its state in the registers?"""
    if await cpu.read_flags(cpu.me) & Flags.TIF_NEED_FPU_LOAD:
        await switch_fpu_return(cpu)


@routine
async def load_guest(cpu: HostCpu, vcpu: Vcpu, swap: Swap) -> None:
    """The lines above vmenter()."""
    if swap.load_xfd:
        await cpu.wrmsr(Msr.XFD, await cpu.load(vcpu.xfd))
    if swap.load_xfd_err:
        await cpu.wrmsr(Msr.XFD_ERR, await cpu.load(vcpu.xfd_err))


@routine
async def load_host(cpu: HostCpu, vcpu: Vcpu, swap: Swap) -> None:
    """The lines below vmenter()."""
    if swap.save_xfd_err:
        await cpu.store(vcpu.xfd_err, await cpu.rdmsr(Msr.XFD_ERR))
    if swap.save_xfd:
        await cpu.store(vcpu.xfd, await cpu.rdmsr(Msr.XFD))
    if swap.clear_xfd_err:
        await cpu.wrmsr(Msr.XFD_ERR, 0)
    if swap.restore_xfd:
        host: Fpstate = await cpu.read(cpu.me.fpstate)
        await cpu.wrmsr(Msr.XFD, await cpu.read(host.xfd))


@routine
async def vcpu_run(cpu: HostCpu, vcpu: Vcpu, swap: Swap) -> VmExit:
    """vmx_vcpu_run(): everything between VM-entry and VM-exit with interrupts off, as the mail has it."""
    async with cpu.irqs_off():
        await load_fpregs(cpu)
        await load_guest(cpu, vcpu, swap)
        exit_ = await cpu.vmenter(vcpu.name)
        await load_host(cpu, vcpu, swap)
    return exit_


@routine
async def vcpu_run_irqs_on(cpu: HostCpu, vcpu: Vcpu, swap: Swap) -> VmExit:
    """vmx_vcpu_run() that enables interrupts too early: the host's half of the swap runs with them on."""
    async with cpu.irqs_off():
        await load_fpregs(cpu)
        await load_guest(cpu, vcpu, swap)
        exit_ = await cpu.vmenter(vcpu.name)
    set_label("swapping", value=True)
    await load_host(cpu, vcpu, swap)
    set_label("swapping", value=False)
    return exit_


@routine
async def vcpu_run_preempt_off(cpu: HostCpu, vcpu: Vcpu, swap: Swap) -> VmExit:
    """As vcpu_run_irqs_on(), with preemption disabled around it."""
    await preempt_disable(cpu)
    exit_ = await vcpu_run_irqs_on(cpu, vcpu, swap)
    await preempt_enable(cpu)
    return exit_


Window = Literal["closed", "irqs_on", "preemptible"]

VCPU_RUN = {"closed": vcpu_run, "irqs_on": vcpu_run_preempt_off, "preemptible": vcpu_run_irqs_on}


async def vcpu_thread(cpu: HostCpu, vcpu: Vcpu, swap: Swap, window: Window) -> Become | None:
    """The vCPU thread inside KVM_RUN: enter, leave, do what is to be done, until the guest halts."""
    exit_ = await VCPU_RUN[window](cpu, vcpu, swap)
    if exit_.reason is ExitReason.HLT:
        await do_exit(cpu)
        return None
    if exit_.reason is ExitReason.ENTRY_FAILURE_MSR_LOADING:
        raise RuntimeError("KVM: VM-entry failed: the MSR-load area holds a value that WRMSR refuses")
    if exit_.reason is not ExitReason.EXTERNAL_INTERRUPT and exit_.vector not in {Vector.NMI, Vector.MC}:
        raise RuntimeError(
            f"KVM: exit {exit_.reason.name} has no handler here; the guest would exit for ever"
        )
    await cond_resched(cpu)
    return become(vcpu_thread, cpu, vcpu, swap, window)
