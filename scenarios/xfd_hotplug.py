"""CVE-2024-35801: the kernel's copy of XFD outlives the register when a CPU goes offline."""

from actors.machine.model import TILEDATA, CpuName, Tracking, XfdErr, XfdSetting
from actors.machine.state import Placement
from actors.machine.xstate.tiles import config
from actors.runtime import case, routine, scenario, set_label
from actors.system import Machine
from actors.system.entry.common import syscall
from actors.system.invariants import is_set, not_false
from actors.system.kernel.cpu import HostCpu
from actors.system.sched import schedule
from actors.system.sched.smp import cpu_online

KEPT = "T finds the tile that it loaded"


@routine
async def amx_user(cpu: HostCpu, tile: bytes) -> None:
    """Load a tile, let others run, and find the tile again."""
    await cpu.ldtilecfg(config(16))
    await cpu.tileloadd(0, tile)
    await syscall(cpu, schedule)  # sched_yield(2)
    set_label("found", tile == await cpu.tilestored(0))


def is_offline(online: bool) -> bool:
    """The CPU is offline."""
    return not online


def back(placement: Placement, hotplug: bool) -> bool:
    """The task runs on CPU 1, which has been offline."""
    return placement.cpu == 1 and not hotplug


@scenario(
    cases=[
        case(fixes="-10e4b5166df9", expect="violated", violated=("T: Die",), states=6_670, steps=92),
        case(
            fixes="-10e4b5166df9",
            rule=True,
            expect="violated",
            violated=("I2: xfd_state is XFD (CPU 1)",),
            states=6_079,
            steps=82,
        ),
        case(fixes="shipped", rule=True, expect="proved", states=7_189),
    ],
    fix='10e4b5166df9 ("x86/fpu: Keep xfd_state in sync with MSR_IA32_XFD")',
)
def xfd_hotplug(
    fixes: str = "shipped",
    rule: bool = False,
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "recorded",
) -> Machine:
    """Does a CPU that was offline know what its XFD holds?

    xfd_update_state() writes MSR_IA32_XFD only where the per-CPU copy of it, xfd_state, says that it differs. T uses AMX on CPU
    1: its XFD is 0, and so is the copy. T lets cpuhp run, the kernel thread of a CPU that goes offline, and is moved away; CPU 1
    goes offline and comes back. The reset has cleared the register, fpu__init_cpu_xstate() has written init_fpstate.xfd to it,
    which is bit 18; but per-CPU memory has survived, and the copy still says 0. When T is back on CPU 1, owner is NULL, so its
    state is loaded: xfd_update_state() compares 0 with 0 and writes nothing, XRSTORS has bit 18 in XSTATE_BV and finds XFD[18]
    set, and the kernel dies of a #NM. If T is moved away before it has run on CPU 1, the copy is what the reset makes of the
    register, and nothing happens.

    Linux 5.16 to 6.8; CVE-2024-35801. 10e4b5166df9 ("x86/fpu: Keep xfd_state in sync with MSR_IA32_XFD", 22 March 2024) writes
    register and copy together, by xfd_set_state(), also when a CPU comes up. With `rule` the copy is compared with the
    register, too, at all stable points (I2): that is broken where T could be preempted again, behind its switch_to on CPU 1 and
    before anybody is harmed.
    """
    world = Machine(cpus=2, cpu=cpu, xfd_err=xfd_err, xfd_set=xfd_set, tracking=tracking, fixes=fixes)
    world.kernel_thread(schedule, cpu=1, name="cpuhp")
    task = world.host_task(amx_user, b"\x55" * 1024, cpu=1, perm=TILEDATA, buffer=TILEDATA, name="T")
    hotplug = world.hotplug(1)
    world.migrations(task, source=1, to=0, back=True, count=2)
    world.always(KEPT, not_false, task.label("found"))
    if rule:
        world.invariants("I2")
    world.sometimes("CPU 1 is offline", is_offline, cpu_online(1))
    world.sometimes("T is back on CPU 1 after that", back, task.placement, hotplug.life)
    world.sometimes("T has its tile again", is_set, task.label("found"))
    return world
