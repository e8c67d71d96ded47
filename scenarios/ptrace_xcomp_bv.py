"""A tracer that writes a header which the CPU refuses, and the task that then runs with another's registers (CVE-2017-15537)."""

from actors.machine.model import CpuName, Tracking, XfdErr, XfdSetting
from actors.runtime import case, scenario
from actors.system import Machine
from actors.system.invariants import known
from actors.system.invariants.values import Finds, NeverFinds
from actors.system.kernel.fixes import missing
from actors.system.signals.uabi import frame_with
from actors.system.signals.users import keeps_xmm0, stops, traces

XMM0_OF_A, XMM0_OF_B = 0xA, 0xB
LEAK = "B never reads A's XMM0"
KEPT = "B finds in XMM0 what it loaded"
BY = ("814fb7bb7db5", "d5c8028b4788")
BOTH = "-814fb7bb7db5,-d5c8028b4788"
BOGUS = 1 << 62
"""A bit of XCOMP_BV that no CPU has."""


@scenario(
    cases=[
        case(fixes=BOTH, expect="violated", violated=(LEAK,), states=242, steps=92),
        case(fixes="-814fb7bb7db5", expect="violated", violated=(KEPT,), states=156, steps=70),
        case(fixes="-d5c8028b4788", expect="proved", states=329),
        case(fixes="shipped", expect="proved", states=329),
    ],
    fix=", ".join(BY),
)
def ptrace_xcomp_bv(
    fixes: str = "shipped",
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "recorded",
) -> Machine:
    """Can a tracer make a task run with another task's registers?

    CVE-2017-15537, 814fb7bb7db5 (September 2017). A tracer stops B and sets its extended state by PTRACE_SETREGSET, with bits in
    XCOMP_BV that have to be zero. The kernel copied them into B's fpstate. When B next returned to user mode, the restore from
    there raised #GP. The fixup of that time warned and skipped the instruction; B was made the registers' owner, and ran on with
    what they held: the state of whoever ran there before, here A's.

    There were two fixes, in the same month. 814fb7bb7db5 refuses a header with any bit in XCOMP_BV (EINVAL), and B goes on
    with what it had. d5c8028b4788 mends the fixup, whatever made the buffer bad: ex_handler_fprestore() loads init_fpstate,
    so that a bad buffer costs its owner the state, and shows nobody another's. Without the first alone B loses its own
    registers, without the second alone nothing happens, and it takes the lack of both to show B what is A's. That kernel had
    buffers in the standard format, where all of XCOMP_BV must be zero; here they are compacted, and the tracer's bits are set
    beside the kernel's own.
    """
    lacks = [commit for commit in BY if commit in missing(fixes)]
    world = Machine(cpus=1, cpu=cpu, xfd_err=xfd_err, xfd_set=xfd_set, tracking=tracking, fixes=fixes)
    buffer = world.user_frame("buffer", frame_with(world.cpu_model, 0, xcomp_bv=BOGUS))
    b = world.host_task(stops, XMM0_OF_B, name="B")
    tracer = world.host_task(traces, world.traced(b), buffer, name="tracer")
    world.host_task(keeps_xmm0, XMM0_OF_A, name="A")
    if lacks != [*BY]:  # a task that reads another's registers has lost its own as well
        world.always(
            KEPT, Finds(XMM0_OF_B), b.label("xmm0"), words="B: XMM0 is {:#x}, which B has loaded with 0xb"
        )
    words = f"B reads A's XMM0 (without {' and '.join(lacks)})"
    world.always(LEAK, NeverFinds(XMM0_OF_A), b.label("xmm0"), words=words)
    world.sometimes("the tracer's header is looked at", known, tracer.label("wrote"))
    world.sometimes("B goes on", known, b.label("xmm0"))
    return world
