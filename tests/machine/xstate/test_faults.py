"""The faults that saves and restores have in common: each, and which of two comes first."""

import itertools

import pytest

from actors.machine.xstate.components import COMPACTED
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.description import Description
from actors.machine.xstate.environment import KERNEL, Environment, Operand, Pages
from actors.machine.xstate.faults import page_fault, static
from actors.machine.xstate.presets import SAPPHIRE_RAPIDS
from actors.machine.xstate.registers import XState
from actors.machine.xstate.restore import restore
from actors.machine.xstate.save import SAVES, save
from protocol.handles import Cell
from protocol.instructions import XsaveArea
from protocol.registers import Vector

ALL = (*SAVES, "xrstor", "xrstors")
PRIVILEGED = ("xsaves", "xrstors")
EMPTY = XsaveArea(0, COMPACTED)
every = pytest.mark.parametrize("name", ALL)


def run(name, operand=None, environment=KERNEL, cpu=SAPPHIRE_RAPIDS):
    execute = save if name in SAVES else restore
    operand = Operand(EMPTY, 0) if operand is None else operand
    return execute(name, XState(xcr0=7), 7, operand, environment, CpuModel(cpu))


@every
def test_none_of_them_faults_without_a_reason(name):
    assert run(name).fault is None


@every
@pytest.mark.parametrize("encoding", ["lock", "66", "reg"])
def test_an_encoding_that_is_none_is_undefined(name, encoding):
    assert run(name, Operand(EMPTY, 0, encoding=encoding)).fault.vector is Vector.UD


@every
def test_without_osxsave_they_are_undefined(name):
    assert run(name, environment=Environment(osxsave=False)).fault.vector is Vector.UD


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("xsaveopt", {"xsaveopt": False}),
        ("xsavec", {"xsavec": False, "xsaves": False}),
        ("xsaves", {"xsaves": False}),
        ("xrstors", {"xsaves": False}),
    ],
)
def test_what_cpuid_does_not_enumerate_is_undefined(name, missing):
    assert run(name, cpu=Description("old", (), **missing)).fault.vector is Vector.UD


@every
def test_in_a_guest_the_supervisor_forms_need_their_control(name):
    guest = Environment(non_root=True, enable_xsaves=False)
    vector = Vector.UD if name in PRIVILEGED else None
    assert getattr(run(name, environment=guest).fault, "vector", None) == vector
    assert run(name, environment=Environment(enable_xsaves=False)).fault is None, "it counts in guests alone"


@every
def test_cr0_ts_is_nm_and_leaves_xfd_err_alone(name):
    result = run(name, environment=Environment(ts=True))
    assert result.fault.vector is Vector.NM
    assert result.state.xfd_err == 0


@every
@pytest.mark.parametrize("cpl", [1, 2, 3])
def test_the_supervisor_forms_are_for_cpl_0(name, cpl):
    fault = run(name, environment=Environment(cpl=cpl)).fault
    assert (fault is not None) == (name in PRIVILEGED)
    assert fault is None or (fault.vector, fault.error_code) == (Vector.GP, 0)


@every
@pytest.mark.parametrize("address", [1, 8, 32, 63, 65])
def test_a_misaligned_area_is_gp(name, address):
    fault = run(name, Operand(EMPTY, address)).fault
    assert (fault.vector, fault.error_code) == (Vector.GP, 0)


@every
@pytest.mark.parametrize("address", [Cell("area"), None, 128])
def test_cells_and_areas_without_an_address_are_aligned(name, address):
    assert run(name, Operand(EMPTY, address)).fault is None


CONDITIONS = [
    ("the encoding", {"encoding": "lock"}, {}),
    ("CR4.OSXSAVE", {}, {"osxsave": False}),
    ("VM-execution control", {}, {"non_root": True, "enable_xsaves": False}),
    ("CR0.TS", {}, {"ts": True}),
    ("CPL", {}, {"cpl": 3}),
    ("64-byte", {"address": 8}, {}),
]


@pytest.mark.parametrize("name", PRIVILEGED)
@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(range(len(CONDITIONS)), 2)))
def test_of_two_faults_the_earlier_one_is_raised(name, first, second):
    operand, environment = {"address": 0}, {}
    for at in (second, first):
        operand |= CONDITIONS[at][1]
        environment |= CONDITIONS[at][2]
    fault = run(name, Operand(EMPTY, **operand), Environment(**environment)).fault
    assert CONDITIONS[first][0] in fault.why


def test_the_common_faults_come_before_those_of_the_header():
    bad = XsaveArea(1 << 62, 0)
    assert run("xrstors", Operand(bad, 0), Environment(ts=True)).fault.vector is Vector.NM
    assert "64-byte" in run("xrstors", Operand(bad, 8)).fault.why


def test_static_faults_depend_on_no_memory():
    assert static("xsave", "", KERNEL, SAPPHIRE_RAPIDS) is None


# Page faults.


@pytest.mark.parametrize(
    ("pages", "write", "cpl", "code", "offset"),
    [
        (Pages(absent=((100, 200),)), False, 0, 0, 100),
        (Pages(absent=((100, 200),)), True, 0, 2, 100),
        (Pages(absent=((0, 50),)), True, 3, 6, 10),
        (Pages(read_only=((0, 4096),)), True, 3, 7, 10),
        (Pages(read_only=((0, 4096),)), False, 3, None, None),
        (Pages(absent=((110, 200),)), True, 0, None, None),
        (Pages(absent=((0, 10),)), True, 0, None, None),
        (Pages(read_only=((20, 30),), absent=((40, 50),)), True, 0, 2, 40),
        (None, True, 0, None, None),
    ],
)
def test_a_page_fault_tells_what_was_wrong_and_where(pages, write, cpl, code, offset):
    fault = page_fault(pages, ((10, 100),), Environment(cpl=cpl), write=write)
    if code is None:
        assert fault is None
    else:
        assert (fault.vector, fault.error_code, fault.offset) == (Vector.PF, code, offset)


def test_the_parts_are_probed_in_the_order_given():
    pages = Pages(absent=((0, 10_000),))
    assert page_fault(pages, ((600, 8), (0, 8)), KERNEL, write=False).offset == 600
