"""Each kind of line as it should be, and each way in which it can be wrong."""

import json

import pytest

from actors.machine.conform.hardware import Encoding, HardwareLine
from actors.machine.conform.lines import EmulatorLine, SuiteLine, decode
from actors.machine.conform.ops import Xrstor
from tests.machine.conform.samples import WHOLE, spoilt


def good(kind, change=len):
    return decode(spoilt(kind, change))


def put(*path_and_value):
    """Return a change that puts a value at a path; without a value (...) it takes the field away."""
    *path, last, value = path_and_value

    def change(line):
        for key in path:
            line = line[key]
        if value is ...:
            del line[last]
        else:
            line[last] = value

    return change


def test_kinds_are_told_by_their_keys():
    kinds = {name: type(decode(json.dumps(line).encode())) for name, line in WHOLE.items()}
    assert kinds == {"hardware": HardwareLine, "suite": SuiteLine, "emulator": EmulatorLine}


def test_numbers_are_hexadecimal_in_strings_and_decimal_without():
    line = good("hardware", put("rfbm", "ffffffff00000010"))
    assert line.rfbm == 0xFFFFFFFF00000010
    assert line.r0.mxcsr == 0x1F80
    assert line.m1 == ((512, b"\x01\0\0\0"),)
    assert line.m0[:4] == bytes.fromhex("5d595193")
    assert line.r0.k == b"\0\0\0\x01" * 16
    assert line.r0.x87 is None
    restore = good("emulator").ops[1]
    assert isinstance(restore, Xrstor)
    assert (restore.off, restore.rfbm, restore.vec, restore.err) == (8, 0xE7, 13, 0)


def test_what_a_suite_does_not_assert_is_unset_and_no_fault_is_none():
    save, fill, load = good("suite").ops
    assert (save.vec, bool(fill.vec), load.vec) == (None, False, 7)
    assert fill.vec is not None
    assert save.region.content == bytes(4)
    emulator = good("emulator").ops[2]
    assert emulator.comp[2].offset == 576
    assert emulator.hdr == (0, 1 << 63 | 3)


@pytest.mark.parametrize(
    ("op", "encoding"),
    [
        ("xsave", Encoding("xsave", rexw=False, compat=False, form="")),
        ("xsaves64", Encoding("xsaves", rexw=True, compat=False, form="")),
        ("xrstors_reg", Encoding("xrstors", rexw=False, compat=False, form="reg")),
        ("xsavec64_lock", Encoding("xsavec", rexw=True, compat=False, form="lock")),
        ("xsaveopt_66", Encoding("xsaveopt", rexw=False, compat=False, form="66")),
    ],
)
def test_what_an_instruction_of_the_cpu_is_called(op, encoding):
    assert good("hardware", put("op", op)).encoding == encoding


def test_compatibility_mode():
    line = good("hardware", lambda line: line.update(op="xrstor_c32", xin32="3"))
    assert line.encoding == Encoding("xrstor", rexw=False, compat=True, form="")
    assert line.xin32 == 3


def test_an_area_lies_within_the_memory_unless_it_is_misaligned():
    for off in (0, 64, 8, 2751):
        assert good("hardware", put("off", off)).off == off


def faulting(line):
    line.update(fault={"vec": 13, "err": 0}, xin1=None)


def test_of_an_instruction_that_faults_the_area_begins_in_the_memory_or_memory_plays_no_role():
    assert good("hardware", lambda line: [faulting(line), line.update(off=2688)]).off == 2688
    told = "an area at off 2752 is not within the memory"
    with pytest.raises(ValueError, match=told):
        good("hardware", lambda line: [faulting(line), line.update(off=2752)])
    without = good("hardware", lambda line: [faulting(line), line.pop("m0"), line.pop("m1")])
    assert not isinstance(without.m0, bytes)


@pytest.mark.parametrize(
    "line",
    [
        b'{"id":"a","id":"b","ops":[]}',
        b'{"id":"a","ops":[],"ops":[]}',
        b'{"id":"a","ops":[{"op":"fninit","vec":null,"vec":null,"xcr0":"1","xin":"0"}]}',
    ],
)
def test_a_key_stands_once(refused, line):
    assert "stands twice in one object" in refused(line)


NUMBER = "should be a number in lower-case hexadecimal without 0x"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (put("op", "xsave128"), "'xsave128' is no instruction"),
        (put("op", "xsave64_c32"), "'xsave64_c32' is no instruction"),
        (put("op", "xgetbv_rep"), "is no instruction"),
        (put("op", "xsave64\n"), "is no instruction"),
        (put("op", 1), "Expected `str`, got `int` - at `$.op`"),
        (put("op", "xsave_c32"), "xin32 is missing"),
        (put("xin32", "1"), "xin32 does not belong here"),
        (put("op", "xsetbv"), "xsetbv lacks ecx"),
        (put("edxeax", "1"), "edxeax is the result of xgetbv alone"),
        (lambda line: line.update(op="xgetbv", ecx="1"), "xgetbv lacks edxeax"),
        (put("id", ...), "missing required field `id`"),
        (put("id", ""), "at `$.id`"),
        (put("id", "a b"), "at `$.id`"),
        (put("id", 7), "Expected `str`, got `int` - at `$.id`"),
        (put("rfbm", ...), "missing required field `rfbm`"),
        (put("rfbm", 231), "231 should be a string of hexadecimal digits - at `$.rfbm`"),
        (put("rfbm", None), "at `$.rfbm`"),
        (put("rfbm", "0xe7"), f"'0xe7' {NUMBER} - at `$.rfbm`"),
        (put("rfbm", "E7"), NUMBER),
        (put("rfbm", ""), NUMBER),
        (put("rfbm", "-1"), NUMBER),
        (put("rfbm", "1_0"), NUMBER),
        (put("rfbm", "٣"), NUMBER),
        (put("rfbm", "0" * 17), "has more than 16 hexadecimal digits"),
        (put("r0", "mxcsr", "000001f80"), "has more than 8 hexadecimal digits - at `$.r0.mxcsr`"),
        (put("r0", "mxcsr", ...), "missing required field `mxcsr` - at `$.r0`"),
        (put("r0", "ymm", ""), "unknown field `ymm` - at `$.r0`"),
        (put("r0", "k", "00*63"), "k has 63 bytes, and should have 64"),
        (put("r0", "k", "0"), "'0' at character 0 of a byte string"),
        (put("r1", "x87", "00*160"), "x87 has 160 bytes, and should have 152"),
        (put("setup", "post", "fnop"), "'fnop' is no group of instructions"),
        (put("setup", "same", 2), "at `$.setup.same`"),
        (put("setup", "same", True), "at `$.setup.same`"),
        (put("setup", "xbv", ...), "missing required field `xbv`"),
        (put("fault", {"vec": 13}), "missing required field `err` - at `$.fault`"),
        (put("fault", {"vec": 32, "err": 0}), "at `$.fault.vec`"),
        (put("fault", {"vec": 13, "err": -1}), "at `$.fault.err`"),
        (put("fault", {"vec": 13, "err": 0}), "xin1 does not belong here: it is null exactly after a fault"),
        (put("fault", ...), "missing required field `fault`"),
        (put("xin1", None), "xin1 is missing"),
        (put("m0", ...), "m1 does not belong here"),
        (put("m1", ...), "m1 is missing"),
        (lambda line: [line.pop("m0"), line.pop("m1")], "xsave lacks m0"),
        (put("m0", "00*2688"), "m0 has 2688 bytes, and should have 2752"),
        (put("m0", None), "at `$.m0`"),
        (put("m1", [[510, "0000"]]), "m1 changes 2 bytes at 510, and should change whole words"),
        (put("m1", [[512, "0000"]]), "m1 changes 2 bytes"),
        (put("m1", [[2752, "00000000"]]), "within the memory"),
        (put("m1", [[-4, "00000000"]]), "at `$.m1[0][0]`"),
        (put("m1", [[512]]), "at `$.m1[0]`"),
        (put("m1", {}), "at `$.m1`"),
        (put("off", -64), "at `$.off`"),
        (put("off", 128), "an area at off 128 is not within the memory"),
        (put("off", 2760), "not within the memory"),
        (put("off", "40"), "at `$.off`"),
        (put("ofs", 64), "unknown field `ofs`"),
    ],
)
def test_instructions_on_hardware(refused, change, told):
    assert told in refused(spoilt("hardware", change))


RECORDED = {"vec": None, "xcr0": "0", "xin": "0"}


@pytest.mark.parametrize(
    ("op", "told"),
    [
        ({"op": "xsave2"}, "'xsave2' - at `$.ops[0].op`"),
        ({}, "missing required field `op` - at `$.ops[0]`"),
        ({"op": "fninit", "vex": None}, "unknown field `vex` - at `$.ops[0]`"),
        ({"op": "fninit", "vec": 32}, "at `$.ops[0].vec`"),
        ({"op": "fninit", "vec": "6"}, "at `$.ops[0].vec`"),
        ({"op": "fninit", "err": 0}, "err says the error code of a fault, and vec says none"),
        ({"op": "fninit", "vec": None, "err": 0}, "vec says none - at `$.ops[0]`"),
        ({"op": "fninit", "ts": 2}, "at `$.ops[0].ts`"),
        ({"op": "fninit", "sus": "pkru-pad"}, "at `$.ops[0].sus`"),
        ({"op": "fninit", "xin": "g"}, NUMBER),
        ({"op": "xsetbv", "ecx": "0"}, "missing required field `val`"),
        (
            {"op": "xgetbv", "ecx": "0", "vec": 6, "res": "0"},
            "res does not belong to an instruction that faults",
        ),
        ({"op": "rdmsr", "msr": "100000000"}, "has more than 8"),
        ({"op": "cpuid_d", "sub": -1}, "at `$.ops[0].sub`"),
        ({"op": "cpuid_d", "sub": 0, "res": ["0", "0", "0"]}, "at `$.ops[0].res`"),
        ({"op": "xsave", "area": 4, "rfbm": "0"}, "at `$.ops[0].area`"),
        ({"op": "xsave", "area": -1, "rfbm": "0"}, "at `$.ops[0].area`"),
        ({"op": "xsave", "area": 0}, "missing required field `rfbm`"),
        ({"op": "xsave", "area": 0, "rfbm": "0", "off": 64}, "at `$.ops[0].off`"),
        ({"op": "xsave", "area": 0, "rfbm": "0", "hdr": ["0"]}, "at `$.ops[0].hdr`"),
        ({"op": "xsave", "area": 0, "rfbm": "0", "hdr_mask": ["0", "0"]}, "hdr is missing"),
        ({"op": "xsave", "area": 0, "rfbm": "0", "comp": {"63": [0, "0"]}}, "at `key` in `$.ops[0].comp`"),
        ({"op": "xsave", "area": 0, "rfbm": "0", "comp": {"x": [0, "0"]}}, "at `key` in `$.ops[0].comp`"),
        ({"op": "xsave", "area": 0, "rfbm": "0", "comp": {"2": [0]}}, "at `$.ops[0].comp[...]`"),
        ({"op": "xsave", "area": 0, "rfbm": "0", "comp": {"2": [0, "0", 1]}}, "of at most length 2"),
        ({"op": "xsave", "area": 0, "rfbm": "0", "leg": {"env": "0"}}, "at `$.ops[0].leg`"),
        ({"op": "xrstor", "area": 0, "rfbm": "0", "crc": "0"}, "unknown field `crc`"),
        ({"op": "xrstor", "area": 0, "rfbm": "0", "region": [0, 4, "00"]}, "region of 4 bytes is given 1"),
        ({"op": "xrstor", "area": 0, "rfbm": "0", "region": [12288, 1, "00"]}, "ends behind its area"),
        ({"op": "poke", "area": 0, "off": 12281, "val": "0"}, "at `$.ops[0].off`"),
        ({"op": "fill", "area": 0}, "missing required field `val`"),
        ({"op": "zero_area"}, "missing required field `area`"),
        ({"op": "fill_bytes", "area": 0, "off": 12288, "len": 1, "byte": "0"}, "end behind their area"),
        ({"op": "fill_bytes", "area": 0, "off": 0, "len": 1, "byte": "100"}, "has more than 2"),
        ({"op": "ldtilecfg", "cfg": "00" * 63}, "cfg has 63 bytes, and should have 64"),
        ({"op": "ldtilecfg", "cfg": "0" * 127}, "odd number of hexadecimal digits"),
        ({"op": "ldtilecfg", "cfg": "zz" * 64}, "should be bytes in lower-case hexadecimal"),
        ({"op": "ldtilecfg", "cfg": "00*64"}, "should be bytes in lower-case hexadecimal"),
        ({"op": "sttilecfg", "out": ""}, "out has 0 bytes, and should have 64"),
        ({"op": "tilezero", "tile": 8}, "at `$.ops[0].tile`"),
        ({"op": "tdpbssd", "dst": 0, "src1": 0}, "missing required field `src2`"),
        ({"op": "tileloadd", "tile": 0}, "takes base and step, or fill_byte and stride"),
        ({"op": "tileloadd", "tile": 0, "base": "0", "step": "0", "stride": 0}, "takes base and step, or"),
        ({"op": "tileloadd", "tile": 0, "fill_byte": "0", "stride": 64}, "at `$.ops[0].stride`"),
        ({"op": "tilestored", "tile": 0, "crc": 7}, "7 should be a string of hexadecimal digits"),
        ({"op": "ldmxcsr", "val": "100000000"}, "has more than 8"),
        ({"op": "cr4_osxsave", "val": 2}, "at `$.ops[0].val`"),
        ([], "at `$.ops[0]`"),
        (None, "at `$.ops[0]`"),
    ],
)
def test_steps_of_sequences(refused, op, told):
    for kind in ("suite", "emulator"):
        assert told in refused(spoilt(kind, put("ops", [op])))


@pytest.mark.parametrize(
    ("op", "lacks"),
    [
        ({"op": "fninit", "xcr0": "0", "xin": "0"}, "fninit lacks vec"),
        ({"op": "fninit", "vec": None, "xcr0": None}, "fninit lacks xin"),
        ({"op": "fninit", "vec": None}, "fninit lacks xcr0, xin"),
        ({"op": "fninit", **RECORDED, "vec": 7}, "fninit lacks err"),
        ({"op": "xgetbv", "ecx": "0", **RECORDED}, "xgetbv lacks res"),
        ({"op": "rdmsr", "msr": "0", **RECORDED}, "rdmsr lacks res"),
        ({"op": "cpuid_d", "sub": 0, **RECORDED}, "cpuid_d lacks res"),
        ({"op": "sttilecfg", **RECORDED}, "sttilecfg lacks out"),
        ({"op": "tilestored", "tile": 0, **RECORDED}, "tilestored lacks crc"),
        ({"op": "xsave", "area": 0, "rfbm": "0", **RECORDED}, "xsave lacks hdr, leg, comp, crc"),
    ],
)
def test_an_emulator_records_everything_and_a_suite_need_not(refused, op, lacks):
    assert f"{lacks} - at `$.ops[1]`" in refused(
        spoilt("emulator", put("ops", [{"op": "vzeroall", **RECORDED}, op]))
    )
    if "err" not in lacks:
        assert good("suite", put("ops", [op]))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (put("init", "xfd", ...), "missing required field `xfd` - at `$.init`"),
        (put("init", "cr4_osxsave", "1"), "at `$.init.cr4_osxsave`"),
        (put("init", "xcr0", "602ef"), "xcr0 602ef has bits that cpuid_xcr0 602e7 lacks"),
        (put("init", "cr0", "0"), "unknown field `cr0` - at `$.init`"),
        (put("init", None), "at `$.init`"),
        (put("ops", ...), "missing required field `ops`"),
        (put("ops", {}), "at `$.ops`"),
        (put("rfbm", "0"), "unknown field `rfbm`"),
    ],
)
def test_where_a_suite_begins(refused, change, told):
    assert told in refused(spoilt("suite", change))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"{", "truncated"),
        (b"{}", "it has none of the keys op, init and ops"),
        (b'{"id": "x"}', "none of the keys"),
        (b"[]", "Expected `object`, got `array`"),
        (b"null", "Expected `object`, got `null`"),
        (b'"ops"', "Expected `object`, got `str`"),
        (b'{"id":"x","ops":[]} {}', "trailing characters"),
        (b'{"id":"x","ops":[]},', "trailing characters"),
        (b'{"id":"\xff","ops":[]}', "it is not UTF-8 at byte 7"),
        (b'\xef\xbb\xbf{"id":"x","ops":[]}', "malformed"),
        (b'{"x":"\xc3"}', "it is not UTF-8"),
        (b'{"id":"x","ops":' + b"[" * 100_000, "nested deeper"),
    ],
    ids=lambda value: str(value[:20]),
)
def test_what_is_no_line_at_all(refused, line, told):
    assert told in refused(line)
