"""A CPU as the manual talks of it: numbers, and the bytes of each state component, all of it laid open and changed in place.

This is the second formulation of the XSAVE family. It is written from the prose of SDM volume 1, chapter 13, and of what the
recorded CPU adds, in the order in which the prose says it; it shares no code with the model and was written without reading
it. It is slow and plain on purpose: a flat bytearray is memory, a dict of bytearrays is the registers. Whoever calls says what
XINUSE and XMODIFIED are, since the manual leaves them to the CPU.
"""

MXCSR_MASK = 0x0000FFFF
MXCSR_INIT = 0x1F80
X87, SSE, AVX, ZMM_HI256, HI16_ZMM, PKRU, HDC, HWP, TILECFG, TILEDATA = 0, 1, 2, 6, 7, 9, 13, 16, 17, 18
COMPACTED = 1 << 63
UD, NM, GP = 6, 7, 13

HALVED = {SSE: 128, AVX: 128, ZMM_HI256: 256, HI16_ZMM: 0}
"""How many bytes of a component belong to registers 0 to 7, which are all that there are outside 64-bit mode."""


class Fault(Exception):
    def __init__(self, vector, error=0):
        super().__init__(f"vector {vector}, error code {error}")
        self.vector, self.error = vector, error


class Part:
    """What CPUID leaf 0DH says of one state component."""

    def __init__(self, size, offset, *, supervisor=False, align64=False, xfd=False):
        self.size, self.offset = size, offset
        self.supervisor, self.align64, self.xfd = supervisor, align64, xfd


EXTENDED = {
    2: Part(256, 576),
    5: Part(64, 1088),
    6: Part(512, 1152),
    7: Part(1024, 1664),
    9: Part(8, 2688),
    11: Part(16, 0, supervisor=True),
    12: Part(24, 0, supervisor=True),
    13: Part(8, 0, supervisor=True),
    14: Part(48, 0, supervisor=True),
    16: Part(8, 0, supervisor=True),
    17: Part(64, 2752, align64=True),
    18: Part(8192, 2816, align64=True, xfd=True),
}
SIZES = {X87: 152, SSE: 256} | {number: part.size for number, part in EXTENDED.items()}


BEGINS = {X87: b"\x7f\x03", HDC: b"\1", HWP: b"\x01\xff\x00\x80"}
"""How the initial configurations begin that are not all zero (13.6): FCW, IA32_PM_CTL1, IA32_HWP_REQUEST."""


def initial(component):
    """Return the bytes of a component in its initial configuration."""
    content = bytearray(SIZES[component])
    begins = BEGINS.get(component, b"")
    content[: len(begins)] = begins
    return content


class Cpu:
    """A logical processor.

    `registers` holds x87 as the 24 bytes that the legacy region begins with (FIP and FDP of 64 bits) and the eight slots of
    sixteen bytes; the others as their component has them. `xinuse_high` is about registers 8 and above, where the recorded CPU
    tracks them apart: outside 64-bit mode they are not seen.
    """

    def __init__(self, supported=0xE7, supported_xss=0):
        self.supported, self.supported_xss = supported, supported_xss
        self.linear_bits = 57
        self.osxsave, self.ts, self.cpl, self.mode64, self.non_root = True, False, 0, True, False
        self.xcr0, self.xss, self.xfd, self.xfd_err = supported, 0, 0, 0
        self.mxcsr = MXCSR_INIT
        self.registers = {number: initial(number) for number in bits(supported | supported_xss)}
        self.xinuse = self.xinuse_high = 0
        self.xmodified = -1
        self.xrstor_info = None

    def span(self, component):
        """Return how many bytes of a component this mode has."""
        whole = SIZES[component]
        return whole if self.mode64 else HALVED.get(component, whole)

    def in_use(self):
        """Return XINUSE as this mode sees it, XFD aside."""
        if self.mode64:
            return self.xinuse | self.xinuse_high
        return self.xinuse & ~(1 << HI16_ZMM)

    def tracked(self):
        """Return what the save instructions go by: a component that XFD disables is as if not in use (13.14)."""
        return self.in_use() & ~(self.xfd & self.xcr0)


def bits(mask):
    """Return the numbers of the bits that are set."""
    return [number for number in range(64) if mask >> number & 1]


def bit(mask, number):
    return bool(mask >> number & 1)


def check_state_access(cpu, address, *, supervisor=False, form=""):
    """Raise what each instruction of the family raises before it looks at anything."""
    if form or not cpu.osxsave:
        raise Fault(UD)
    if cpu.ts:
        raise Fault(NM)
    if supervisor and cpu.cpl > 0:
        raise Fault(GP)
    if address % 64 != 0:
        raise Fault(GP)
