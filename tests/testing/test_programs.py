"""Programs of guests and host tasks that Hypothesis draws: valid, carried out as they stand, and good for finding faults."""

import random

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from actors.machine.model import TILEDATA
from actors.runtime import Label
from actors.system import Machine
from actors.system.invariants import host_if_set, unset, xfd_err_clear
from actors.system.kvm import FULL, XFD
from actors.testing import (
    InKernel,
    InterruptsOff,
    PreemptOff,
    Reschedule,
    guest_code,
    guest_programs,
    host_code,
    host_programs,
    schedules,
)
from protocol import instructions as op
from protocol.registers import Component, Msr
from protocol.replies import Done, Value

FEW = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
CPUS = ("sapphire_rapids", "mail_2021")
HYGIENE = "XFD_ERR is clear on the host"


def machine(guest, host, swap, *, cpu="sapphire_rapids", external=1):
    """A guest and a host task that may use all that there is, on one CPU."""
    world = Machine(cpus=1, cpu=cpu)
    dynamic = world.cpu_model.xfd_capable
    vcpu = world.guest(guest_code, guest, dynamic_features=dynamic, name="guest")
    world.vcpu_thread(vcpu, swap, name="vcpu")
    task = world.host_task(host_code, host, perm=dynamic, name="task")
    world.interrupts(external=external)
    world.always(HYGIENE, xfd_err_clear, at=host_if_set, kind="hygiene")
    world.always("the guest lives", unset, vcpu.guest.label("oops"))
    world.always("the task lives", unset, task.label("signal"))
    return world


def default_run(world):
    """Return the execution in which everybody runs as long as possible."""
    return find(schedules(world), lambda _: True, settings=FEW)


@pytest.mark.parametrize("cpu", CPUS)
def test_the_right_swap_holds_whatever_guest_and_host_do(cpu):
    """And no instruction faults but by what is asked about, or somebody would die of it."""

    @FEW
    @given(guest_programs(cpu), host_programs(cpu), st.data())
    def test(guest, host, data):
        run = data.draw(schedules(machine(guest, host, FULL, cpu=cpu)))
        run.check()
        assert run.verdict == "not found"
        assert len(run[Label("guest", "replies")]) == len(guest)

    test()


@st.composite
def swapped(draw, swap, conditions):
    guest, host = draw(guest_programs()), draw(host_programs())
    return guest, host, draw(schedules(machine(guest, host, swap), conditions=conditions))


def test_the_wrong_swap_is_found_out_by_the_smallest_program():
    """A guest that writes XFD_ERR and halts is enough, and no host task and no interrupt is needed."""
    wanted = settings(FEW, max_examples=1000, database=None)
    guest, host, run = find(
        swapped(XFD, HYGIENE), lambda one: bool(one[2].violated), settings=wanted, random=random.Random(3)
    )
    assert (guest, host) == ((op.Wrmsr(Msr.XFD_ERR, TILEDATA),), ())
    assert run.violated == (HYGIENE,)
    assert "irq0" not in run.programs
    assert run.recorded.names == (HYGIENE,)


@FEW
@given(guest_programs("mail_2021"), host_programs("mail_2021"), st.data())
def test_the_drivers_agree_on_what_machines_do(guest, host, data):
    run = data.draw(schedules(machine(guest, host, XFD, cpu="mail_2021")))
    recorded = run.recorded
    assert recorded.names == run.violated
    assert [step.program for step in recorded.record.steps] == list(run.programs)
    assert [step.outcome for step in recorded.record.steps] == [one.outcome for one in run.taken]


# How they are drawn.


def instructions(code):
    """Return all instructions of a program, those in blocks too."""
    for one in code:
        yield from instructions(one.code) if hasattr(one, "code") else (one,)


@given(guest_programs("mail_2021"))
def test_an_instruction_on_tiles_has_a_configuration_before_it(code):
    configured = False
    for one in code:
        if isinstance(one, op.Ldtilecfg):
            configured = True
        elif isinstance(one, op.Tilerelease):
            configured = False
        elif isinstance(one, op.Tilezero | op.Tileloadd | op.Tilestored | op.Tdpbssd):
            assert configured


@pytest.mark.parametrize("cpu", CPUS)
@settings(deadline=None)
@given(data=st.data())
def test_only_what_the_cpu_has_is_used(cpu, data):
    """Of XFD-capable components the mail's CPU has two."""
    allowed = {0, 1 << 18} if cpu == "sapphire_rapids" else {0, 1 << 18, 1 << 19, 3 << 18}
    code = (*data.draw(guest_programs(cpu)), *instructions(data.draw(host_programs(cpu))))
    assert {one.value for one in code if isinstance(one, op.Wrmsr)} <= allowed
    assert cpu == "mail_2021" or not any(isinstance(one, op.Touch) for one in code)


def test_the_second_component_is_used_where_there_is_one():
    touch = op.Touch(Component.APX, b"\1")
    assert find(guest_programs("mail_2021"), lambda code: touch in code) == (touch,)
    assert find(host_programs("mail_2021"), lambda code: touch in code) == (touch,)


def test_they_shrink_to_few_instructions():
    assert find(guest_programs(), lambda _: True) == ()
    assert find(host_programs(), lambda _: True) == ()
    multiply = op.Tdpbssd(0, 1, 2)
    assert find(guest_programs(), lambda code: code.count(op.Sti()) == 2) == (op.Sti(), op.Sti())
    assert find(guest_programs(), lambda code: multiply in code)[1:] == (multiply,)
    found = find(host_programs(), lambda code: any(map(switches, code)))
    assert found == (InKernel((Reschedule(),)),)
    found = find(host_programs(), lambda code: InterruptsOff() in preempt_off(code))
    assert found == (InKernel((PreemptOff((InterruptsOff(),)),)),)


def switches(one):
    return isinstance(one, InKernel) and any(isinstance(inner, Reschedule) for inner in one.code)


def preempt_off(code):
    for one in code:
        for inner in one.code if isinstance(one, InKernel) else ():
            yield from inner.code if isinstance(inner, PreemptOff) else ()


# How they are carried out.


def test_a_guest_says_what_its_instructions_replied():
    code = (op.Wrmsr(Msr.XFD, TILEDATA), op.Rdmsr(Msr.XFD), op.Rdmsr(Msr.XFD_ERR))
    run = default_run(machine(code, (), FULL))
    assert run[Label("guest", "replies")] == (Done(), Value(TILEDATA), Value(0))


def test_a_guest_that_sets_cr0_ts_takes_its_own_nm():
    (config,) = find(guest_programs(), lambda code: len(code) == 1 and isinstance(code[0], op.Ldtilecfg))
    code = (op.MovCr0Ts(ts=True), config, op.Tilezero(0), op.MovFromCr0())
    run = default_run(machine(code, (), FULL))
    assert run.violated == ()
    assert run[Label("guest", "replies")] == (Done(), Done(), Done(), Value(0))


def test_a_guest_that_dies_says_nothing():
    run = default_run(machine((op.Tilezero(0),), (), FULL))  # no configuration: #UD
    assert run.violated == ("the guest lives",)
    assert run[Label("guest", "replies")] is None


def sent(run, program):
    """Return what a program sent, from its first instruction in user mode to its last."""
    names = [
        type(getattr(one.message, "message", one.message)).__name__
        for one in run.taken
        if one.program == program
    ]
    return names[names.index("Iret") + 1 :]


def test_blocks_are_carried_out_as_the_kernel_does():
    world = Machine(cpus=1)
    code = (
        op.Xgetbv(),
        InKernel(
            (
                PreemptOff((op.Nop(), InterruptsOff((op.Rdmsr(Msr.XFD),)))),
                Reschedule(),
                Reschedule(asked=True),
            )
        ),
        op.Nop(),
    )
    world.host_task(host_code, code, name="task")
    run = default_run(world)
    expected = [
        "Xgetbv",
        "Syscall",
        *("FetchAdd", "Nop", "Cli", "Rdmsr", "Sti", "Nop"),
        *("FetchAdd", "Load"),  # preempt_enable() reads the flags
        *(
            "FetchAdd",
            "Cli",
            "Pick",
            "FetchAnd",
            "Sti",
            "FetchAdd",
        ),  # schedule() switches with preemption off
        "Load",
        *("Cli", "Load", "Iret"),  # the way back to user mode
        "Nop",
    ]
    assert sent(run, "task")[: len(expected)] == expected
    assert run.verdict == "not found"


def test_a_task_that_reschedules_lets_another_run():
    world = Machine(cpus=1)
    world.host_task(host_code, (InKernel((Reschedule(),)), op.Nop()), name="first")
    world.host_task(host_code, (op.Nop(),), name="second")
    order = list(dict.fromkeys(default_run(world).programs))
    assert order == ["first", "second"]
    run = default_run(world)
    assert run.programs.index("second") < len(run.programs) - 1 - run.programs[::-1].index("first")
