"""The guest's kernel and its programs, each alone on a vCPU."""

import msgspec
import pytest

from actors.machine.model import TILEDATA
from actors.machine.xstate.tiles import config
from actors.runtime import set_label
from actors.system.guest import (
    ONE_TILE,
    amx_guest,
    armed_guest,
    guest_exception,
    live_tile_guest,
    reader_guest,
    strict_exception,
)
from actors.system.kvm import FULL
from actors.system.machine import Machine
from protocol.handles import Cell
from protocol.registers import Msr

TILE = b"\x55" * 1024


def machine(code, *args, exception=guest_exception, irq=0, swap=FULL, **choices):
    world = Machine(**choices)
    guest = world.guest(code, *args, dynamic_features=TILEDATA, exception=exception, name="guest")
    world.vcpu_thread(guest, swap, name="vcpu")
    world.interrupts(external=irq)
    return world


def test_the_guests_configuration_is_one_whole_tile():
    assert config(16) == ONE_TILE


@pytest.mark.trio
async def test_the_guests_nm_handler_reads_and_clears_its_bit_disarms_xfd_and_tries_again(tell):
    texts = (await tell(machine(amx_guest, TILEDATA, TILE))).of("guest")
    load = next(at for at, text in enumerate(texts) if text.startswith("tileload"))
    assert texts[:load] == ["wrmsr XFD 0x40000", "ldtilecfg"]
    assert texts[load + 1 :] == [
        "rdmsr XFD_ERR",
        "wrmsr XFD_ERR 0x0",
        "rdmsr XFD",
        "wrmsr XFD 0x0",
        "iret",
        texts[load],
        "tilestored tmm0",
        "hlt",
    ]


@pytest.mark.trio
async def test_its_window_is_between_the_fault_and_the_read(tell, before_message):
    story = await tell(
        machine(amx_guest, TILEDATA, TILE, irq=1), before_message("irq0", "guest", "rdmsr XFD_ERR")
    )
    assert story.labels("guest") == {"in_nm_window": False, "loaded": True}
    read = [
        reply.value for name, _, reply, text in story.steps if name == "guest" and text == "rdmsr XFD_ERR"
    ]
    assert read == [TILEDATA]


async def nm_without_a_bit(cpu):
    await cpu.set_cr0_ts(ts=True)
    await cpu.sttilecfg()


async def bad_msr(cpu):
    await cpu.rdmsr(0x10)


@pytest.mark.trio
@pytest.mark.parametrize(
    ("code", "oops"),
    [(nm_without_a_bit, "unexpected #NM exception"), (bad_msr, "unhandled #GP")],
)
async def test_a_guest_that_dies_says_so_in_a_label(tell, code, oops):
    story = await tell(machine(code))
    assert story.labels("guest")["oops"] == oops
    assert story.failure.type == "GuestDied"


@pytest.mark.trio
async def test_an_amx_guest_that_has_died_halts_and_the_host_goes_on(tell):
    world = machine(amx_guest, TILEDATA, TILE)
    world.cells[Cell("vmcs of guest")] = with_ts(world.cells[Cell("vmcs of guest")])
    story = await tell(world)
    assert story.labels("guest")["oops"] == "unexpected #NM exception"
    assert story.of("guest")[-2:] == ["rdmsr XFD_ERR", "hlt"]
    assert story.execution.ending == "finished"


def with_ts(vmcs):
    return msgspec.structs.replace(vmcs, cr0_ts=True)


@pytest.mark.trio
@pytest.mark.parametrize("left", [0, TILEDATA])
async def test_the_reader_tells_what_it_read(tell, left):
    world = machine(reader_guest)
    world.cells[Cell("guest->xfd_err")] = left
    assert (await tell(world)).labels("guest") == {"xfd_err": left}


@pytest.mark.trio
async def test_a_strict_kernel_ends_a_task_that_uses_amx_without_permission(tell):
    story = await tell(machine(armed_guest, TILEDATA, TILE, exception=strict_exception))
    assert story.labels("guest") == {"armed": True, "denied": True}
    assert story.of("guest")[-3:] == ["rdmsr XFD_ERR", "wrmsr XFD_ERR 0x0", "hlt"]


@pytest.mark.trio
async def test_where_xfd_is_not_armed_its_task_escapes(tell):
    story = await tell(machine(armed_guest, 0, TILE, exception=strict_exception))
    assert story.labels("guest") == {"armed": True, "escaped": True}


@pytest.mark.trio
@pytest.mark.parametrize(("xfd_set", "survived"), [("keep", {True}), ("undefined", {True, False})])
async def test_a_live_tile_survives_its_own_xfd_as_far_as_the_cpu_lets_it(sample, xfd_set, survived):
    stories = await sample(machine(live_tile_guest, TILEDATA, TILE, xfd_set=xfd_set), 40)
    assert {story.labels("guest")["survived"] for story in stories} == survived


async def alone(cpu):
    set_label("xcr0", await cpu.xgetbv())
    await cpu.wrmsr(Msr.XFD, 0)
    await cpu.hlt()


@pytest.mark.trio
async def test_a_guest_does_not_know_that_it_is_left(sample):
    orders = set()
    for story in await sample(machine(alone, irq=2), 60):
        assert story.of("guest") == ["xgetbv 0", "wrmsr XFD 0x0", "hlt"]
        orders.add(story.of("vcpu").count("vmenter guest"))
    assert orders == {1, 2, 3}
