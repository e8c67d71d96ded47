"""A tracer that writes a header which the CPU refuses, and the task that then runs with another's registers (CVE-2017-15537)."""

from actors.machine.model import CpuName, Tracking, XfdErr, XfdSetting
from actors.runtime import case, scenario
from actors.system import Machine
from actors.system.invariants import known
from actors.system.signals.uabi import frame_with
from actors.system.signals.users import keeps_xmm0, stops, traces

XMM0_OF_A = 0xA
LEAK = "B never reads A's XMM0"
BOGUS = 1 << 62
"""A bit of XCOMP_BV that no CPU has."""


def not_of_a(xmm0: int | None) -> bool:
    """What B read, if it has, is not what A has loaded (I9)."""
    return xmm0 != XMM0_OF_A


@scenario(
    cases=[
        case(fixes="-814fb7bb7db5", expect="violated", violated=(LEAK,)),
        case(fixes="shipped", expect="proved"),
    ],
    fix="814fb7bb7db5",
)
def ptrace_xcomp_bv(
    fixes: str = "shipped",
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "recorded",
) -> Machine:
    """Story?"""
    world = Machine(cpus=1, cpu=cpu, xfd_err=xfd_err, xfd_set=xfd_set, tracking=tracking, fixes=fixes)
    buffer = world.user_frame("buffer", frame_with(world.cpu_model, 0, xcomp_bv=BOGUS))
    b = world.host_task(stops, 0xB, name="B")
    tracer = world.host_task(traces, world.traced(b), buffer, name="tracer")
    world.host_task(keeps_xmm0, XMM0_OF_A, name="A")
    world.always(LEAK, not_of_a, b.label("xmm0"), words="B reads A's XMM0")
    world.sometimes("the tracer's header is looked at", known, tracer.label("wrote"))
    world.sometimes("B goes on", known, b.label("xmm0"))
    return world
