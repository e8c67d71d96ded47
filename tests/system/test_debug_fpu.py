"""The kernel's own check of XFD, row by row."""

import pytest

from actors.machine.model import PRESETS, TILEDATA
from actors.machine.xstate.components import SSE, TILECFG
from actors.system.debug_fpu import xstate_op_valid
from actors.system.kernel.layout import fpstate

CPU = PRESETS["sapphire_rapids"]
SMALL = fpstate(CPU, "small", SSE | TILECFG)
LARGE = fpstate(CPU, "large", SSE | TILECFG | TILEDATA)
INIT = fpstate(CPU, "init_fpstate", SSE | TILECFG)


@pytest.mark.parametrize(
    ("target", "target_xfd", "current_xfd", "xfd_state", "init", "rstor", "valid"),
    [
        pytest.param(SMALL, TILEDATA, TILEDATA, TILEDATA, False, True, True, id="its own, in force"),
        pytest.param(SMALL, TILEDATA, TILEDATA, 0, False, True, False, id="its own, not in force"),
        pytest.param(INIT, TILEDATA, TILEDATA, 0, True, True, False, id="init, like the current task's"),
        pytest.param(INIT, TILEDATA, 0, 0, True, True, True, id="init, into a task with tiles"),
        pytest.param(INIT, TILEDATA, 0, 0, True, False, False, id="nobody saves to init"),
        pytest.param(LARGE, 0, TILEDATA, TILEDATA, False, False, True, id="another's that has room"),
        pytest.param(SMALL, TILEDATA, 0, 0, False, False, False, id="another's that has none"),
    ],
)
def test_an_operation_is_valid_where_xfd_is_that_of_its_fpstate(
    target, target_xfd, current_xfd, xfd_state, init, rstor, valid
):
    mask = LARGE.xfeatures
    found = xstate_op_valid(
        target,
        mask,
        target_xfd=target_xfd,
        current_xfd=current_xfd,
        xfd_state=xfd_state,
        init=init,
        rstor=rstor,
    )
    assert found is valid


@pytest.mark.parametrize("mask", [SSE, SSE | TILECFG, SSE | TILEDATA, TILEDATA])
@pytest.mark.parametrize("rstor", [False, True])
def test_what_the_instruction_is_asked_for_counts_where_the_fpstate_is_not_current(mask, rstor):
    found = xstate_op_valid(
        SMALL, mask, target_xfd=TILEDATA, current_xfd=0, xfd_state=0, init=False, rstor=rstor
    )
    assert found is not bool(mask & TILEDATA)
