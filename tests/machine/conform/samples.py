"""Lines that are well formed, as objects to spoil, and where the recorded ones are."""

import copy
import functools
import json
from pathlib import Path

from actors.machine.conform.lines import Line
from actors.machine.conform.reader import read_lines

VECTORS = Path(__file__).parents[2] / "vectors"


@functools.cache
def recorded(name: str) -> tuple[Line, ...]:
    """Return the lines of a set that the project keeps; decoded once, for they are values."""
    return tuple(line for _, line in read_lines(VECTORS / f"{name}.jsonl.xz"))


HARDWARE = {
    "id": "hw-save-1",
    "op": "xsave64",
    "rfbm": "e7",
    "setup": {"xbv": "1", "post": "none", "same": 0},
    "xin0": "1",
    "r0": {"mxcsr": "00001f80", "k": "00000001*16"},
    "m0": "5d595193*688",
    "fault": None,
    "m1": [[512, "01000000"]],
    "r1": {},
    "xin1": "1",
}
SUITE = {
    "id": "st-1",
    "init": {
        "cr4_osxsave": 1,
        "xcr0": "602e7",
        "xss": "0",
        "xfd": "40000",
        "xfd_err": "0",
        "cpuid_xcr0": "602e7",
    },
    "ops": [
        {"op": "xsave", "area": 0, "rfbm": "40000", "vec": None, "region": [0, 4, "00*4"]},
        {"op": "fill_bytes", "area": 3, "off": 2816, "len": 8192, "byte": "a7"},
        {"op": "tileloadd", "tile": 0, "fill_byte": "a7", "stride": 0, "vec": 7},
    ],
}
EMULATOR = {
    "id": "bx-1",
    "ops": [
        {"op": "xgetbv", "ecx": "1", "vec": None, "res": "0", "xcr0": "e7", "xin": "0"},
        {"op": "xrstor", "area": 1, "rfbm": "e7", "off": 8, "vec": 13, "err": 0, "xcr0": "e7", "xin": "0"},
        {
            "op": "xsavec",
            "area": 2,
            "rfbm": "3",
            "vec": None,
            "xcr0": None,
            "xin": None,
            "hdr": ["0", "8000000000000003"],
            "leg": {"env": "91508326", "st": "c2a8fa9d", "xmm": "d968558", "mxcsr": "1f80"},
            "comp": {"2": [576, "d968558"]},
            "crc": "12b308ac",
        },
    ],
}
WHOLE = {"hardware": HARDWARE, "suite": SUITE, "emulator": EMULATOR}


def spoilt(kind, change):
    """Return a good line of this kind after `change` has been at it, as the file has it."""
    line = copy.deepcopy(WHOLE[kind])
    change(line)
    return json.dumps(line).encode()
