"""Running lines on the model: all that is recorded passes, and a line that is changed in one field fails in that field."""

import collections

import msgspec
import pytest

from actors.machine.conform import ops
from actors.machine.conform.lines import decode
from actors.machine.conform.run import run, run_all
from tests.machine.conform.samples import recorded

STOPPED = {"emu": 10, "emuamx": 47}
SETS = [
    "hw-save",
    "hw-xrstor",
    "hw-xinuse",
    "hw-misc",
    "hw-modopt",
    "hw-compat",
    "suites",
    "emu",
    "emuamx",
]


@pytest.mark.parametrize("freedom", [False, True], ids=["recorded", "allowed"])
@pytest.mark.parametrize("name", SETS)
def test_every_line_passes_up_to_its_first_sus_tag(name, freedom):
    found = list(run_all(recorded(name), freedom=freedom))
    failed = [verdict for verdict in found if verdict.kind == "failed"]
    assert failed == []
    kinds = collections.Counter(verdict.kind for verdict in found)
    assert kinds["stopped"] == STOPPED.get(name, 0)


def test_a_stopped_line_says_where_and_why():
    verdict = next(one for one in run_all(recorded("emuamx")) if one.kind == "stopped")
    assert verdict.field == "sus"
    assert verdict.expected
    assert verdict.op is not None


# Changed lines.

HW = (
    b'{"id":"x","op":"xsave64","rfbm":"e7","setup":{"xbv":"4","post":"none","same":0},"xin0":"4",'
    b'"r0":{"mxcsr":"00001f80","avx":"01000000*64"},"m0":"00000000*688","fault":null,"r1":{},"xin1":"4",'
    b'"m1":[[0,"7f030000"],[24,"801f0000ffff0000"],[512,"04000000"],[576,"01000000*64"]]}'
)


def test_a_line_made_by_hand_passes():
    assert run(decode(HW)).kind == "passed"
    assert run(decode(HW), freedom=True).kind == "passed"


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b'"xin0":"4"', b'"xin0":"5"', "xin0"),
        (b'"xin1":"4"', b'"xin1":"0"', "xin1"),
        (b'[512,"04000000"]', b'[512,"05000000"]', "m1 at 512"),
        (b'[576,"01000000*64"]', b'[576,"01000000*63"]', "m1 at 828"),
        (b'"r1":{}', b'"r1":{"mxcsr":"00001f81"}', "r1.mxcsr"),
        (b'"r1":{}', b'"r1":{"k":"01000000*16"}', "r1.k"),
        (b'"fault":null', b'"fault":{"vec":13,"err":0}', "fault"),
    ],
)
def test_the_first_field_that_differs_is_named(old, new, field):
    changed = HW.replace(old, new)
    if field == "fault":
        changed = changed.replace(b'"xin1":"4"', b'"xin1":null')
    verdict = run(decode(changed))
    assert (verdict.id, verdict.kind, verdict.field) == ("x", "failed", field)
    assert verdict.expected != verdict.got


def test_what_the_manual_leaves_open_is_allowed_though_this_cpu_does_otherwise():
    changed = HW.replace(b'[512,"04000000"]', b'[512,"25000000"]')
    assert run(decode(changed)).kind == "failed"
    assert run(decode(changed), freedom=True).kind == "passed"
    must = HW.replace(b'[512,"04000000"],', b"")
    assert run(decode(must), freedom=True).field == "memory"


def test_xinuse_of_something_that_is_not_initial_is_not_free():
    verdict = run(decode(HW.replace(b'"xin0":"4"', b'"xin0":"0"')), freedom=True)
    assert (verdict.kind, verdict.field) == ("failed", "xin0")


def first(name, kind):
    """Return a line of the set that has an op of this kind which does not fault, and the place of that op."""
    for line in recorded(name):
        for place, op in enumerate(line.ops):
            if op.sus:
                break
            if isinstance(op, kind) and op.vec is None:
                return line, place
    raise AssertionError("no such line")


CHANGES = [
    (ops.Xsetbv, {"xcr0": 1}, "xsetbv.xcr0"),
    (ops.Xgetbv, {"res": 5}, "xgetbv.res"),
    (ops.Rdmsr, {"res": 5}, "rdmsr.res"),
    (ops.CpuidD, {"res": (1, 2, 3, 4)}, "cpuid_d.res"),
    (ops.Sttilecfg, {"out": b"\1" * 64}, "sttilecfg.out"),
    (ops.Tilestored, {"crc": 1}, "tilestored.crc"),
    (ops.Tileloadd, {"xin": 5}, "tileloadd.xin"),
    (ops.Xsave, {"crc": 1}, "xsave.crc"),
    (ops.Xsavec, {"hdr": (1, 1)}, "xsavec.hdr"),
    (ops.Xsaves, {"leg": ops.Legacy(env=1, st=1, xmm=1, mxcsr=1)}, "xsaves.leg.env"),
    (ops.Xsaveopt, {"comp": {2: ops.Located(0, 0)}}, "xsaveopt.comp"),
    (ops.Xrstor, {"vec": 13, "err": 0}, "xrstor.vec"),
]


@pytest.mark.parametrize(("kind", "fields", "field"), CHANGES, ids=[field for _, _, field in CHANGES])
def test_in_a_sequence_the_op_and_its_field_are_named(kind, fields, field):
    line, place = first("emuamx", kind)
    changed = list(line.ops)
    changed[place] = msgspec.structs.replace(changed[place], **fields)
    verdict = run(msgspec.structs.replace(line, ops=tuple(changed)))
    assert (verdict.kind, verdict.field, verdict.op) == ("failed", field, place)


def test_a_wrong_error_code_is_a_difference():
    for line in recorded("emu"):
        for place, op in enumerate(line.ops):
            if op.vec == 13:
                wrong = msgspec.structs.replace(op, err=8)
                verdict = run(msgspec.structs.replace(line, ops=(*line.ops[:place], wrong)))
                assert verdict.field.endswith(".err")
                return


SUITE = (
    b'{"id":"s","init":{"cr4_osxsave":1,"xcr0":"602e7","xss":"0","xfd":"40000","xfd_err":"0","cpuid_xcr0":"602e7"},'
    b'"ops":[{"op":"poke","area":0,"off":512,"val":"40000"},'
    b'{"op":"fill_bytes","area":0,"off":2816,"len":8192,"byte":"5b"},'
    b'{"op":"xrstor","area":0,"rfbm":"40000","vec":7},{"op":"rdmsr","msr":"1c5","vec":null,"res":"40000"},'
    b'{"op":"wrmsr","msr":"1c4","val":"0","vec":null},{"op":"xrstor","area":0,"rfbm":"40000","vec":null},'
    b'{"op":"xsave","area":1,"rfbm":"40000","vec":null,"region":[2816,8192,"5b*8192"]}]}'
)


def test_a_suite_asserts_what_it_says_and_nothing_else():
    assert run(decode(SUITE)).kind == "passed"
    assert run(decode(SUITE), freedom=True).kind == "passed"
    for old, new, field in (
        (b'"vec":7', b'"vec":13', "xrstor.vec"),
        (b'"5b*8192"]', b'"5c*8192"]', "xsave.region"),
        (b'"res":"40000"', b'"res":"0"', "rdmsr.res"),
    ):
        assert run(decode(SUITE.replace(old, new))).field == field


AREA = (
    b'{"id":"s","init":{"cr4_osxsave":1,"xcr0":"602e7","xss":"0","xfd":"0","xfd_err":"0","cpuid_xcr0":"602e7"},'
    b'"ops":[{"op":"fill","area":1,"val":"5b5b5b5b5b5b5b5b","region":[8,20,"5b*16.801f0000"]},'
    b'{"op":"poke","area":1,"off":512,"val":"3","hdr":["3","0"],"region":[512,8,"0300000000000000"]},'
    b'{"op":"xrstor","area":1,"rfbm":"4","vec":null,"hdr":["1","0"],"hdr_mask":["1","ffffffffffffffff"]},'
    b'{"op":"fill_bytes","area":1,"off":0,"len":4,"byte":"7","region":[0,8,"07*4.5b*4"]},'
    b'{"op":"zero_area","area":1,"region":[0,12288,"00*12288"]}]}'
)


def test_an_area_may_be_looked_at_after_whatever_works_on_it():
    assert run(decode(AREA)).kind == "passed"
    for old, new, field in (
        (b'"5b*16.801f0000"', b'"5b*16.801f0001"', "fill.region"),
        (b'"hdr":["3","0"]', b'"hdr":["1","0"]', "poke.hdr"),
        (b'"0300000000000000"', b'"0100000000000000"', "poke.region"),
        (b'"hdr":["1","0"],"hdr_mask"', b'"hdr":["0","0"],"hdr_mask"', "xrstor.hdr"),
        (b'"07*4.5b*4"', b'"07*5.5b*3"', "fill_bytes.region"),
        (b'"00*12288"', b'"00*12287.01"', "zero_area.region"),
    ):
        assert run(decode(AREA.replace(old, new))).field == field


@pytest.mark.parametrize(("op", "vector"), [("xsaves64", 13), ("xrstors", 13), ("xsave_reg", 6)])
def test_memory_may_be_left_out_where_it_plays_no_role(op, vector):
    line = (
        b'{"id":"x","op":"%s","rfbm":"7","setup":{"xbv":"0","post":"none","same":0},"xin0":"0",'
        b'"r0":{"mxcsr":"00001f80"},"fault":{"vec":%d,"err":0},"r1":{},"xin1":null}' % (op.encode(), vector)
    )
    for freedom in (False, True):
        assert run(decode(line), freedom=freedom).kind == "passed"
        wrong = line.replace(b'"vec":%d' % vector, b'"vec":7')
        assert run(decode(wrong), freedom=freedom).field == "fault"


def test_a_suite_runs_on_the_cpu_that_it_asks_for():
    small = SUITE.replace(b"602e7", b"7").replace(b'"xfd":"40000"', b'"xfd":"0"')
    assert run(decode(small)).field == "xrstor.vec"


@pytest.mark.parametrize(
    "op",
    [
        "xgetbv_lock",
        "xsetbv_66",
        "tilerelease_lock",
        "ldtilecfg_reg",
        "xsavec_lock_c32",
        "xsavec_c32_lock",
        "rdmsr_lock",
    ],
)
def test_any_instruction_may_be_wrongly_encoded_and_is_ud(op):
    memory = b',"m0":"00000000*688","m1":[]' if op.startswith("xsave") else b""
    mode = b',"xin32":"0"' if "c32" in op else b""
    line = (
        b'{"id":"x","op":"%s","rfbm":"7","setup":{"xbv":"0","post":"none","same":0},"xin0":"0",'
        b'"r0":{"mxcsr":"00001f80"},"fault":{"vec":6,"err":0},"r1":{},"xin1":null%s%s}'
        % (op.encode(), memory, mode)
    )
    assert run(decode(line)).kind == "passed"
    assert run(decode(line), freedom=True).kind == "passed"
    other = run(decode(line.replace(b'"vec":6', b'"vec":1')), freedom=True)
    assert other.kind == "failed"


@pytest.mark.parametrize("op", ["xrstor_reg", "xsaveopt_reg", "xsaveopt_66", "xrstor_c32_reg"])
def test_names_that_are_other_instructions_in_truth_change_nothing(op):
    """LFENCE, MFENCE, CLWB: no fault, whatever the area holds and wherever it lies."""
    mode = b',"xin32":"21"' if "c32" in op else b""
    line = (
        b'{"id":"x","op":"%s","rfbm":"7","off":8,"setup":{"xbv":"21","post":"none","same":0},"xin0":"21",'
        b'"r0":{"mxcsr":"00001f80","k":"00000001*16"},"fault":null,"r1":{},"xin1":"21",'
        b'"m0":"ffffffff*688","m1":[]%s}' % (op.encode(), mode)
    )
    for freedom in (False, True):
        assert run(decode(line), freedom=freedom).kind == "passed"
        faulting = line.replace(b'"fault":null', b'"fault":{"vec":6,"err":0}').replace(
            b'"xin1":"21"', b'"xin1":null'
        )
        assert run(decode(faulting), freedom=freedom).field == "fault"
        assert (
            run(decode(line.replace(b'"m1":[]', b'"m1":[[512,"00000000"]]')), freedom=freedom).kind
            == "failed"
        )
        assert (
            run(decode(line.replace(b'"r1":{}', b'"r1":{"mxcsr":"00001fc0"}')), freedom=freedom).kind
            == "failed"
        )


@pytest.mark.parametrize(
    "op",
    [
        "xsave_reg",
        "xsavec_reg",
        "xsaves_reg",
        "xrstors_reg",
        "xsave_66",
        "xrstor_66",
        "xsavec_66",
        "xrstor_lock",
    ],
)
def test_the_other_forms_of_the_family_are_no_instruction(op):
    line = (
        b'{"id":"x","op":"%s","rfbm":"7","setup":{"xbv":"0","post":"none","same":0},"xin0":"0",'
        b'"r0":{"mxcsr":"00001f80"},"fault":{"vec":6,"err":0},"r1":{},"xin1":null,"m0":"00000000*688","m1":[]}'
        % op.encode()
    )
    assert run(decode(line)).kind == "passed"
    executed = line.replace(b'{"vec":6,"err":0}', b"null").replace(b'"xin1":null', b'"xin1":"0"')
    assert run(decode(executed)).field == "fault"
