"""Memory that is not there: a cell that an instruction works on holds None while nothing is allocated in its place.

Nobody's program is meant to go on from such an access, so it ends the execution as a finding, in the words of KASAN's report
(mm/kasan/report.c). Real KASAN sees no instruction of the XSAVE family, which a compiler cannot instrument; here they are told
like any other access.
"""


class KasanBug(Exception):
    """An access to freed memory, or a second free: a finding, in the words of KASAN's report."""


def use_after_free(name: str) -> KasanBug:
    """Return what is said of an access to it."""
    return KasanBug(f"BUG: KASAN: use-after-free in {name}: it is not allocated, or was freed")
