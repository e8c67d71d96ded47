"""Which CPU is modelled: a preset by name, and its choices; `xstate` has the descriptions and says what the choices mean."""

from typing import Literal

from actors.machine.xstate.components import HYPOTHETICAL, TILECFG, TILEDATA
from actors.machine.xstate.cpu import CpuModel, Tracking, XfdErr, XfdSet
from actors.machine.xstate.presets import DESCRIPTIONS
from actors.runtime.errors import VmraceError

__all__ = (
    "HYPOTHETICAL",
    "PRESETS",
    "TILECFG",
    "TILEDATA",
    "CpuModel",
    "CpuName",
    "Tracking",
    "XfdErr",
    "XfdSet",
    "XfdSetting",
    "cpu_model",
)

CpuName = Literal["emerald_rapids", "sapphire_rapids", "mail_2021"]
"""The CPUs that a scenario can ask for."""

XfdSetting = Literal["implied", "keep", "undefined"]
"""What setting XFD does to live data, as a scenario asks for it; `implied`: by `tracking`."""

PRESETS: dict[str, CpuModel] = {name: CpuModel(description) for name, description in DESCRIPTIONS.items()}


def cpu_model(
    name: str, xfd_err: XfdErr = "load", xfd_set: XfdSetting = "implied", tracking: Tracking = "recorded"
) -> CpuModel:
    """Return the preset of that name with these choices; raises VmraceError if there is none.

    Unless given, `xfd_set` is `keep`; under `architectural` tracking it is `undefined`, as the manual has it.
    """
    if name not in DESCRIPTIONS:
        raise VmraceError(f"no CPU is called {name!r}; there are {', '.join(DESCRIPTIONS)}")
    implied: XfdSet = "undefined" if tracking == "architectural" else "keep"
    return CpuModel(DESCRIPTIONS[name], xfd_err, implied if xfd_set == "implied" else xfd_set, tracking)
