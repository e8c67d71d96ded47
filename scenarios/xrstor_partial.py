"""An XRSTOR that faults, and has changed registers all the same, which the kernel holds for another task."""

from actors.machine.model import CpuName, Tracking, XfdErr, XfdSetting
from actors.runtime import Program, case, scenario
from actors.system import Machine
from actors.system.invariants import is_set, owned_while
from actors.system.signals.uabi import frame_with
from actors.system.signals.users import keeps_xmm0, sigreturns

XMM0_OF_A, XMM0_OF_B = 0xA, 0xB
LEAK = "B never reads A's XMM0"


def not_of_a(xmm0: int | None) -> bool:
    """What B read, if it has, is not what A's frame has in it (I9)."""
    return xmm0 != XMM0_OF_A


def owned_by_b(owner: Program | None, refused: bool | None) -> bool:
    """The registers are B's while A's frame is found bad."""
    return owned_while(owner, refused, whose="B")


@scenario(
    cases=[
        case(fixes="-d8778e393afa", tracking="architectural", expect="violated", violated=(LEAK,)),
        case(fixes="-d8778e393afa", tracking="recorded", expect="proved"),
        case(fixes="shipped", tracking="architectural", expect="proved"),
    ],
    fix="d8778e393afa",
)
def xrstor_partial(
    fixes: str = "shipped",
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "architectural",
) -> Machine:
    """Story?"""
    world = Machine(cpus=1, cpu=cpu, xfd_err=xfd_err, xfd_set=xfd_set, tracking=tracking, fixes=fixes)
    frame = world.user_frame("frame", frame_with(world.cpu_model, XMM0_OF_A), page=2048)
    a = world.host_task(sigreturns, frame, name="A")
    b = world.host_task(keeps_xmm0, XMM0_OF_B, name="B")
    world.sibling(frame)
    world.interrupts(external=2)
    world.always(LEAK, not_of_a, b.label("xmm0"), words="B reads A's XMM0")
    world.sometimes(
        "A's XRSTOR fails while the registers are B's",
        owned_by_b,
        world.kernel.owner.each[0],
        a.label("frame refused"),
    )
    world.sometimes("A's sigreturn is SIGSEGV", is_set, a.label("signal"))
    return world
