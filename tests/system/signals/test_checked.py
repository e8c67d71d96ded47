"""Saves to frames and loads from them are checked like those of fpstates: under which XFD, and of what."""

import pytest

from actors.explore.verification import Demand, verify
from actors.machine.model import TILEDATA
from actors.machine.xstate.components import SSE
from actors.runtime import scenario
from actors.system.kernel.data import Sigaction
from actors.system.machine import Machine
from actors.system.signals import frame as frames
from actors.system.signals import sigreturn
from actors.system.signals.uabi import frame_with
from actors.system.signals.users import amx_and_yield, sigreturns, waits_for_signal
from actors.system.tasks import amx_task, xmm_task

TILE = b"\xaa" * 1024


async def nothing(cpu, *args, **named):
    """A line that was left out."""


async def handles(cpu, frame):
    """A handler that does nothing."""
    return frame


@scenario()
def returns(amx: bool = False, invariant: str = "xfd_validate_state") -> Machine:
    """Is XFD right at the XRSTOR of a sigreturn, where another task ran before it?"""
    machine = Machine()
    mask = TILEDATA if amx else 0
    contents = frame_with(machine.cpu_model, 7, xstate_bv=SSE | mask)
    frame = machine.user_frame("frame", contents)
    machine.host_task(sigreturns, frame, perm=mask, buffer=mask, name="T")
    if amx:
        machine.host_task(xmm_task, 8, name="U")
    else:
        machine.host_task(amx_and_yield, TILE, perm=TILEDATA, buffer=TILEDATA, name="U")
    machine.interrupts(external=1)
    machine.invariants(invariant)
    return machine


@scenario()
def delivers() -> Machine:
    """Is XFD right at the XSAVE to a frame, where another task ran before it?"""
    machine = Machine()
    action = Sigaction(handles, machine.user_frame("frame"))
    task = machine.host_task(waits_for_signal, name="T", sigaction=action)
    machine.host_task(amx_and_yield, TILE, perm=TILEDATA, buffer=TILEDATA, name="U")
    machine.signals(task, cpu=None)
    machine.interrupts(external=1)
    machine.invariants("xfd_validate_state")
    return machine


def found(world, **given):
    report = verify(world, given, Demand())
    if report.recorded is None:
        return report.verdict, (), ""
    labels = report.recorded.record.steps[-1].labels
    return report.verdict, report.recorded.names, dict(labels).get("xrstors") or dict(labels).get("xsaves")


@pytest.mark.parametrize(
    ("amx", "invariant"), [(False, "xfd_validate_state"), (True, "xfd_validate_state"), (True, "I4")]
)
def test_a_load_from_a_frame_is_checked(monkeypatch, amx, invariant):
    given = {"amx": amx, "invariant": invariant}
    assert found(returns, **given) == ("proved", (), "")
    monkeypatch.setattr(sigreturn, "xfd_update_state", nothing)
    what = "restores of frame what XFD allows" if invariant == "I4" else "restores under its XFD"
    mask = "SSE|TILECFG|TILEDATA" if amx else "SSE|TILECFG"
    assert found(returns, **given) == ("violated", (f"{invariant}: T {what}",), f"frame {mask}")


def test_a_save_to_a_frame_is_checked(monkeypatch):
    assert found(delivers) == ("proved", (), "")
    monkeypatch.setattr(frames, "fpregs_restore_userregs", nothing)
    assert found(delivers) == (
        "violated",
        ("xfd_validate_state: T saves under its XFD",),
        "frame SSE|TILECFG",
    )


@scenario()
def delivers_tiles(size: int = 0) -> Machine:
    """Does what a task has in its registers have room in the frame that it was given?"""
    machine = Machine()
    action = Sigaction(handles, machine.user_frame("frame", size=size or None))
    task = machine.host_task(amx_task, TILE, perm=TILEDATA, buffer=TILEDATA, name="T", sigaction=action)
    machine.signals(task, cpu=None)
    machine.interrupts(external=1)
    machine.invariants("I5")
    return machine


def test_a_save_to_a_frame_that_was_made_too_small_is_found():
    assert found(delivers_tiles) == ("proved", (), "")
    little = ("violated", ("I5: what T saves fits its buffer",), "frame SSE|TILECFG|TILEDATA")
    assert found(delivers_tiles, size=4096) == little
