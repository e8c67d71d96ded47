"""XSAVE areas as user mode hands them over: in the standard format, and any header in it.

Follows arch/x86/kernel/fpu/xstate.c: validate_user_xstate_header() and copy_uabi_to_xstate().
"""

from actors.machine.model import CpuModel
from actors.machine.xstate import area as images
from actors.machine.xstate.components import MXCSR_INITIAL, SSE, bits
from actors.machine.xstate.layout import MXCSR_AT, XMM_AT, compacted, standard
from actors.system.kernel.data import Fpstate
from protocol.areas import XsaveArea
from protocol.registers import Component

_XMM_BYTES = 256
_LEGACY = {Component.SSE: ((MXCSR_AT, 8), (XMM_AT, _XMM_BYTES))}


def frame_with(model: CpuModel, xmm0: int, *, xstate_bv: int = SSE, xcomp_bv: int = 0) -> XsaveArea:
    """Return an area in the standard format with this in XMM0, as user mode may write one; its header is whatever is asked."""
    fields = (
        (MXCSR_AT, MXCSR_INITIAL.to_bytes(8, "little")),
        (XMM_AT, xmm0.to_bytes(_XMM_BYTES, "little")),
    )
    return images.overwritten(XsaveArea(), xstate_bv, xcomp_bv, fields, model.description)


def header_is_valid(given: XsaveArea, user_xfeatures: int) -> bool:
    """validate_user_xstate_header(): no component that the fpstate has no room for, and XCOMP_BV is zero."""
    return not given.xstate_bv & ~user_xfeatures and given.xcomp_bv == 0


def with_data(model: CpuModel, own: XsaveArea, given: XsaveArea, fpstate: Fpstate) -> XsaveArea:
    """Return the fpstate's area with the data of the components that were given, under the header that it had."""
    fields = [
        field
        for number in bits(given.xstate_bv & fpstate.user_xfeatures)
        for field in _moved(model, number, own, given)
    ]
    return images.overwritten(own, own.xstate_bv, own.xcomp_bv, fields, model.description)


def with_header(own: XsaveArea, given: XsaveArea, fpstate: Fpstate) -> tuple[int, int]:
    """Return XSTATE_BV and XCOMP_BV: user components as given, supervisor components as they were; the format is the kernel's."""
    user = fpstate.user_xfeatures
    return own.xstate_bv & ~user | given.xstate_bv & user, own.xcomp_bv


def _moved(model: CpuModel, number: int, own: XsaveArea, given: XsaveArea) -> list[tuple[int, bytes]]:
    """Return a component's bytes, at the offsets that they have in the kernel's format."""
    if number in _LEGACY:
        return [(at, images.read(given, at, size)) for at, size in _LEGACY[Component(number)]]
    description = model.description
    at = compacted(description, own.xcomp_bv).offset[number]
    return [(at, images.read(given, standard(description).offset[number], description.size(number)))]
