"""A sigreturn that fails after it has changed registers which the kernel holds for another task."""

from actors.machine.model import CpuName, Tracking, XfdErr, XfdSetting
from actors.machine.xstate.components import SSE, TILECFG
from actors.runtime import case, scenario
from actors.system import Machine
from actors.system.invariants import is_set
from actors.system.invariants.values import Finds, OwnedWhile
from actors.system.signals.uabi import frame_with
from actors.system.signals.users import keeps_xmm0, sigreturns

XMM0_OF_B = 0xB
KEPT = "B finds in XMM0 what it loaded"


@scenario(
    cases=[
        case(fixes="-bbc55341b9c6", expect="violated", violated=(KEPT,), states=4_883, steps=89),
        case(fixes="shipped", expect="proved", states=6_686),
    ],
    fix="bbc55341b9c6",
)
def sigreturn_owner(
    fixes: str = "shipped",
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "recorded",
) -> Machine:
    """Does another task find its registers as they were when a sigreturn has failed?

    bbc55341b9c6 (authored 20 December 2019, merged 7 January 2020). A calls rt_sigreturn and is preempted before it has taken
    fpregs_lock(). B runs, with its state in the registers and itself as their owner, and gives the CPU back. A's
    TIF_NEED_FPU_LOAD is set now: the registers hold B's state. The kernel of that time (copy_user_to_fpregs_zeroing()) wrote
    initial state over the components that A's frame does not have, and only then let XRSTOR load the others from the frame.
    A's header is bogus, so the XRSTOR is #GP. The sigreturn fails, and A will be killed; but first A unlocks, and is
    preempted. B comes back: it is the owner, and was on no other CPU since. Nothing is loaded, and B goes on with registers
    that A's sigreturn has wiped.

    The fix makes the registers nobody's when the load has failed (owner = NULL), so that B loads its own. Today's kernel loads
    from the frame first. With `fixes=-bbc55341b9c6` the order and the missing line are those of 2019; later fixes do not help,
    since they were made for other code.
    """
    world = Machine(cpus=1, cpu=cpu, xfd_err=xfd_err, xfd_set=xfd_set, tracking=tracking, fixes=fixes)
    bad = frame_with(world.cpu_model, 0xA, xcomp_bv=SSE)
    frame = world.user_frame("frame", bad, xfeatures=TILECFG)
    a = world.host_task(sigreturns, frame, name="A")
    b = world.host_task(keeps_xmm0, XMM0_OF_B, name="B")
    world.interrupts(preemption=2)
    world.always(
        KEPT, Finds(XMM0_OF_B), b.label("xmm0"), words="B: XMM0 is {:#x}, which B has loaded with 0xb"
    )
    world.sometimes(
        "A's XRSTOR fails while the registers are B's",
        OwnedWhile("B"),
        world.kernel.owner.each[0],
        a.label("frame refused"),
    )
    world.sometimes("A's sigreturn is SIGSEGV", is_set, a.label("signal"))
    return world
