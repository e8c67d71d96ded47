"""Building machines: what is refused, how a machine is booted, and what is said about it."""

import pytest

from actors.machine.model import HYPOTHETICAL, TILEDATA
from actors.machine.state import Placement, Ring, cpu_cell
from actors.runtime import set_label
from actors.runtime.errors import ModelError, VmraceError
from actors.system.invariants import xfd_err_clear
from actors.system.kvm import FULL, MSR_LISTS
from actors.system.machine import Machine
from actors.system.tasks import busy_task
from protocol.handles import Cell
from protocol.instructions import UNMAPPED, MemoryOperand, MsrArea, MsrEntry
from protocol.records import Column
from protocol.registers import Msr


async def halts(cpu):
    await cpu.hlt()


async def restores(cpu, area):
    await cpu.xrstor(0b11, area)
    set_label("restored")


async def unmaps(cpu, area):
    await cpu.store(area.pages, UNMAPPED)


@pytest.mark.trio
@pytest.mark.parametrize(
    ("first", "labels"), [("task", {"restored": True}), ("sibling", {"signal": "SIGSEGV"})]
)
async def test_a_user_area_is_there_until_somebody_unmaps_it(tell, when, first, labels):
    world = Machine(cpus=2)
    area = world.user_area("frame", address=0x7FFF_0000)
    assert area == MemoryOperand(Cell("frame"), Cell("pages of frame"), 0x7FFF_0000)
    world.host_task(restores, area, name="task")
    world.host_task(unmaps, area, cpu=1, name="sibling")
    story = await tell(world, when(first, lambda _: True))
    assert story.labels("task") == labels
    assert story.execution.ending == "finished"


async def restores_in_the_kernel(cpu, area):
    await cpu.syscall()
    await cpu.store(area.pages, UNMAPPED)
    await cpu.xrstor(0b11, area)


@pytest.mark.trio
async def test_in_the_kernel_a_page_fault_without_a_fixup_is_the_end(tell):
    world = Machine()
    world.host_task(restores_in_the_kernel, world.user_area("frame"), name="task")
    story = await tell(world)
    assert (story.failure.type, story.failure.text) == ("Die", "BUG: unable to handle page fault")


@pytest.mark.trio
@pytest.mark.parametrize(("long_mode", "ring"), [(True, Ring.USER), (False, Ring.USER32)])
async def test_a_task_runs_in_the_mode_that_it_was_given(tell, long_mode, ring):
    world = Machine()
    world.host_task(busy_task, name="task", long_mode=long_mode)
    story = await tell(world)
    rings = [before[cpu_cell(0)].top.ring for _, before in zip(story.of("task"), story.states, strict=False)]
    assert rings[:5] == [Ring.KERNEL, Ring.KERNEL, Ring.KERNEL, ring, ring]


# What is refused.


def test_a_cpu_without_anything_that_xfd_disables_is_refused_with_the_reason():
    with pytest.raises(VmraceError, match="emerald_rapids has no XFD-capable component"):
        Machine(cpu="emerald_rapids")


def test_an_unknown_cpu_is_refused():
    with pytest.raises(VmraceError, match="no CPU is called 'itanium'"):
        Machine(cpu="itanium")


def test_how_the_cpu_tracks_its_state_can_be_chosen_and_implies_what_setting_xfd_does():
    assert (Machine().cpu_model.tracking, Machine().cpu_model.xfd_set) == ("recorded", "keep")
    assert Machine(tracking="architectural").cpu_model.xfd_set == "undefined"
    assert Machine(tracking="architectural", xfd_set="keep").cpu_model.xfd_set == "keep"
    assert Machine(tracking="by_value").cpu_model.tracking == "by_value"


@pytest.mark.parametrize("cpus", [0, -1])
def test_a_machine_without_cpus_is_refused(cpus):
    with pytest.raises(ModelError, match="give it at least 1"):
        Machine(cpus=cpus)


@pytest.mark.parametrize("number", [-1, 2])
def test_there_is_no_such_cpu(number):
    world = Machine(cpus=2)
    task = world.host_task(busy_task)
    guest = world.guest(halts)
    for build in (
        lambda: world.host_task(busy_task, cpu=number),
        lambda: world.vcpu_thread(guest, FULL, cpu=number),
        lambda: world.interrupts(number),
        lambda: world.migrations(task, to=number),
        lambda: world.migrations(task, to=1, source=number),
    ):
        with pytest.raises(ModelError, match=f"there is no CPU {number}; this machine has 2, counted from 0"):
            build()


def test_a_budget_below_zero_would_never_end_and_is_refused():
    world = Machine(cpus=2)
    task = world.host_task(busy_task)
    with pytest.raises(ModelError, match="a budget of -1 external interrupt would"):
        world.interrupts(external=-1)
    with pytest.raises(ModelError, match="a budget of -2 migration would"):
        world.migrations(task, to=1, count=-2)


def test_two_programs_of_one_name_are_refused():
    world = Machine()
    world.host_task(busy_task, name="task")
    with pytest.raises(ModelError, match="task"):
        world.host_task(busy_task, name="task")


# Boot.


@pytest.mark.parametrize(
    ("cpu", "capable"), [("sapphire_rapids", TILEDATA), ("mail_2021", TILEDATA | HYPOTHETICAL)]
)
def test_a_cpu_is_booted_with_all_enabled_and_xfd_armed_for_every_dynamic_feature(cpu, capable):
    world = Machine(cpus=2, cpu=cpu)
    for number in range(2):
        state = world.cells[cpu_cell(number)]
        assert state.x.xcr0 == world.cpu_model.xcr0
        assert state.x.xfd == world.cells[world.kernel.xfd_state.each[number].cell] == capable
        assert (state.x.xfd_err, state.x.in_use) == (0, 0)
        assert state.top.program.name == f"idle{number}"
    assert world.kernel.dynamic == capable


def test_a_cpus_first_task_runs_there_and_the_others_wait():
    world = Machine(cpus=2)
    tasks = [
        world.host_task(busy_task, cpu=cpu, name=name)
        for name, cpu in (("a", 0), ("b", 0), ("c", 1), ("d", 0))
    ]
    queues = [world.cells[queue.cell] for queue in world.kernel.runqueue.each]
    assert [world.cells[cpu_cell(number)].top.program.name for number in range(2)] == ["a", "c"]
    assert queues == [(tasks[1], tasks[3]), ()]
    assert world.cells[tasks[0].placement] == Placement(0)
    waiting = world.cells[tasks[1].placement]
    assert (waiting.cpu, waiting.frame.program, waiting.frame.saved[0].ring) == (None, tasks[1], Ring.USER)


def test_a_cpus_first_task_has_its_own_xfd_loaded_and_cached():
    world = Machine(cpu="mail_2021")
    world.host_task(busy_task, buffer=TILEDATA, name="task")
    assert world.cells[Cell("task->fpstate[0x40000].xfd")] == HYPOTHETICAL
    assert world.cells[cpu_cell(0)].x.xfd == HYPOTHETICAL
    assert world.cells[world.kernel.xfd_state.each[0].cell] == HYPOTHETICAL


def test_a_vcpu_thread_may_use_what_its_guest_has():
    world = Machine(cpu="mail_2021")
    guest = world.guest(halts, dynamic_features=TILEDATA, name="guest")
    world.vcpu_thread(guest, FULL, name="vcpu")
    assert world.cells[Cell("vcpu->fpstate[0x40000].xfd")] == HYPOTHETICAL
    assert world.cells[guest.vmx.host_msrs] == MsrArea()


def test_the_msr_lists_hold_the_hosts_values_for_the_exit():
    world = Machine(cpu="mail_2021")
    guest = world.guest(halts, dynamic_features=TILEDATA, name="guest")
    world.vcpu_thread(guest, MSR_LISTS, name="vcpu")
    assert world.cells[guest.vmx.host_msrs] == MsrArea(
        (MsrEntry(Msr.XFD, HYPOTHETICAL), MsrEntry(Msr.XFD_ERR, 0))
    )
    assert world.cells[guest.vmx.guest_msrs] == MsrArea((MsrEntry(Msr.XFD, 0), MsrEntry(Msr.XFD_ERR, 0)))


# What must hold.


def test_a_condition_without_cells_is_one_for_each_cpu():
    world = Machine(cpus=3)
    world.always("clear", xfd_err_clear, kind="hygiene")
    assert [(one.name, one.reads, one.kind) for one in world.conditions] == [
        (f"clear (CPU {number})", (cpu_cell(number),), "hygiene") for number in range(3)
    ]


def test_on_one_cpu_it_keeps_its_name():
    world = Machine()
    world.always("clear", xfd_err_clear, words="XFD_ERR is stale")
    assert [(one.name, one.words) for one in world.conditions] == [("clear", "XFD_ERR is stale")]


def test_a_condition_with_cells_is_one_as_anywhere():
    world = Machine(cpus=2)
    world.always("clear", xfd_err_clear, cpu_cell(1))
    assert [one.reads for one in world.conditions] == [(cpu_cell(1),)]
    with pytest.raises(ModelError, match="a cell that this world lacks"):
        world.always("nowhere", xfd_err_clear, Cell("cpu7"))


# What a person sees.


def test_columns_stand_under_their_cpu_and_a_thread_left_of_its_guest():
    world = Machine(cpus=2)
    guest = world.guest(halts, name="guest")
    world.vcpu_thread(guest, FULL, name="vcpu")
    task = world.host_task(busy_task, cpu=1, name="task")
    world.interrupts(1, external=1)
    world.migrations(task, source=1, to=0)
    assert [column for column in world.columns() if not column.name.startswith("idle")] == [
        Column("vcpu", "CPU 0"),
        Column("guest", "CPU 0"),
        Column("task", "CPU 1"),
        Column("irq1", "CPU 1"),
        Column("migration"),
    ]


def test_bounds_are_cpus_and_budgets_by_class():
    world = Machine()
    assert world.bounds() == "1 CPU"
    world = Machine(cpus=2)
    world.interrupts(0, external=2)
    world.interrupts(1, external=1)
    world.migrations(world.host_task(busy_task), to=1)
    assert world.bounds() == "2 CPUs, external interrupt 3, migration 1"
    assert world.budgets == {"external interrupt": 3, "migration": 1}
