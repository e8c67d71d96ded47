"""A vCPU that moves to another CPU leaves its XFD_ERR behind."""

from typing import Literal

from actors.machine.model import TILEDATA, CpuName, Tracking, XfdErr, XfdSetting
from actors.runtime import case, scenario
from actors.system import Machine
from actors.system.guest import amx_guest
from actors.system.invariants import off_cpu_while, runs_on_other, unset
from actors.system.kvm import form
from actors.system.tasks import busy_task

S1 = "S1: the guest's #NM handler finds its bit"


@scenario(
    cases=[
        case(swap="xfd", expect="violated", violated=(S1,), states=13_509, steps=72),
        case(swap="full", expect="proved", states=28_478),
    ],
    fix="1df4fd834e8e",
)
def xfd_err_lost(
    swap: Literal["xfd", "full"] = "xfd",
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSetting = "implied",
    tracking: Tracking = "recorded",
) -> Machine:
    """Does the guest's XFD_ERR follow its vCPU to another CPU?

    XFD_ERR is a register of the CPU. An interrupt lands between the guest's #NM and its handler's RDMSR, the vCPU thread is
    preempted, and the load balancer moves it. On the other CPU nobody writes XFD_ERR, so the guest's handler reads 0 there
    and dies, while its bit stays behind on the first. No other user of AMX takes part: no host task, no second VM. With
    `swap=full` the value is saved at the exit and loaded at the entry, wherever that is.
    """
    world = Machine(cpus=2, cpu=cpu, xfd_err=xfd_err, xfd_set=xfd_set, tracking=tracking)
    guest = world.guest(amx_guest, TILEDATA, b"\x55" * 1024, dynamic_features=TILEDATA, name="guest")
    thread = world.vcpu_thread(guest, form(swap, guest.dynamic_features), name="vcpu")
    world.host_task(busy_task, name="busy")
    world.interrupts(external=1)
    world.migrations(thread, to=1)
    window = guest.guest.label("in_nm_window")
    world.always(S1, unset, guest.guest.label("oops"), words="guest: unexpected #NM exception")
    world.sometimes(
        "the vCPU is off CPU inside the guest's #NM window", off_cpu_while, thread.placement, window
    )
    world.sometimes("the vCPU runs on the other CPU", runs_on_other, thread.placement)
    return world
