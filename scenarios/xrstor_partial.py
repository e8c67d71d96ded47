"""An XRSTOR that faults, and has changed registers all the same, which the kernel holds for another task."""

from actors.machine.model import CpuName, Tracking, XfdErr, XfdSetting
from actors.runtime import case, scenario
from actors.system import Machine
from actors.system.invariants import is_set
from actors.system.invariants.values import NeverFinds, OwnedWhile
from actors.system.signals.uabi import frame_with
from actors.system.signals.users import keeps_xmm0, sigreturns

XMM0_OF_A, XMM0_OF_B = 0xA, 0xB
LEAK = "B never reads A's XMM0"


@scenario(
    cases=[
        case(
            fixes="-d8778e393afa",
            tracking="architectural",
            expect="violated",
            violated=(LEAK,),
            states=65_977,
            steps=89,
        ),
        case(fixes="-d8778e393afa", tracking="recorded", expect="proved", states=16_684),
        case(fixes="shipped", tracking="architectural", expect="proved", states=108_136),
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
    """Does B ever read what A's sigreturn was loading when it faulted?

    CVE-2021-47226, d8778e393afa (8 June 2021). Two threads share A's signal frame: A returns from the signal, its sibling
    unmaps the frame's second page. A was preempted in rt_sigreturn, and B's state is in the registers, with B as their owner.
    A's XRSTOR loads XMM0 from the first page and #PFs at the second. The manuals allow it to have changed registers by then.
    The kernel held a faulting XRSTOR to have changed nothing, left the owner as it was, and unlocked to bring the page in.
    Preempted there, A gives the CPU to B, who is still the owner, loads nothing, and reads what A's frame had in XMM0.

    The fix: after a failed XRSTOR the registers are nobody's, if TIF_NEED_FPU_LOAD is set (else they are A's own). The same
    world is proved without the fix where a faulting XRSTOR changes nothing, as it was seen on silicon
    (`tracking=recorded`): the bug is one of what the manual allows (`tracking=architectural`).
    """
    world = Machine(cpus=1, cpu=cpu, xfd_err=xfd_err, xfd_set=xfd_set, tracking=tracking, fixes=fixes)
    frame = world.user_frame("frame", frame_with(world.cpu_model, XMM0_OF_A), page=2048)
    a = world.host_task(sigreturns, frame, name="A")
    b = world.host_task(keeps_xmm0, XMM0_OF_B, name="B")
    world.sibling(frame)
    world.interrupts(preemption=2)
    world.always(LEAK, NeverFinds(XMM0_OF_A), b.label("xmm0"), words="B reads A's XMM0")
    world.sometimes(
        "A's XRSTOR fails while the registers are B's",
        OwnedWhile("B"),
        world.kernel.owner.each[0],
        a.label("frame refused"),
    )
    world.sometimes("A's sigreturn is SIGSEGV", is_set, a.label("signal"))
    return world
