"""The last third of the 2021 design mail: who clears XFD_ERR when a VM-exit lands inside the guest's #NM?"""

from actors.machine.model import HYPOTHETICAL, TILEDATA, CpuName, XfdErr, XfdSet
from actors.machine.state import cpu_cell
from actors.runtime import case, scenario
from actors.system.guest import amx_guest, reader_guest
from actors.system.invariants import (
    exit_while,
    host_if_set,
    is_set,
    known,
    none_or_zero,
    unset,
    xfd_err_clear,
)
from actors.system.kvm import SwapName, form
from actors.system.machine import Machine
from actors.system.tasks import dynamic_task
from protocol.registers import Component

HYGIENE = "hygiene: XFD_ERR is clear in host mode with IF=1"
S1 = "S1: the guest's #NM handler finds its bit"
S2 = "S2: another VM never reads the bit"
S3 = "S3: no task is killed for a feature that it did not use"

GUEST_TILE = b"\x55" * 1024
TASK_TILE = b"\xaa" * 1024


@scenario(
    cases=[
        case(swap="none", expect="violated"),
        case(swap="xfd", expect="violated"),
        case(swap="full", expect="proved"),
        case(swap="conditional", expect="proved"),
        case(swap="msr_lists", expect="proved"),
        case(swap="xfd", cpu="mail_2021", xfd_err="load", expect="violated"),
        case(swap="xfd", cpu="mail_2021", xfd_err="accumulate", expect="violated"),
        case(swap="full", cpu="mail_2021", xfd_err="accumulate", expect="proved"),
    ],
    fix="1df4fd834e8e, ec5be88ab29f",
)
def xfd_err_leak(
    swap: SwapName = "xfd",
    cpu: CpuName = "sapphire_rapids",
    xfd_err: XfdErr = "load",
    xfd_set: XfdSet = "keep",
) -> Machine:
    """Can a guest's XFD_ERR be seen, or lost, outside that guest?"""
    world = Machine(cpus=1, cpu=cpu, xfd_err=xfd_err, xfd_set=xfd_set)
    second = Component.APX if HYPOTHETICAL & world.cpu_model.xfd_capable else Component.TILEDATA
    guest = world.guest(amx_guest, TILEDATA, GUEST_TILE, dynamic_features=TILEDATA, name="guest")
    other = world.guest(reader_guest, name="guest2")
    world.vcpu_thread(guest, form(swap, guest.dynamic_features), name="vcpu")
    task = world.host_task(dynamic_task, second, TASK_TILE, perm=1 << second, name="task")
    world.vcpu_thread(other, form(swap, other.dynamic_features), name="vcpu2")
    world.interrupts(external=2)
    nm_window = guest.guest.label("in_nm_window")
    world.always(HYGIENE, xfd_err_clear, at=host_if_set, kind="hygiene")
    world.always(S1, unset, guest.guest.label("oops"), words="guest: unexpected #NM exception")
    world.always(
        S2, none_or_zero, other.guest.label("xfd_err"), words="guest2 reads the guest's bit in XFD_ERR"
    )
    world.always(S3, unset, task.label("signal"), words="task: killed by SIGILL for the guest's feature")
    world.sometimes("an exit lands inside the guest's #NM window", exit_while, cpu_cell(0), nm_window)
    world.sometimes("the host task takes #NM", is_set, task.label("nm"))
    world.sometimes("the other VM reads XFD_ERR", known, other.guest.label("xfd_err"))
    return world
