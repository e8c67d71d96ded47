"""A signal handler that starts with another task's XFD, and a sigreturn that ends with it (CVE-2025-68171)."""

from typing import Literal

from actors.machine.model import TILEDATA, CpuName, Tracking, XfdErr, XfdSetting
from actors.runtime import case, scenario
from actors.system import Machine
from actors.system.debug_fpu import XFD_VALIDATE_STATE, restore_is_valid
from actors.system.invariants import is_set, off_cpu_while, unset
from actors.system.kernel.data import Sigaction, Task
from actors.system.signals.users import amx_and_yield, amx_handler, sigreturns_to_amx, waits_for_signal

WARNING = "hygiene: xfd_validate_state() warns of nothing"
ESCAPED = "Tn never uses AMX without permission"

TILE = b"\xaa" * 1024
Variant = Literal["delivery", "sigreturn"]


@scenario(
    cases=[
        case(variant="delivery", fixes="-388eff894d6b", expect="violated", violated=(WARNING,)),
        case(variant="delivery", fixes="shipped", expect="proved"),
        case(variant="sigreturn", fixes="-388eff894d6b", expect="violated", violated=(WARNING,)),
        case(variant="sigreturn", fixes="shipped", expect="proved"),
        case(variant="delivery", debug=False, fixes="-388eff894d6b", expect="violated", violated=(ESCAPED,)),
        case(variant="sigreturn", debug=False, fixes="-388eff894d6b", expect="violated", violated=(ESCAPED,)),
    ],
    fix="388eff894d6b",
)
def xfd_signal_delivery(
    variant: Variant = "delivery",
    debug: bool = True,
    fixes: str = "shipped",
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "recorded",
) -> Machine:
    """Story?"""
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
    world.interrupts(external=1)
    if debug:
        own, init = world.cells[Task(tn).fpstate.cell], world.kernel.init_fpstate
        world.always(
            WARNING,
            restore_is_valid,
            tn.label("xrstors"),
            Task(tn).fpstate,
            own.xfd,
            init.xfd,
            world.kernel.xfd_state.each[0],
            kind="hygiene",
            words=XFD_VALIDATE_STATE,
        )
    world.always(ESCAPED, unset, tn.label("used AMX"), words="Tn uses AMX without permission: no #NM")
    world.sometimes("Ta runs before Tn's state is cleared", off_cpu_while, tn.placement, clearing)
    world.sometimes("Tn's #NM is SIGILL", is_set, tn.label("signal"))
    return world
