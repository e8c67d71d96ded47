"""A signal handler that starts with another task's XFD, and a sigreturn that ends with it (CVE-2025-68171)."""

from typing import Literal

from actors.machine.model import TILEDATA, CpuName, Tracking, XfdErr, XfdSetting
from actors.runtime import case, scenario
from actors.system import Machine
from actors.system.invariants import is_set, off_cpu_while, unset
from actors.system.kernel.data import Sigaction
from actors.system.signals.users import amx_and_yield, amx_handler, sigreturns_to_amx, waits_for_signal

WARNING = "xfd_validate_state: Tn restores under its XFD"
RULE = "I3: Tn's registers are loaded"
ESCAPED = "Tn never uses AMX without permission"

TILE = b"\xaa" * 1024
Variant = Literal["delivery", "sigreturn"]


@scenario(
    cases=[
        case(
            variant="delivery",
            fixes="-388eff894d6b",
            expect="violated",
            violated=(WARNING,),
            states=8_698,
            steps=64,
        ),
        case(variant="delivery", rule=True, fixes="shipped", expect="proved", states=13_652),
        case(
            variant="sigreturn",
            fixes="-388eff894d6b",
            expect="violated",
            violated=(WARNING,),
            states=697,
            steps=59,
        ),
        case(variant="sigreturn", rule=True, fixes="shipped", expect="proved", states=1_213),
        case(
            variant="delivery",
            debug=False,
            rule=True,
            fixes="-388eff894d6b",
            expect="violated",
            violated=(RULE,),
            steps=69,
            states=9_555,
        ),
        case(
            variant="sigreturn",
            debug=False,
            rule=True,
            fixes="-388eff894d6b",
            expect="violated",
            violated=(RULE,),
            steps=64,
            states=794,
        ),
        case(
            variant="delivery",
            debug=False,
            fixes="-388eff894d6b",
            expect="violated",
            violated=(ESCAPED,),
            states=10_570,
            steps=76,
        ),
        case(
            variant="sigreturn",
            debug=False,
            fixes="-388eff894d6b",
            expect="violated",
            violated=(ESCAPED,),
            states=900,
            steps=70,
        ),
    ],
    fix="388eff894d6b",
)
def xfd_signal_delivery(
    variant: Variant = "delivery",
    debug: bool = True,
    rule: bool = False,
    fixes: str = "shipped",
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "recorded",
) -> Machine:
    """Can a task use AMX without permission after a signal, because XFD is another task's?

    CVE-2025-68171, 388eff894d6b (authored 9 June 2025, merged 28 October 2025). Tn has never asked for AMX: its XFD is armed. Ta
    has it, and its XFD is 0. Both run on one CPU. fpu__clear_user_states() puts initial state in the registers and makes
    them Tn's: owner, last_cpu, TIF_NEED_FPU_LOAD clear. It did not look at XFD, which switch_fpu_return() would have
    loaded, and now never does, since the registers are Tn's already. There are two ways to get there behind a context switch:

    * `delivery`: the frame of Tn's signal is written; Tn unlocks and is preempted; Ta runs and leaves XFD and its copy at 0; Tn
      goes on in handle_signal(), which clears the state for the handler.
    * `sigreturn`: Tn is preempted in rt_sigreturn, Ta runs, and Tn's frame pointer is NULL: the state is cleared.

    Tn's next tile instruction executes where it should raise #NM. Its tiles are saved nowhere: its fpstate has no room for them.
    A kernel with CONFIG_X86_DEBUG_FPU (`debug`) says so before: xfd_validate_state() finds init_fpstate's XFD, which is Tn's,
    in conflict with the CPU's. With `rule` it is asked at all stable points whether the registers of a task that runs are loaded,
    its XFD among them (I3): from the unlock on they are not. The fix: xfd_update_state() before the restore. In the fixed
    form the window is entered as often, and Tn is killed by SIGILL, as it should be.
    """
    world = Machine(cpus=1, cpu=cpu, xfd_err=xfd_err, xfd_set=xfd_set, tracking=tracking, fixes=fixes)
    if variant == "delivery":
        action = Sigaction(amx_handler, world.user_frame("frame"))
        tn = world.host_task(waits_for_signal, name="Tn", sigaction=action)
        world.signals(tn)
        clearing = tn.label("frame written")
    else:
        tn = world.host_task(sigreturns_to_amx, None, name="Tn")
        clearing = tn.label("frame refused")
    world.host_task(amx_and_yield, TILE, perm=TILEDATA, buffer=TILEDATA, name="Ta")
    world.interrupts(preemption=1)
    if rule:
        world.invariants("I3")
    if debug:
        world.invariants("xfd_validate_state", tasks=[tn])
    world.always(ESCAPED, unset, tn.label("used AMX"), words="Tn uses AMX without permission: no #NM")
    world.sometimes("Ta runs before Tn's state is cleared", off_cpu_while, tn.placement, clearing)
    world.sometimes("Tn's #NM is SIGILL", is_set, tn.label("signal"))
    return world
