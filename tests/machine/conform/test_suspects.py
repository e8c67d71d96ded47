"""Where a recording is not believed, the model's answer is looked at: what the emulator did is the model's answer, changed in
exactly the way that is written down, to the byte."""

import re
import zlib
from typing import NamedTuple

import pytest

from actors.machine.conform import ops
from actors.machine.conform.run import run as run_line
from actors.machine.conform.sequences import Run, start, step
from actors.machine.conform.suspects import SUSPECTS
from actors.machine.xstate import tiles
from actors.machine.xstate.registers import XState
from tests.machine.conform.samples import VECTORS, recorded
from tests.machine.manual.cpu import COMPACTED, EXTENDED, bits
from tests.machine.manual.layout import compacted_offset

README = (VECTORS / "README.md").read_text(encoding="utf-8")
TILEDATA = 1 << 18


class Stop(NamedTuple):
    """An op that is not believed: registers and memory before it, registers and memory after it, and what differs.

    `fips` are the bytes that FIP was loaded from on the way there.
    """

    op: ops.Op
    before: XState
    memory: bytes
    after: Run
    differs: dict[str, tuple[object, object]]
    fips: tuple[bytes, ...]

    @property
    def saved(self):
        """Return memory after it, as the model has it, to be changed."""
        return bytearray(self.after.flat(self.op.area))


def stopped(line):
    """Return where a sequence stops, or None."""
    run, fips = start(line), []
    for op in line.ops:
        before = run.state
        memory = run.flat(op.area) if isinstance(op, ops.OnArea) else b""
        differs = {field: (recorded, got) for field, recorded, got in step(run, op, freedom=False)}
        if op.sus:
            return Stop(op, before, memory, run, differs, tuple(fips))
        if isinstance(op, ops.Xrstor | ops.Xrstors):
            fips.append(memory[8:16])
    return None


@pytest.fixture(scope="module")
def stops():
    lines = (*recorded("emu"), *recorded("emuamx"))
    return [stop for stop in map(stopped, lines) if stop]


# Saves: what has to be done to the model's image to make it the emulator's.


def with_bit_1(stop, image):
    """XSTATE_BV[1] for MXCSR alone; with it the emulator takes the XMM registers, all zero, for in use."""
    assert stop.before.held(1) is None
    assert stop.before.mxcsr != 0x1F80
    assert not image[512] & 2
    image[512] |= 2
    if isinstance(stop.op, ops.Xsaveopt):
        image[160:416] = bytes(256)


def with_the_old_padding_of_pkru(stop, image):
    at = stop.op.comp[9].offset
    assert image[at : at + 8] == (stop.before.held(9) or bytes(8))[:4] + bytes(4)
    image[at + 4 : at + 8] = stop.memory[at + 4 : at + 8]


def with_all_bits_of_fip(stop, image):
    fip = image[8:16]
    (raw,) = {raw for raw in stop.fips if raw != fip and raw[:7] == fip[:7]}
    assert fip[7] == (0xFF if raw[7] & 1 else 0), "sign-extended from bit 56"
    image[8:16] = raw


EMULATOR = {
    "hdr1-mxcsr": with_bit_1,
    "pkru-pad": with_the_old_padding_of_pkru,
    "x87-fip-raw": with_all_bits_of_fip,
}


def test_each_save_is_the_models_but_for_what_its_tags_say(stops):
    met = set()
    for stop in stops:
        if not isinstance(stop.op, ops.Save):
            continue
        image = stop.saved
        assert zlib.crc32(image) != stop.op.crc
        for tag in stop.op.sus:
            EMULATOR[tag](stop, image)
        assert zlib.crc32(image) == stop.op.crc
        words = tuple(int.from_bytes(image[at : at + 8], "little") for at in (512, 520))
        assert words == stop.op.hdr
        assert not stop.differs.keys() & {"vec", "err", "xcr0", "xin"}
        met |= set(stop.op.sus)
    assert met == set(EMULATOR)


# The others.


def only(stops, tag, *kinds):
    found = [stop for stop in stops if stop.op.sus == (tag,)]
    assert found
    assert {type(stop.op) for stop in found} <= set(kinds)
    return found


def test_a_tilezero_of_the_last_tile_leaves_tiledata_in_use(stops):
    for stop in only(stops, "tilezero-xinuse", ops.Tilezero):
        assert stop.after.state.held(18) is None, "every tile is zero"
        assert stop.before.xinuse & stop.after.state.xinuse & TILEDATA
        ((field, (recorded, got)),) = stop.differs.items()
        assert (field, got) == ("xin", recorded | TILEDATA)
        assert not recorded & TILEDATA


def test_a_restore_that_concerns_tilecfg_alone_leaves_the_tiles_alone(stops):
    seen = []
    for stop in only(stops, "xrstor-clears-tiledata", ops.Xrstor, ops.Xrstors):
        rfbm, xstate_bv = stop.op.rfbm & 0x60000, int.from_bytes(stop.memory[512:520], "little")
        assert rfbm == 1 << 17 or (rfbm == 0x60000 and xstate_bv & TILEDATA)
        if rfbm == 1 << 17:
            assert stop.after.state.held(18) == stop.before.held(18)
            assert tiles.tile(stop.after.state, 0) == tiles.tile(stop.before, 0)
        if stop.differs:
            ((field, (recorded, got)),) = stop.differs.items()
            assert (field, got) == ("xin", recorded | TILEDATA)
        seen.append(bool(stop.differs))
    assert any(seen)


def test_a_standard_restore_with_an_illegal_mxcsr_changes_nothing(stops):
    seen = []
    for stop in only(stops, "xrstor-std-mxcsr-partial", ops.Xrstor):
        assert not stop.memory[527] & 0x80, "the standard form"
        assert int.from_bytes(stop.memory[24:28], "little") > 0xFFFF
        assert stop.op.rfbm & 6
        assert (stop.op.vec, stop.op.err) == (13, 0)
        assert stop.after.state == stop.before
        assert stop.differs.keys() <= {"xin"}, "the emulator raises the same fault"
        seen.append(bool(stop.differs))
    assert any(seen)


def compacted_size(components, *, aligned):
    """Return where the compacted format ends, with the alignment of components or without."""
    if aligned:
        last = max(components)
        return compacted_offset(last, COMPACTED | sum(1 << i for i in components)) + EXTENDED[last].size
    return 576 + sum(EXTENDED[i].size for i in components)


def test_the_size_of_the_compacted_area_counts_alignment(stops):
    for stop in only(stops, "cpuid-d1-ebx-unaligned", ops.CpuidD):
        state = stop.before
        components = [i for i in bits(state.xcr0 | state.xss) if i > 1]
        ((field, (recorded, got)),) = stop.differs.items()
        assert (stop.op.sub, field) == (1, "res")
        assert got == (0xF, compacted_size(components, aligned=True), 0x5800, 0)
        assert recorded == (0xF, compacted_size(components, aligned=False), 0x5800, 0)
        assert got != recorded


# All of them.


def test_each_tag_is_explained_and_known_to_the_description_of_the_format():
    for tag, suspect in SUSPECTS.items():
        assert f"`{tag}`" in README
        assert all(suspect)
    assert set(re.findall(r"`([a-z0-9]+-[a-z0-9-]+)`", README.partition("`sus` lists")[2][:400])) <= set(
        SUSPECTS
    )


def test_sequences_stop_at_tags_that_are_explained_and_looked_at_above(stops):
    met = {tag for stop in stops for tag in stop.op.sus}
    assert met == set(SUSPECTS) - {"tainted"}


def test_a_verdict_says_how_the_model_answers():
    for line in recorded("emuamx"):
        verdict = run_line(line)
        if verdict.expected == "tilezero-xinuse":
            assert re.fullmatch(r"tilezero\.xin 6[0-9a-f]{4}, not 2[0-9a-f]{4}", verdict.got)
            return
    raise AssertionError("no such line")
