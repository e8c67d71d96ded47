"""Rules of layouts, initial contents and CPUID, what no CPU can be, and the data of the presets."""

from tests.mutation.mutation import of

MUTATIONS = (
    *of(
        "layout.py",
        (
            "compacted-alignment",
            "13.4.3: a component with ECX[1] = 1 begins on a 64-byte boundary",
            "at = _align(at) if known.component[number].align64 else at",
            "at = at",
        ),
        (
            "compacted-no-alignment",
            "13.4.3: one with ECX[1] = 0 begins directly behind the one before",
            "at = _align(at) if known.component[number].align64 else at",
            "at = _align(at)",
        ),
        (
            "compacted-by-xcomp-bv",
            "13.4.3: components outside XCOMP_BV take no place",
            "for number in bits(xcomp_bv & (known.xcr0 | known.xss)):",
            "for number in bits(known.xcr0 | known.xss):",
        ),
        (
            "standard-size",
            "volume 2, CPUID: EBX of sub-leaf 0 is the end of the last component",
            "max((known[n].offset + known[n].size for n",
            "max((known[n].offset for n",
        ),
    ),
    *of(
        "components.py",
        (
            "fcw-initial",
            "13.6: FCW is initially 037FH",
            r'X87_INITIAL = b"\x7f\x03"',
            r'X87_INITIAL = b"\x7f\x02"',
        ),
        (
            "mxcsr-initial",
            "13.6: MXCSR is initially 1F80H",
            "MXCSR_INITIAL = 0x1F80",
            "MXCSR_INITIAL = 0x1F00",
        ),
        (
            "compatibility-mode-avx",
            "silicon fact 8: registers 0 to 7 of component 2",
            "Component.AVX: 128,",
            "Component.AVX: 256,",
        ),
        (
            "compatibility-mode-zmm-hi256",
            "silicon fact 8: registers 0 to 7 of component 6",
            "Component.ZMM_HI256: 256,",
            "Component.ZMM_HI256: 512,",
        ),
        (
            "hdc-initial",
            "13.6: HDC state is initial if IA32_PM_CTL1 = 1",
            "Component.HDC: (1)",
            "Component.HDC: (0)",
        ),
        (
            "hwp-initial",
            "13.6: HWP state is initial if IA32_HWP_REQUEST = 8000FF01H",
            "(0x8000_FF01)",
            "(0)",
        ),
    ),
    *of(
        "cpuid.py",
        (
            "cpuid-ebx-by-xcr0",
            "volume 2, CPUID: EBX of sub-leaf 0 goes by the current XCR0",
            "for mask in (xcr0, supported))",
            "for mask in (supported, supported))",
        ),
        (
            "cpuid-ecx-by-support",
            "volume 2, CPUID: ECX of sub-leaf 0 goes by what XCR0 supports",
            "for mask in (xcr0, supported))",
            "for mask in (xcr0, xcr0))",
        ),
        (
            "cpuid-compacted-size-has-xss",
            "volume 2, CPUID: EBX of sub-leaf 1 counts XCR0 | IA32_XSS",
            "COMPACTED | xcr0 | (xss if cpu.xsaves else 0)",
            "COMPACTED | xcr0",
        ),
        (
            "cpuid-compacted-size-without-xsavec",
            "volume 2, CPUID: EBX of sub-leaf 1 is 0 without the compacted format",
            "    if not cpu.xsavec:\n",
            "    if False:\n",
        ),
        (
            "cpuid-features",
            "volume 2, CPUID: EAX[4:0] of sub-leaf 1",
            "(cpu.xsaveopt, cpu.xsavec, cpu.xgetbv1, cpu.xsaves, cpu.xfd)",
            "(cpu.xsaveopt, cpu.xsavec, cpu.xsaves, cpu.xgetbv1, cpu.xfd)",
        ),
        (
            "cpuid-align-flag",
            "volume 2, CPUID: ECX[1] of sub-leaf i is the alignment",
            "component.align64 << 1 | component.xfd << 2",
            "component.align64 << 2 | component.xfd << 1",
        ),
        (
            "cpuid-supervisor-flag",
            "volume 2, CPUID: ECX[0] of sub-leaf i is 1 for supervisor state",
            "flags = component.supervisor | ",
            "flags = ",
        ),
        (
            "cpuid-xss",
            "volume 2, CPUID: ECX of sub-leaf 1 has the bits of IA32_XSS",
            "            description.xss & _LOW,\n",
            "            0,\n",
        ),
    ),
    *of(
        "presets.py",
        (
            "preset-bndcsr",
            "the source: BNDCSR at 1024",
            "(Component.BNDCSR, 64, 1024)",
            "(Component.BNDCSR, 64, 1152)",
        ),
        (
            "preset-opmask",
            "the source: opmask state at 1088",
            "(Component.OPMASK, 64, 1088)",
            "(Component.OPMASK, 64, 1024)",
        ),
        ("preset-pkru", "the source: PKRU at 2688", "(Component.PKRU, 8, 2688)", "(Component.PKRU, 8, 2680)"),
        ("preset-uintr", "the source: UINTR 48 bytes", "(Component.UINTR, 48,", "(Component.UINTR, 40,"),
        ("preset-lbr", "the source: LBR 808 bytes", "(Component.LBR, 808,", "(Component.LBR, 800,"),
        ("preset-pt", "the source: PT 128 bytes", "(Component.PT, 128,", "(Component.PT, 120,"),
        (
            "preset-tilecfg-aligned",
            "the source: TILECFG is aligned",
            "(Component.TILECFG, 64, 2752, align64=True)",
            "(Component.TILECFG, 64, 2752)",
        ),
        (
            "preset-tiledata-aligned",
            "the source: TILEDATA is aligned",
            "(Component.TILEDATA, 8192, 2816, align64=True)",
            "(Component.TILEDATA, 8192, 2816)",
        ),
        (
            "preset-tiledata-xfd",
            "the source: TILEDATA is XFD-capable",
            "msgspec.structs.replace(TILEDATA, xfd=True)",
            "msgspec.structs.replace(TILEDATA)",
        ),
        (
            "preset-apx",
            "APX specification: APX state at 960",
            "(Component.APX, 128, 960)",
            "(Component.APX, 128, 11008)",
        ),
        (
            "preset-second-dynamic",
            "the mail of 2021: a second XFD-capable component",
            "64, 11008, align64=True, xfd=True)",
            "64, 11008, align64=True)",
        ),
        (
            "preset-suites",
            "the suites: XCR0 602E7H",
            'offering("suites", 0x602E7)',
            'offering("suites", 0x600E7)',
        ),
        (
            "preset-emulated-no-xfd",
            "the emulator has no XFD",
            "UINTR, TILECFG, TILEDATA), amx_ts=False)",
            "UINTR, TILECFG, TILEDATA_XFD), amx_ts=False, xfd=True)",
        ),
        (
            "preset-recorded-no-pkru",
            "hw-cpu.json: the recorded CPU has no PKRU",
            'Description("emerald_rapids", _VECTORS)',
            'Description("emerald_rapids", (*_VECTORS, PKRU))',
        ),
    ),
)
