"""What 6.12 leaves in the tiles behind a sigreturn of a task that may use AMX and has not yet: another task's data.

fpregs_restore_userregs() restores all features of the kernel, so that what the last task had in those that this one has no room
for goes to its initial state. sigreturn does not: __restore_fpregs_from_user() loads what the frame has, and initial state for
the rest of fpstate->user_xfeatures, and dynamic features are not among these before the task's first use. The registers are then
the task's own (fpregs_mark_activate()), with another's tiles in them, which XFD alone keeps from it. At its first tile
instruction fpstate_realloc() finds TIF_NEED_FPU_LOAD clear, restores nothing, and takes XFD away. LDTILECFG would zero the tiles;
a frame that brings TILECFG itself makes that needless.

This was read in arch/x86/kernel/fpu/signal.c (__restore_fpregs_from_user, restore_fpregs_from_user) and xstate.c
(fpstate_realloc) of kernels from 5.16 on, and not tried on one. It needs a CPU that keeps tile data while XFD is set, which the
manual does not promise: `xfd_set` says whether this one does. The test pins what the rules give: were they mended, it should be
proved.
"""

from actors.explore.verification import Demand, verify
from actors.machine.model import TILECFG, TILEDATA
from actors.machine.xstate import area as images
from actors.machine.xstate.components import SSE
from actors.machine.xstate.layout import standard
from actors.machine.xstate.tiles import config
from actors.runtime import routine, scenario, set_label
from actors.system.entry.common import syscall
from actors.system.fpu.registers import os_xrstor
from actors.system.invariants import known, not_false, unset
from actors.system.machine import Machine
from actors.system.signals import sigreturn
from actors.system.signals.delivery import rt_sigreturn
from actors.system.signals.uabi import frame_with
from actors.system.signals.users import amx_and_yield
from protocol.registers import Component

TILE = b"\xaa" * 1024


def with_configuration(model):
    """A frame as user mode may write it: XMM0, and a configuration with one tile."""
    frame = frame_with(model, 0xF4A3E, xstate_bv=SSE | TILECFG)
    at = standard(model.description).offset[Component.TILECFG]
    return images.overwritten(frame, frame.xstate_bv, 0, ((at, config(16)),), model.description)


@routine
async def reads_a_tile(cpu, frame):
    """Return from a signal that there was not, and read a tile that was never loaded."""
    await syscall(cpu, rt_sigreturn, frame)
    set_label("initial", await cpu.tilestored(0) == bytes(1024))


@scenario()
def tiles_left(perm: bool = True, buffer: bool = False, invariants: bool = False, timer: int = 1) -> Machine:
    """Does a task that has loaded no tile ever read one?"""
    machine = Machine()
    frame = machine.user_frame("frame", with_configuration(machine.cpu_model))
    mask = TILEDATA if perm else 0
    t = machine.host_task(reads_a_tile, frame, perm=mask, buffer=mask if buffer else 0, name="T")
    u = machine.host_task(amx_and_yield, TILE, perm=TILEDATA, buffer=TILEDATA, name="U")
    machine.secret(u, TILE)
    machine.interrupts(external=timer)
    machine.always("T reads zeros", not_false, t.label("initial"), words="T reads a tile of U")
    if perm:
        machine.sometimes("T reads", known, t.label("initial"))
    else:
        machine.always("T reads nothing", unset, t.label("initial"))
    machine.sometimes("U has its tile", bool, u.label("kept"))
    if invariants:
        machine.invariants()
    return machine


def found(**given):
    report = verify(tiles_left, given, Demand())
    return report.verdict, report.recorded.names if report.recorded else ()


def test_a_task_reads_what_another_left_in_the_tiles():
    assert found() == ("violated", ("T reads zeros",))


def test_i9_sees_it_at_the_way_back_to_user_mode_where_nothing_else_is_broken():
    assert found(invariants=True) == ("violated", ("I9: T finds nobody else's value in registers",))


def test_without_permission_xfd_keeps_it():
    assert found(perm=False) == ("proved", ())


def test_not_with_a_buffer_nor_where_nobody_comes_between():
    assert found(buffer=True) == ("proved", ())
    assert found(timer=0) == ("proved", ())


def test_initial_state_for_what_the_task_has_no_room_for_would_mend_it(monkeypatch):
    """The frame may say nothing of these, so an XRSTOR of them alone, as fpregs_restore_userregs() has it in its one."""
    loads = sigreturn.xrstor_from_user_sigframe

    async def and_clears(cpu, frame, fpstate, mask):
        fault = await loads(cpu, frame, fpstate, mask)
        if fault is None:
            await os_xrstor(cpu, cpu.kernel.init_fpstate, cpu.kernel.features & ~fpstate.xfeatures)
        return fault

    monkeypatch.setattr(sigreturn, "xrstor_from_user_sigframe", and_clears)
    assert found(invariants=True) == ("proved", ())
