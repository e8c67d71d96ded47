"""Rules of #UD, #NM, #GP and #PF that the saves and restores have in common, and their order."""

from tests.mutation.mutation import of

_TS = '    (lambda case: case.environment.ts, not_available, "CR0.TS = 1"),\n'

MUTATIONS = (
    *of(
        "faults.py",
        (
            "encoding",
            "volume 2: LOCK, 66H and the register form are #UD, silicon fact 19",
            "(lambda case: bool(case.encoding), undefined",
            "(lambda case: False, undefined",
        ),
        (
            "osxsave",
            "13.7: #UD if CR4.OSXSAVE = 0",
            "(lambda case: not case.environment.osxsave, undefined",
            "(lambda case: False, undefined",
        ),
        (
            "instruction-present",
            "13.2: #UD for an instruction that CPUID does not enumerate",
            "return feature is None or getattr(case.description, feature)",
            "return True",
        ),
        (
            "xrstors-needs-xsaves",
            "13.2: XRSTORS comes with XSAVES",
            '"xrstors": "xsaves"}',
            '"xrstors": "xsavec"}',
        ),
        (
            "enable-xsaves",
            'volume 3, 25.3: XSAVES is #UD in a guest while "enable XSAVES/XRSTORS" is 0',
            "and not case.environment.enable_xsaves",
            "and False",
        ),
        (
            "enable-xsaves-in-a-guest",
            "volume 3, 25.3: the control counts in VMX non-root operation alone",
            "            and case.environment.non_root\n",
            "",
        ),
        (
            "enable-xsaves-the-pair-alone",
            "volume 3, 25.3: the control concerns XSAVES and XRSTORS alone",
            "            case.instruction in _PRIVILEGED\n            and case.environment.non_root\n",
            "            case.environment.non_root\n",
        ),
        (
            "task-switched",
            "13.7: #NM if CR0.TS = 1",
            "(lambda case: case.environment.ts, not_available",
            "(lambda case: False, not_available",
        ),
        (
            "ud-before-nm",
            "13.7: #UD comes before #NM",
            "RULES: tuple[tuple[Callable[[_Case], bool], _Raise, str], ...] = (\n",
            f"RULES: tuple[tuple[Callable[[_Case], bool], _Raise, str], ...] = (\n{_TS}",
        ),
        (
            "nm-before-gp",
            "13.11: #NM of CR0.TS comes before #GP for CPL > 0",
            "(lambda case: case.environment.ts, not_available",
            "(lambda case: case.environment.ts and not case.environment.cpl, not_available",
        ),
        (
            "cpl-0",
            "13.11, 13.12: #GP above CPL 0",
            "case.instruction in _PRIVILEGED and case.environment.cpl > 0,",
            "False,",
        ),
        (
            "cpl-1-is-not-0",
            "13.11, 13.12: at CPL 1 and 2 too",
            "case.instruction in _PRIVILEGED and case.environment.cpl > 0,",
            "case.instruction in _PRIVILEGED and case.environment.cpl > 2,",
        ),
        (
            "xrstors-privileged",
            "13.12: XRSTORS is privileged as XSAVES is",
            '_PRIVILEGED = frozenset({"xsaves", "xrstors"})',
            '_PRIVILEGED = frozenset({"xsaves"})',
        ),
        (
            "user-forms-at-any-cpl",
            "13.7: the other four are not privileged",
            "case.instruction in _PRIVILEGED and case.environment.cpl > 0,",
            "case.environment.cpl > 0,",
        ),
        (
            "page-fault-write",
            "volume 3, 4.7: bit 1 of the error code is a write",
            "code = write * _WRITE |",
            "code =",
        ),
        (
            "page-fault-user",
            "volume 3, 4.7: bit 2 of the error code is an access at CPL 3",
            "(environment.cpl > 0) * _USER",
            "0",
        ),
        (
            "page-fault-protection",
            "volume 3, 4.7: bit 0 of the error code is a page that is present",
            "if write else (), 1)",
            "if write else (), 0)",
        ),
        (
            "read-only-is-readable",
            "volume 3, 4.6: a read of a read-only page is no fault",
            "(pages.read_only if write else (), 1)",
            "(pages.read_only, 1)",
        ),
        (
            "page-fault-address",
            "volume 3, 4.7: the address is that of the first byte that cannot be accessed",
            "max(offset, first) for first",
            "first for first",
        ),
        (
            "misaligned-after-other-faults",
            "13.7 to 13.12: #GP for a misaligned area comes after #UD and #NM",
            "(lambda case: bool(case.encoding), undefined,",
            '(lambda case: case.misaligned, general_protection, "early"),\n    (lambda case: bool(case.encoding), undefined,',
        ),
    ),
    *of(
        "environment.py",
        ("alignment", "13.4: an area lies on a 64-byte boundary", "ALIGNMENT = 64", "ALIGNMENT = 16"),
    ),
    *of(
        "exits.py",
        (
            "xss-exiting-bitmap",
            "volume 3, 25.1.3: XSAVES exits only for bits of the XSS-exiting bitmap",
            "return mask & state.xss & bitmap",
            "return mask & state.xss",
        ),
        (
            "xss-exiting-xss",
            "volume 3, 25.1.3: only for bits of IA32_XSS",
            "return mask & state.xss & bitmap",
            "return mask & bitmap",
        ),
        (
            "xss-exiting-mask",
            "volume 3, 25.1.3: only for bits of the instruction mask",
            "return mask & state.xss & bitmap",
            "return state.xss & bitmap",
        ),
    ),
)
