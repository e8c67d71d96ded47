"""Sources of interrupts of several classes: NMIs and machine checks, whatever IF is; preemption; handlers that use the FPU."""

import pytest

from actors.machine.model import TILEDATA
from actors.machine.state import Kind, cpu_cell
from actors.runtime import routine, set_label
from actors.runtime.errors import ModelError
from actors.system.guest import amx_guest
from actors.system.kvm import FULL
from actors.system.machine import Machine
from actors.system.sched import preempt_disable, preempt_enable, schedule
from actors.system.tasks import amx_task, busy_task, xmm_task
from actors.system.xstate.kernel_fpu import KERNEL_VALUE, irq_fpu_usable, use_fpu
from protocol.registers import ExitReason, Vector
from protocol.replies import VmExit


async def in_the_kernel(cpu):
    await cpu.syscall()
    async with cpu.irqs_off():
        await cpu.xgetbv()
    await cpu.iret()


def one_task(code, *args, **budgets):
    world = Machine()
    world.host_task(code, *args, name="task")
    world.interrupts(**budgets)
    return world


def classes(execution_world):
    return {event for event, budget in execution_world.budgets.items() if budget}


@pytest.mark.parametrize("kind", ["nmi", "mce"])
@pytest.mark.trio
async def test_it_lands_where_interrupts_are_off(tell, before_message, kind):
    world = one_task(in_the_kernel, **{kind: 1})
    story = await tell(world, before_message(f"{kind}0", "task", "xgetbv"))
    at = next(n for n, (name, *_) in enumerate(story.steps) if name == f"{kind}0")
    before = story.states[at][cpu_cell(0)]
    assert not before.interrupt_flag
    assert story.of(f"{kind}0") == [
        {"nmi": "NMI", "mce": "#MC"}[kind],
        "this_cpu add preempt_count 1114112",
        {"nmi": "this_cpu load current_task", "mce": "nop"}[kind],
        "this_cpu add preempt_count -1114112",
        "iret",
    ]
    assert story.execution.ending == "finished"


@pytest.mark.trio
async def test_a_sample_names_the_task_that_was_current(tell, before_message):
    world = one_task(in_the_kernel, nmi=1)
    names = []

    class Watching:
        def __init__(self, inner):
            self._inner = inner
            self.outcome = inner.outcome

        def program(self, execution, enabled):
            names.append(execution.running["nmi0"].labels.get("sampled"))
            return self._inner.program(execution, enabled)

    await tell(world, Watching(before_message("nmi0", "task", "xgetbv")))
    assert {one.name for one in names if one is not None} == {"task"}


@pytest.mark.trio
async def test_a_machine_check_in_user_mode_is_no_nmi_and_work_is_done_behind_it(tell, before_message):
    world = one_task(busy_task, mce=1)
    story = await tell(world, before_message("mce0", "task", "nop"))
    assert story.of("mce0") == ["#MC", "nop", "iret by way of exit_to_user_mode"]
    texts = story.of("task")
    assert texts[texts.index("nop") + 1] == "read the flags of task"


@pytest.mark.trio
async def test_an_nmi_in_user_mode_looks_for_no_work(tell, before_message):
    story = await tell(one_task(busy_task, nmi=1), before_message("nmi0", "task", "nop"))
    assert story.of("nmi0")[-1] == "iret"


@routine
async def asks_for_the_fpu(cpu):
    set_label("usable", await irq_fpu_usable(cpu))
    await cpu.nop()


@pytest.mark.trio
async def test_in_an_nmi_the_fpu_is_never_usable(sample):
    world = one_task(busy_task, nmi=1, nmi_handler=asks_for_the_fpu)
    asked = set()

    world.always("not usable", lambda label: label is not True, world_label(world, "nmi0"))
    for story in await sample(world, 40):
        assert story.execution.violation is None
        asked.add(len(story.of("nmi0")) > 0)
    assert True in asked


def world_label(world, name):
    return next(spec.handle for spec in world.programs if spec.handle.name == name).label("usable")


@pytest.mark.trio
@pytest.mark.parametrize(
    "budgets", [{"nmi": 1, "nmi_handler": schedule}, {"mce": 1, "machine_check": schedule}]
)
async def test_a_handler_that_schedules_is_found(tell, before_message, budgets):
    source = next(iter(budgets)) + "0"
    world = one_task(in_the_kernel, **budgets)
    story = await tell(world, before_message(source, "task", "xgetbv"))
    assert (story.failure.type, story.failure.text) == ("Bug", "BUG: scheduling while atomic: task")


@pytest.mark.trio
async def test_so_is_a_softirq_that_does(sample):
    world = Machine(softirq=schedule)
    world.host_task(busy_task, name="task")
    world.interrupts(softirq=1)
    failures = {story.failure.text for story in await sample(world, 40) if story.failure is not None}
    assert failures == {"BUG: scheduling while atomic: task"}


@pytest.mark.trio
async def test_nmis_nest_in_interrupts_and_all_of_it_comes_to_an_end(sample):
    world = Machine()
    task = world.host_task(amx_task, b"\x55" * 1024, perm=TILEDATA, name="task")
    world.host_task(busy_task, name="busy")
    world.interrupts(external=1, nmi=2, mce=1)
    nested = set()
    for story in await sample(world, 150):
        assert story.execution.ending == "finished", story.execution.violation
        assert story.labels("task")["loaded"] is True
        for states in story.states:
            if cpu_cell(0) in states:
                nested.add(tuple(frame.kind for frame in states[cpu_cell(0)].frames))
        assert story.execution.cells[world.kernel.preempt_count.each[0].cell] == 1, "the idle task's"
    assert (Kind.TASK, Kind.HARDIRQ, Kind.NMI) in nested
    assert (Kind.TASK, Kind.NMI, Kind.MCE) in nested or (Kind.TASK, Kind.MCE, Kind.NMI) in nested
    assert task.name == "task"


# Preemption, and handlers that use the FPU.


@pytest.mark.trio
async def test_preemption_is_a_class_of_its_own(tell, before_message):
    world = one_task(busy_task, preemption=1)
    assert classes(world) == {"preemption"}
    story = await tell(world, before_message("timer0", "task", "nop"))
    assert "set TIF_NEED_RESCHED of task" in story.of("timer0")


@pytest.mark.trio
async def test_a_handler_uses_the_fpu_where_it_may(tell, before_message):
    world = one_task(xmm_task, 7, fpu=1)
    assert classes(world) == {"FPU interrupt"}
    story = await tell(world, before_message("fpuirq0", "task", "nop"))
    assert f"movq xmm0 {KERNEL_VALUE:#x}" in story.of("fpuirq0")
    assert story.labels("task")["found"] is True


async def computes(cpu):
    await cpu.syscall()
    await use_fpu(cpu)
    await cpu.iret()


@pytest.mark.trio
async def test_and_does_without_it_inside_the_kernels_own_use(tell, before_message):
    world = one_task(computes, fpu=1)
    story = await tell(world, before_message("fpuirq0", "task", "movq"))
    assert f"movq xmm0 {KERNEL_VALUE:#x}" not in story.of("fpuirq0")
    assert "warning" not in story.labels("task")


async def closed(cpu):
    await cpu.syscall()
    await preempt_disable(cpu)
    await cpu.xgetbv()
    await preempt_enable(cpu)
    await cpu.iret()


@pytest.mark.trio
async def test_a_preemption_inside_a_closed_window_waits_until_it_opens(tell, before_message):
    world = Machine()
    world.host_task(closed, name="task")
    world.host_task(busy_task, name="busy")
    world.interrupts(preemption=1)
    texts = (await tell(world, before_message("timer0", "task", "xgetbv"))).of("task")
    assert "switch_to busy" not in texts[: texts.index("this_cpu add preempt_count -1")]
    assert "switch_to busy" in texts


@pytest.mark.parametrize("kind", ["external", "preemption", "fpu", "nmi", "mce"])
def test_a_budget_below_zero_is_refused(kind):
    with pytest.raises(ModelError, match="a budget of -1"):
        one_task(busy_task, **{kind: -1})


@pytest.mark.trio
@pytest.mark.parametrize(("kind", "vector"), [("nmi", Vector.NMI), ("mce", Vector.MC)])
async def test_out_of_a_guest_it_is_delivered_before_the_hosts_next_instruction(
    tell, before_message, kind, vector
):
    world = Machine()
    guest = world.guest(amx_guest, TILEDATA, b"\x55" * 1024, dynamic_features=TILEDATA, name="guest")
    world.vcpu_thread(guest, FULL, name="vcpu")
    world.interrupts(**{kind: 1})
    story = await tell(world, before_message(f"{kind}0", "guest", "ldtilecfg"))
    names = [name for name, *_ in story.steps]
    left = names.index(f"{kind}0")
    assert names[left : left + 6] == [f"{kind}0"] * 6, "the exit, and the whole of the handler"
    assert story.steps[left + 6][2] == VmExit(ExitReason.EXCEPTION_OR_NMI, vector=vector)
    assert story.labels("guest")["loaded"] is True
    assert story.execution.ending == "finished"
