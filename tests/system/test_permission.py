"""arch_prctl(2): who may use dynamic features, and when that is settled."""

import pytest

from actors.explore.verification import Demand, verify
from actors.machine.model import HYPOTHETICAL, TILEDATA
from actors.runtime import scenario, set_label
from actors.runtime.errors import ModelError
from actors.system.entry.common import syscall
from actors.system.kernel.data import Task
from actors.system.kernel.errno import Errno
from actors.system.machine import Machine
from actors.system.tasks import amx_task, busy_task
from actors.system.xstate.permission import (
    FPU_GUEST_PERM_LOCKED,
    SIGFRAME_BASE,
    ArchPrctl,
    do_sigaltstack,
    fpu_init_guest_permissions,
    fpu_xstate_prctl,
)
from protocol.handles import Program

REQ, REQ_GUEST = ArchPrctl.ARCH_REQ_XCOMP_PERM, ArchPrctl.ARCH_REQ_XCOMP_GUEST_PERM
GET, GET_GUEST = ArchPrctl.ARCH_GET_XCOMP_PERM, ArchPrctl.ARCH_GET_XCOMP_GUEST_PERM
USER = 0x202E7
AMX_FRAME = SIGFRAME_BASE + 11_008


async def asks(cpu, *questions):
    for number, (option, argument) in enumerate(questions):
        set_label(f"answer {number}", await syscall(cpu, fpu_xstate_prctl, option, argument))


def one_process(code, *args, cpu="sapphire_rapids", perm=0, **permissions):
    world = Machine(cpu=cpu)
    task = world.host_task(code, *args, perm=perm, name="task")
    world.permissions(task, **permissions)
    return world


async def answers(tell, *questions, **options):
    story = await tell(one_process(asks, *questions, **options))
    return [story.labels("task")[f"answer {number}"] for number in range(len(questions))], story


@pytest.mark.trio
async def test_permission_is_what_was_asked_for_and_each_kind_by_itself(tell):
    questions = ((GET, 0), (REQ, 18), (GET, 0), (GET_GUEST, 0), (REQ_GUEST, 18), (GET_GUEST, 0))
    found, story = await answers(tell, *questions)
    assert found == [USER, 0, USER | TILEDATA, USER, 0, USER | TILEDATA]
    assert story.execution.cells[Task(Program("task")).siglock.cell] is None


@pytest.mark.trio
@pytest.mark.parametrize("option", [REQ, REQ_GUEST])
@pytest.mark.parametrize(
    ("cpu", "idx", "error"),
    [
        ("sapphire_rapids", 20, Errno.EINVAL),
        ("sapphire_rapids", 64, Errno.EINVAL),
        ("sapphire_rapids", -1, Errno.EINVAL),
        ("sapphire_rapids", 17, Errno.EOPNOTSUPP),
        ("sapphire_rapids", 2, Errno.EOPNOTSUPP),
        ("sapphire_rapids", 19, Errno.EOPNOTSUPP),
        ("mail_2021", 19, 0),
    ],
)
async def test_what_nobody_can_be_given_is_refused_without_a_lock(tell, option, cpu, idx, error):
    found, story = await answers(tell, (option, idx), cpu=cpu)
    assert found == [error]
    assert bool(error) == (not [text for text in story.of("task") if "siglock" in text])


@pytest.mark.trio
async def test_an_option_that_there_is_not_is_invalid_and_what_is_supported_can_be_asked(tell):
    found, _ = await answers(tell, (0x1020, 0), (0x1026, 18), (ArchPrctl.ARCH_GET_XCOMP_SUPP, 0))
    assert found == [Errno.EINVAL, Errno.EINVAL, USER | TILEDATA]


@pytest.mark.trio
async def test_what_is_permitted_already_takes_no_lock(tell):
    found, story = await answers(tell, (REQ, 18), perm=TILEDATA)
    assert found == [0]
    assert not [text for text in story.of("task") if "siglock" in text]


@pytest.mark.trio
async def test_a_request_reads_the_mask_again_under_the_lock(tell):
    _, story = await answers(tell, (REQ, 18))
    texts = story.of("task")
    first = texts.index("load task->fpu.perm")
    assert texts[first : first + 9] == [
        "load task->fpu.perm",
        "cli",
        "task->siglock.acquire",
        "load task->fpu.perm",
        "load task->thread_group",
        "load task->sas_ss_size",
        "store task->fpu.perm 0x40000",
        "task->siglock.release",
        "sti",
    ]


# Alternate signal stacks.


@pytest.mark.trio
@pytest.mark.parametrize(
    ("size", "answer"),
    [(0, 0), (2048, Errno.ENOSPC), (AMX_FRAME - 1, Errno.ENOSPC), (AMX_FRAME, 0), (1 << 16, 0)],
)
async def test_a_signal_stack_has_to_hold_the_larger_frame(tell, size, answer):
    found, story = await answers(tell, (REQ, 18), sigaltstack=size)
    assert found == [answer]
    assert story.execution.cells[Task(Program("task")).perm.cell] == (0 if answer else TILEDATA)


@pytest.mark.trio
async def test_but_not_for_guests(tell):
    found, _ = await answers(tell, (REQ_GUEST, 18), sigaltstack=2048)
    assert found == [0]


async def sets_stack(cpu, size):
    set_label("stack", await syscall(cpu, do_sigaltstack, size))


@pytest.mark.trio
@pytest.mark.parametrize(
    ("perm", "size", "error"),
    [
        (0, 2048, None),
        (TILEDATA, 2048, Errno.ENOMEM),
        (TILEDATA, AMX_FRAME, Errno.ENOMEM),
        (TILEDATA, AMX_FRAME + 1, None),
    ],
)
async def test_with_the_permission_a_small_stack_is_refused(tell, perm, size, error):
    story = await tell(one_process(sets_stack, size, perm=perm))
    assert story.labels("task").get("stack") is error
    assert story.execution.cells[Task(Program("task")).sas_ss_size.cell] == (0 if error else size)


@scenario()
def stack_or_permission() -> Machine:
    """Can a process have both the permission and a stack that is too small for it?

    One thread asks for the permission while another sets its stack: each looks at what the other has done, under siglock.
    """
    world = Machine(cpus=2)
    leader = world.host_task(asks, (REQ, 18), name="leader")
    world.permissions(leader)
    thread = world.host_task(sets_stack, 2048, cpu=1, leader=leader, name="thread")
    both = (Task(leader).perm, Task(thread).sas_ss_size)
    world.always("never both", lambda perm, size: not (perm and size), *both)
    world.sometimes("the permission", bool, both[0])
    world.sometimes("the stack", bool, both[1])
    world.sometimes("ENOSPC", lambda answer: answer is Errno.ENOSPC, leader.label("answer 0"))
    world.sometimes("ENOMEM", lambda answer: answer is Errno.ENOMEM, thread.label("stack"))
    return world


def test_permission_and_stacks_look_at_each_other_under_siglock():
    assert verify(stack_or_permission, {}, Demand()).verdict == "proved"


# Threads.


@pytest.mark.trio
async def test_the_nm_of_one_thread_reads_no_permission_that_another_changes_just_now(sample):
    world = Machine(cpus=2)
    leader = world.host_task(asks, (REQ, 18), name="leader")
    world.permissions(leader)
    world.host_task(amx_task, b"\x55" * 1024, cpu=1, leader=leader, name="thread")
    ends = set()
    for story in await sample(world, 80):
        assert story.execution.violation is None
        holder = None
        for name, _, _, text in story.steps:
            if text == "leader->siglock.acquire":
                assert holder is None
                holder = name
            elif text == "leader->siglock.release":
                holder = None
            elif name == "thread" and text == "load leader->fpu.perm":
                assert holder == "thread"
        ends.add(story.labels("thread").get("signal"))
    assert ends == {None, "SIGILL"}


@pytest.mark.trio
async def test_threads_share_the_permission_of_their_process(tell):
    world = Machine(cpus=2)
    leader = world.host_task(asks, (REQ, 18), name="leader")
    world.permissions(leader)
    world.host_task(amx_task, b"\x55" * 1024, leader=leader, name="thread")
    world.host_task(amx_task, b"\x55" * 1024, cpu=1, name="stranger")
    story = await tell(world)
    assert story.labels("thread")["loaded"] is True
    assert story.labels("stranger")["signal"] == "SIGILL"


# Guests.


async def makes_a_vcpu(cpu):
    set_label("guest may", await syscall(cpu, fpu_init_guest_permissions))
    set_label("late", await syscall(cpu, fpu_xstate_prctl, REQ_GUEST, 18))
    set_label("own", await syscall(cpu, fpu_xstate_prctl, REQ, 18))
    set_label("permitted", await syscall(cpu, fpu_xstate_prctl, GET_GUEST, 0))


@pytest.mark.trio
@pytest.mark.parametrize(("guest", "late"), [(0, Errno.EBUSY), (TILEDATA, 0)])
async def test_the_first_vcpu_locks_the_permission_of_guests_and_not_ones_own(tell, guest, late):
    story = await tell(one_process(makes_a_vcpu, guest=guest))
    assert story.labels("task") == {
        "guest may": guest,
        "late": late,
        "own": 0,
        "permitted": USER | guest,
    }
    left = story.execution.cells[Task(Program("task")).guest_perm.cell]
    assert left == guest | FPU_GUEST_PERM_LOCKED


async def makes_one_vcpu(cpu):
    set_label("guest may", await syscall(cpu, fpu_init_guest_permissions))


@scenario()
def vcpu_or_permission() -> Machine:
    """Can a vCPU be made with less than its process is permitted for guests?

    One thread makes a vCPU while another asks: whoever is first under siglock decides.
    """
    world = Machine(cpus=2)
    leader = world.host_task(makes_one_vcpu, name="leader")
    world.permissions(leader)
    other = world.host_task(asks, (REQ_GUEST, 18), cpu=1, leader=leader, name="thread")
    world.always(
        "the vCPU has what its process has",
        lambda perm, made: made is None or made == perm & ~FPU_GUEST_PERM_LOCKED,
        Task(leader).guest_perm,
        leader.label("guest may"),
    )
    world.sometimes("EBUSY", lambda answer: answer is Errno.EBUSY, other.label("answer 0"))
    world.sometimes("granted", lambda answer: answer == 0 and answer is not None, other.label("answer 0"))
    return world


def test_a_vcpu_has_what_its_process_is_permitted_for_guests():
    assert verify(vcpu_or_permission, {}, Demand()).verdict == "proved"


# Refused.


@pytest.mark.parametrize("what", ["perm", "buffer"])
def test_a_feature_that_is_not_dynamic_cannot_be_permitted(what):
    with pytest.raises(ModelError, match=f"{what}=0x{HYPOTHETICAL:x} names features that are not dynamic"):
        Machine().host_task(busy_task, **{what: HYPOTHETICAL})


def test_nor_to_guests():
    world = Machine()
    task = world.host_task(busy_task)
    with pytest.raises(
        ModelError, match="guest=0x4 names features that are not dynamic; on this CPU there are 0x40000"
    ):
        world.permissions(task, guest=4)


def test_a_thread_needs_a_process_that_can_be_shared():
    world = Machine()
    task = world.host_task(busy_task, name="task")
    with pytest.raises(ModelError, match="thread is a thread of task, which has no permissions"):
        world.host_task(busy_task, leader=task, name="thread")
    with pytest.raises(ModelError, match="kthread is no process of this machine"):
        world.permissions(world.kernel_thread(busy_task, name="kthread"))
