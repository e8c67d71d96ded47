"""Where a recording is not believed, the model's answer is looked at: it differs, in the way that is written down."""

import collections
import re

import pytest

from actors.machine.conform.reader import read_lines
from actors.machine.conform.run import run
from actors.machine.conform.suspects import SUSPECTS
from tests.machine.conform.samples import VECTORS

README = (VECTORS / "README.md").read_text(encoding="utf-8")

ANSWERS = {
    "hdr1-mxcsr": r"xsave(opt)?\.hdr ",
    "pkru-pad": r"xsave[a-z]*\.(comp\.9|crc) ",
    "tilezero-xinuse": r"tilezero\.xin 6[0-9a-f]{4}, not 2",
    "xrstor-clears-tiledata": r"xrstors?\.xin 4|the same",
    "xrstor-std-mxcsr-partial": r"xrstor\.xin |the same",
    "cpuid-d1-ebx-unaligned": r"cpuid_d\.res ",
    "x87-fip-raw": r"xsave[a-z]*\.(leg\.env|crc) ",
}
"""In which field the model's answer differs; the registers alone may have changed, which the next save would show."""


@pytest.fixture(scope="module")
def stopped():
    found = collections.defaultdict(list)
    for name in ("emu", "emuamx"):
        for _, line in read_lines(VECTORS / f"{name}.jsonl.xz"):
            verdict = run(line)
            if verdict.kind == "stopped":
                found[verdict.expected].append(verdict.got)
    return found


def test_each_tag_is_explained_and_known_to_the_description_of_the_format():
    for tag, suspect in SUSPECTS.items():
        assert f"`{tag}`" in README
        assert all(suspect)
    assert set(re.findall(r"`([a-z0-9]+-[a-z0-9-]+)`", README.partition("`sus` lists")[2][:400])) <= set(
        SUSPECTS
    )


def test_sequences_stop_at_tags_that_are_explained(stopped):
    assert {tag for tags in stopped for tag in tags.split(", ")} <= set(SUSPECTS)


@pytest.mark.parametrize("tag", ANSWERS)
def test_the_model_answers_as_it_is_written_down(tag, stopped):
    answers = stopped[tag]
    assert answers
    for answer in answers:
        assert re.match(ANSWERS[tag], answer), answer
    assert any(answer != "the same" for answer in answers)
