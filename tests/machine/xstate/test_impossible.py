"""What is refused as a CPU, rule by rule, and what is merely unusual, exists and works."""

import msgspec
import pytest

from actors.machine.xstate import area as images
from actors.machine.xstate import presets as p
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.description import Description, ImpossibleCpu, StateComponent, facts
from actors.machine.xstate.environment import KERNEL, Operand
from actors.machine.xstate.impossible import LARGEST_AREA, RULES
from actors.machine.xstate.registers import XState
from actors.machine.xstate.restore import restore
from actors.machine.xstate.save import save
from actors.machine.xstate.tile_config import config
from actors.runtime.errors import VmraceError
from protocol.instructions import XsaveArea

ALL = 2**64 - 1
VECTORS = (p.AVX, p.OPMASK, p.ZMM_HI256, p.HI16_ZMM)


def changed(component, **fields):
    return msgspec.structs.replace(component, **fields)


GIB = 1 << 30
IMPOSSIBLE = [
    ("its components are a tuple of StateComponent, not list", {"components": []}),
    ("its components are StateComponent each, not 'AVX'", {"components": ("AVX",)}),
    (
        "component '2': number, size and offset are whole numbers, not '2'",
        {"components": (StateComponent("2", 256, 576),)},
    ),
    ("not 64.0", {"components": (StateComponent(20, 64.0, 5000),)}),
    ("not None", {"components": (StateComponent(20, 64, None),)}),
    ("component 0 (X87) cannot be disabled by XFD", {"components": (StateComponent(0, 160, xfd=True),)}),
    ("component 1 (SSE) lies in the legacy region", {"components": (StateComponent(1, 256, 600),)}),
    ("component 63: a bitmap has components 2 to 62", {"components": (StateComponent(63, 8, 5000),)}),
    ("component -1: a bitmap has components 2 to 62", {"components": (StateComponent(-1, 8, 5000),)}),
    ("(AVX) is described twice", {"components": (p.AVX, p.AVX)}),
    ("component 40 has no bytes", {"components": (StateComponent(40, 0, 5000),)}),
    ("component 40 has no bytes", {"components": (StateComponent(40, -8, 5000),)}),
    ("has 4294967296 bytes, and CPUID", {"components": (StateComponent(40, 4 * GIB, 5000),)}),
    ("has 4294967296 bytes, and CPUID", {"components": (StateComponent(40, 4 * GIB, supervisor=True),)}),
    ("(AVX) has 256 bytes, not 255", {"components": (changed(p.AVX, size=255),)}),
    ("(TILEDATA) has 8192 bytes", {"components": (p.TILECFG, changed(p.TILEDATA, size=4096))}),
    ("(PKRU) has at least 4 bytes, not 3", {"components": (changed(p.PKRU, size=3),)}),
    ("(BNDCSR) has at least 16 bytes", {"components": (p.BNDREGS, changed(p.BNDCSR, size=8))}),
    ("(PT) has at least 72 bytes", {"components": (changed(p.PT, size=64),)}),
    ("(LBR) has at least 808 bytes", {"components": (changed(p.LBR, size=800),)}),
    ("(AVX) is user state", {"components": (changed(p.AVX, supervisor=True, offset=0),)}),
    ("XCR0 has no bit for it", {"components": (StateComponent(11, 16, 5000),)}),
    ("no place for", {"components": (changed(p.CET_U, offset=5000),)}),
    ("lies in the legacy region or the header", {"components": (changed(p.AVX, offset=575),)}),
    ("lies in the legacy region or the header", {"components": (changed(p.AVX, offset=-576),)}),
    ("ends at 4294967296, and CPUID", {"components": (StateComponent(40, 64, 4 * GIB - 64),)}),
    ("overlap", {"components": (*VECTORS, StateComponent(40, 8, 1152 + 511))}),
    ("overlap", {"components": (*VECTORS, StateComponent(19, 128, 1024))}),
    ("XSAVES without XSAVEC", {"components": (), "xsavec": False}),
    ("XFD without XSAVES (Linux", {"components": (), "xsaves": False, "xfd": True}),
    ("there is no XSAVES", {"components": (p.CET_U,), "xsaves": False}),
    ("EAX[4] = 0", {"components": (p.TILECFG, p.TILEDATA_XFD)}),
    ("which XFD does not disable", {"components": (changed(p.PASID, xfd=True),), "xfd": True}),
    ("(AVX) is XFD-capable, and no source", {"components": (changed(p.AVX, xfd=True),), "xfd": True}),
    ("(PKRU) is XFD-capable, and no source", {"components": (changed(p.PKRU, xfd=True),), "xfd": True}),
    ("MPX state lacks component 4 (BNDCSR)", {"components": (p.BNDREGS,)}),
    ("AVX-512 state lacks component 6", {"components": (p.AVX, p.OPMASK, p.HI16_ZMM)}),
    ("AMX state lacks component 17 (TILECFG)", {"components": (p.TILEDATA,)}),
    ("AVX-512 state without AVX state", {"components": VECTORS[1:]}),
    ("52 linear-address bits", {"components": (), "linear_bits": 52}),
    ("MXCSR_MASK 0x1ffff", {"components": (), "mxcsr_mask": 0x1FFFF}),
    ("MXCSR_MASK 0x0", {"components": (), "mxcsr_mask": 0}),
    ("MXCSR_MASK 0xff3f", {"components": (), "mxcsr_mask": 0xFF3F}),
    ("an area of 1048577 bytes", {"components": (StateComponent(40, 1, LARGEST_AREA),)}),
    ("an area of 3146367 bytes", {"components": (StateComponent(40, 3 << 20, supervisor=True),)}),
]


@pytest.mark.parametrize(("reason", "fields"), IMPOSSIBLE)
def test_what_cannot_be_is_refused_with_the_reason(reason, fields):
    with pytest.raises(ImpossibleCpu) as refused:
        Description("mine", **fields)
    text = str(refused.value)
    assert text.startswith("mine cannot exist: ")
    assert text.endswith(f"{refused.value.rule.source})")
    assert reason in text
    assert "\n" not in text
    assert "{" not in text
    assert isinstance(refused.value, VmraceError)
    assert isinstance(refused.value, ValueError)


def test_each_rule_refuses_something_above():
    met = set()
    for _, fields in IMPOSSIBLE:
        try:
            Description("mine", **fields)
        except ImpossibleCpu as refused:
            met.add(refused.rule.reason)
    assert met == {rule.reason for rule in RULES}
    assert len({rule.reason for rule in RULES}) == len(RULES)


# What the manual does not exclude, however unusual: it exists, and works.

UNUSUAL = {
    "an odd offset": (changed(p.AVX, offset=577),),
    "offsets that nothing divides, in descending order": (
        changed(p.AVX, offset=5001),
        changed(p.PKRU, offset=4003),
        StateComponent(62, 13, 577),
    ),
    "a gap in front": (changed(p.AVX, offset=100_000),),
    "tiles that are not aligned": (
        changed(p.TILECFG, align64=False, offset=577),
        changed(p.TILEDATA_XFD, align64=False, offset=650),
    ),
    "a tile configuration that is XFD-capable": (changed(p.TILECFG, xfd=True), p.TILEDATA),
    "AVX that is aligned": (changed(p.AVX, align64=True, offset=1000), p.PKRU),
    "AMX without AVX": (p.TILECFG, p.TILEDATA),
    "PKRU without padding": (changed(p.PKRU, size=4),),
    "components of the future": (StateComponent(19, 1, 576), StateComponent(20, 7, supervisor=True)),
    "the largest area": (StateComponent(40, 64, LARGEST_AREA - 64),),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_is_merely_unusual_exists_and_is_saved_and_restored_where_it_says(name):
    description = Description("mine", UNUSUAL[name], xfd=True)
    cpu, contents = CpuModel(description), {17: config(3), 9: b"\5"}
    state = XState(xcr0=description.xcr0, xss=description.xss)
    for one in description.components:
        state = state.loaded(one.number, contents.get(one.number, b"\7" * one.size).ljust(one.size, b"\0"))
    user = [one for one in description.components if not one.supervisor]
    standard = save("xsave", state, ALL, Operand(XsaveArea()), KERNEL, cpu).area
    flat = images.to_bytes(standard, LARGEST_AREA)
    for one in user:
        assert flat[one.offset : one.offset + one.size] == state.held(one.number)
    assert images.from_bytes(flat, description) == standard
    compacted = save("xsaves", state, ALL, Operand(XsaveArea()), KERNEL, cpu).area
    at = 576
    for one in sorted(description.components, key=lambda one: one.number):
        at += -at % 64 if one.align64 else 0
        assert images.read(compacted, at, one.size) == state.held(one.number)
        at += one.size
    empty = XState(xcr0=description.xcr0, xss=description.xss)
    for instruction, area, kept in (
        ("xrstor", standard, user),
        ("xrstors", compacted, description.components),
    ):
        back = restore(instruction, empty, ALL, Operand(area), KERNEL, cpu)
        assert back.fault is None
        assert {one.number: back.state.held(one.number) for one in kept} == {
            one.number: state.held(one.number) for one in kept
        }


def test_apx_may_lie_where_mpx_does_and_nothing_else_may():
    cpu = Description("both", (p.BNDREGS, p.BNDCSR, p.APX))
    assert facts(cpu).overlapping


def test_a_pkru_of_64_bytes_as_amd_has_it_can_be_described():
    assert Description("amd", (changed(p.PKRU, size=64),)).size(9) == 64


def test_a_cpu_from_before_daz_can_be_described():
    assert Description("old", (), mxcsr_mask=0xFFBF).mxcsr_mask == 0xFFBF
