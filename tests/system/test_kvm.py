"""vcpu_run beside the mail: each form sends exactly the mail's lines, in the mail's order."""

import pytest

from actors.machine.model import HYPOTHETICAL, TILEDATA
from actors.machine.state import cpu_cell
from actors.runtime import set_label
from actors.runtime.errors import ModelError
from actors.system import kvm
from actors.system.guest import amx_guest
from actors.system.kvm import FORMS, FULL, MSR_LISTS, NONE, NOT_LOADED, NOT_RESTORED, XFD, Swap, Vcpu, form
from actors.system.machine import Machine
from protocol.handles import Program
from protocol.instructions import MsrArea, MsrEntry
from protocol.registers import Msr

MAIL = """
    wrmsrl(XFD, guest->xfd)
    wrmsrl(XFD_ERR, guest->xfd_err)
    vmenter()
    guest->xfd_err = rdmsrl(XFD_ERR)
    guest->xfd = rdmsrl(XFD)
    wrmsrl(XFD_ERR, 0)
    wrmsrl(XFD, host->xfd)
"""
"""The second pseudo-code of the design mail, word for word; the first lacks the lines with XFD_ERR."""

LINES = [line.strip() for line in MAIL.strip().splitlines()]
FIRST = [line for line in LINES if "XFD_ERR" not in line]
GUEST_XFD, GUEST_XFD_ERR, HOST_XFD = "guest->xfd", "guest->xfd_err", "host->xfd"
BETWEEN = {"cli", "sti", "nop"}


async def halts(cpu):
    await cpu.hlt()


async def idles(cpu, count):
    for _ in range(count):
        await cpu.nop()
    await cpu.hlt()


def machine(swap, code=halts, *args, window="closed", features=TILEDATA, irq=0, **choices):
    world = Machine(**choices)
    guest = world.guest(code, *args, dynamic_features=features, name="guest")
    world.vcpu_thread(guest, swap, window=window, name="vcpu")
    world.interrupts(external=irq)
    return world


def as_in_the_mail(story):
    """The thread's instructions up to the end of its first vcpu_run, as lines of the mail."""
    lines, loaded, read = [], "", ""
    for text in story.of("vcpu"):
        words = text.split()
        if words[0] == "load":
            loaded = words[1].replace("vcpu->fpstate[0x40000].xfd", HOST_XFD)
        elif words[0] == "wrmsr":
            lines.append(f"wrmsrl({words[1]}, {loaded or '0'})")
            loaded = ""
        elif words[0] == "vmenter":
            lines.append("vmenter()")
        elif words[0] == "rdmsr":
            read = words[1]
        elif words[0] == "store":
            lines.append(f"{words[1]} = rdmsrl({read})")
        elif words[0] == "sti" and "vmenter()" in lines:
            break
    return lines


@pytest.mark.trio
@pytest.mark.parametrize("cpu", ["sapphire_rapids", "mail_2021"])
@pytest.mark.parametrize(
    ("swap", "lines"),
    [
        pytest.param(NONE, ["vmenter()"], id="none"),
        pytest.param(XFD, FIRST, id="xfd, the mail's first form"),
        pytest.param(FULL, LINES, id="full, the mail's second form"),
        pytest.param(NOT_RESTORED, LINES[:-1], id="not restored"),
        pytest.param(NOT_LOADED, LINES[1:], id="not loaded"),
        pytest.param(MSR_LISTS, ["vmenter()"], id="msr lists need no WRMSR"),
    ],
)
async def test_each_form_is_the_mails_lines_in_the_mails_order(tell, swap, lines, cpu):
    story = await tell(machine(swap, cpu=cpu))
    assert as_in_the_mail(story) == lines


def test_the_module_quotes_the_mail_that_it_follows():
    quoted = [line.strip() for line in kvm.__doc__.splitlines()]
    assert [line for line in quoted if line in LINES] == LINES


@pytest.mark.parametrize("name", ["none", "xfd", "full", "msr_lists"])
def test_most_forms_do_not_ask_what_the_guest_has(name):
    assert form(name, 0) == form(name, TILEDATA) == FORMS[name]


@pytest.mark.parametrize(("features", "swap"), [(0, NONE), (TILEDATA, FULL), (HYPOTHETICAL, FULL)])
def test_the_conditional_form_is_full_for_a_guest_with_a_dynamic_feature_and_none_without(features, swap):
    assert form("conditional", features) == swap


def test_the_forms_differ_in_the_lines_that_they_are_named_for():
    assert Swap() == NONE
    assert [name for name, swap in FORMS.items() if swap.clear_xfd_err] == ["full", "conditional"]
    assert {NOT_RESTORED, NOT_LOADED, XFD, FULL, NONE, MSR_LISTS} == {
        *FORMS.values(),
        NOT_RESTORED,
        NOT_LOADED,
    }


@pytest.mark.trio
async def test_the_swap_and_the_entry_are_one_block_with_interrupts_off(tell):
    texts = (await tell(machine(FULL))).of("vcpu")
    start, end = texts.index("cli"), texts.index("sti")
    assert "vmenter guest" in texts[start:end]
    assert [text for text in texts[:start] + texts[end:] if "XFD" in text] == []


@pytest.mark.trio
@pytest.mark.parametrize(("window", "counts"), [("irqs_on", 1), ("preemptible", 0)])
async def test_an_open_window_does_the_hosts_half_of_the_swap_with_interrupts_on(tell, window, counts):
    story = await tell(machine(FULL, window=window))
    assert as_in_the_mail_without_a_block(story) == LINES
    texts = story.of("vcpu")
    entry = texts.index("vmenter guest")
    assert "cli" in texts[:entry]
    assert texts[entry : entry + 4] == ["vmenter guest", "vmread exit reason of guest", "sti", "nop"]
    assert "rdmsr XFD_ERR" in texts[entry + 4 :]
    assert texts[:entry].count("this_cpu add preempt_count 1") == counts
    assert texts.count("this_cpu add preempt_count -1") == counts


def as_in_the_mail_without_a_block(story):
    """As above, over a thread whose STI stands before its swap back."""
    copy = type(story)()
    copy.steps = [step for step in story.steps if step[3] not in BETWEEN]
    return as_in_the_mail(copy)


@pytest.mark.trio
async def test_what_the_guest_left_is_saved_given_back_and_hidden_from_the_host(tell, before_message):
    world = machine(FULL, amx_guest, TILEDATA, b"\x55" * 1024, irq=1)
    story = await tell(world, before_message("irq0", "guest", "rdmsr XFD_ERR"))
    written = [text for text in story.of("vcpu") if text.startswith(("wrmsr", "store guest"))]
    assert written == [
        "wrmsr XFD 0x0",
        "wrmsr XFD_ERR 0x0",
        "store guest->xfd_err 0x40000",
        "store guest->xfd 0x40000",
        "wrmsr XFD_ERR 0x0",
        "wrmsr XFD 0x0",
        "wrmsr XFD 0x40000",
        "wrmsr XFD_ERR 0x40000",
        "store guest->xfd_err 0",
        "store guest->xfd 0",
        "wrmsr XFD_ERR 0x0",
        "wrmsr XFD 0x0",
    ]
    assert story.labels("guest")["loaded"] is True


@pytest.mark.trio
async def test_the_hosts_xfd_is_that_of_the_threads_own_fpstate(tell):
    world = machine(FULL, cpu="mail_2021", features=TILEDATA)
    story = await tell(world)
    written = [text for text in story.of("vcpu") if text.startswith("wrmsr XFD ")]
    assert written == ["wrmsr XFD 0x0", f"wrmsr XFD {HYPOTHETICAL:#x}"], "it has no permission for bit 19"


@pytest.mark.trio
async def test_the_msr_lists_swap_both_registers_at_entry_and_exit(tell, before_message):
    world = machine(MSR_LISTS, amx_guest, TILEDATA, b"\x55" * 1024, irq=1)
    story = await tell(world, before_message("irq0", "guest", "rdmsr XFD_ERR"))
    assert not [text for text in story.of("vcpu") if text.startswith(("wrmsr", "rdmsr"))]
    assert story.labels("guest")["loaded"] is True
    left = story.execution.cells[Vcpu("guest", Program("guest"), 0).vmx.guest_msrs]
    assert left == MsrArea((MsrEntry(Msr.XFD, 0), MsrEntry(Msr.XFD_ERR, 0)))
    assert story.execution.read(world.kernel.xfd_state.each[0].cell) == 0


@pytest.mark.trio
async def test_the_thread_enters_again_after_an_interrupt_and_ends_when_the_guest_halts(tell, when):
    world = machine(NONE, idles, 4, irq=2)
    story = await tell(world, when("irq0", lambda execution: execution.cells[cpu_cell(0)].in_guest))
    texts = story.of("vcpu")
    assert texts.count("vmenter guest") == 3
    again = texts.index("vmenter guest", texts.index("vmenter guest") + 1)
    assert texts[again - 3 : again] == ["read the flags of vcpu", "cli", "read the flags of vcpu"], (
        "vcpu_run's own preemption point, and whether the state is to be loaded"
    )
    assert story.execution.ending == "finished"


async def sets_xcr0(cpu):
    set_label("tried")
    await cpu.xsetbv(0b11)


@pytest.mark.trio
async def test_an_exit_that_nobody_handles_is_said_so(tell):
    story = await tell(machine(FULL, sets_xcr0))
    assert story.failure.type == "RuntimeError"
    assert "exit XSETBV has no handler" in story.failure.text


@pytest.mark.trio
async def test_a_failed_entry_is_said_so(tell):
    world = machine(NONE)
    world.cells[Vcpu("guest", Program("guest"), 0).vmx.guest_msrs] = MsrArea((MsrEntry(Msr.XFD, 1),))
    story = await tell(world)
    assert "VM-entry failed" in story.failure.text
    assert story.of("guest") == []


def test_one_vcpu_has_one_thread():
    world = Machine(cpus=2)
    guest, other = (
        world.guest(idles, 3, dynamic_features=TILEDATA, name=name) for name in ("guest", "other")
    )
    world.vcpu_thread(guest, FULL, name="vcpu")
    world.vcpu_thread(other, FULL, name="vcpu2")
    with pytest.raises(ModelError, match="guest is run by a thread already, and KVM_RUN holds vcpu->mutex"):
        world.vcpu_thread(guest, FULL, cpu=1, name="vcpu3")
