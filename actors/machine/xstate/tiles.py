"""The AMX instructions on the tile registers: 8 tiles of 16 rows of 64 bytes, shaped by TILECFG (`tile_config`).

SDM volume 1, chapter 18, and volume 2 for each instruction. In this order:

* #UD outside 64-bit mode, with CR4.OSXSAVE = 0, or unless XCR0[18:17] = 11b; for an instruction on tiles, if one of them is not
  configured, or the shapes do not fit (`dot_product`).
* #NM if CR0.TS = 1, on a CPU that has it so (`amx_ts`). #NM from XFD[18], or XFD[17], where the instruction needs the
  component: those on tiles do; LDTILECFG, STTILECFG and TILERELEASE do not, though two of them initialise TILEDATA (13.14).
* #GP(0) for a configuration that LDTILECFG refuses.

An instruction on tiles starts at TILECFG.start_row and sets it to 0 when it is done. Unknown on silicon: whether TILEZERO
of the last tile used makes TILEDATA initial; here it does not. Memory faults in the middle of a tile are not modelled.

All lines are the emulator's, which had its storing of TILECFG and its saving of TILEDATA repaired: on these it is no evidence. Of
a CPU there is #UD without XCR0[18:17] (silicon fact 19), and what the suites assert of XFD. That CR0.TS stops AMX instructions
no line shows: the emulator executes LDTILECFG and TILEZERO all the same.
"""

import msgspec

from actors.machine.xstate import tile_config
from actors.machine.xstate.components import TILECFG, TILEDATA, TILES, ZEROS
from actors.machine.xstate.cpu import CpuModel
from actors.machine.xstate.environment import Environment
from actors.machine.xstate.faults import general_protection, not_available, undefined
from actors.machine.xstate.outcomes import Fault, Result
from actors.machine.xstate.registers import XState
from actors.machine.xstate.tile_config import (
    BYTES,
    ROW_BYTES,
    ROWS,
    TILE_BYTES,
    TILE_COUNT,
    acceptable,
    config,
)
from actors.machine.xstate.xfd import device_not_available
from protocol.registers import Component

__all__ = ("ROWS", "ROW_BYTES", "TILE_BYTES", "TILE_COUNT", "acceptable", "config")

NEEDED = TILES


def configuration(state: XState) -> bytes:
    """Return the content of TILECFG."""
    return state.held(Component.TILECFG) or ZEROS[BYTES]


def tile(state: XState, number: int) -> bytes:
    """Return the 1024 bytes of a tile; beyond its shape they are zero."""
    data = state.held(Component.TILEDATA) or ZEROS[TILE_COUNT * TILE_BYTES]
    return data[number * TILE_BYTES : (number + 1) * TILE_BYTES]


def shape(state: XState, number: int) -> tuple[int, int] | None:
    """Return rows and bytes a row of a tile, or None if it is not configured."""
    return tile_config.shape(configuration(state), number)


def enabled(state: XState, environment: Environment) -> bool:
    """Say whether AMX instructions are defined at all."""
    return environment.long_mode and environment.osxsave and state.xcr0 & TILES == TILES


def stopped(
    state: XState, environment: Environment, cpu: CpuModel, needed: int, *used: int, fits: bool = True
) -> Result | None:
    """Return the #UD or #NM of an AMX instruction on these tiles that needs these components, or None."""
    why = _undefined(state, environment, used, fits)
    if why is not None:
        return Result(state, fault=why)
    if environment.ts and cpu.description.amx_ts:
        return Result(state, fault=not_available("CR0.TS = 1"))
    return device_not_available(state, needed, cpu)


def _undefined(state: XState, environment: Environment, used: tuple[int, ...], fits: bool) -> Fault | None:
    if not enabled(state, environment):
        return undefined("AMX is not enabled")
    missing = [number for number in used if shape(state, number) is None]
    if missing:
        return undefined(f"tile {missing[0]} is not configured")
    return None if fits else undefined("the shapes of the tiles do not fit")


def ldtilecfg(state: XState, image: bytes, environment: Environment, cpu: CpuModel) -> Result:
    """Load a configuration; the tiles become initial, with palette 0 the configuration too."""
    fault = stopped(state, environment, cpu, 0)
    if fault is None and not acceptable(image):
        fault = Result(state, fault=general_protection("the tile configuration is not valid"))
    if fault is not None:
        return fault
    cleared = state.initialised(TILEDATA)
    return Result(cleared.loaded(Component.TILECFG, image) if image[0] else cleared.initialised(TILECFG))


def sttilecfg(state: XState, environment: Environment, cpu: CpuModel) -> Result:
    """Store the configuration: zeros if there is none."""
    return stopped(state, environment, cpu, 0) or Result(state, data=configuration(state))


def tilerelease(state: XState, environment: Environment, cpu: CpuModel) -> Result:
    """Make TILECFG and TILEDATA initial."""
    return stopped(state, environment, cpu, 0) or Result(state.initialised(TILES))


def tileloadd(
    state: XState,
    number: int,
    memory: bytes,
    environment: Environment,
    cpu: CpuModel,
    *,
    stride: int = ROW_BYTES,
) -> Result:
    """Load a tile: from each row, `stride` bytes after the one before, as many bytes as the shape has; the rest is zero.

    Memory behind the given bytes is zero.
    """
    fault = stopped(state, environment, cpu, TILES, number)
    found = shape(state, number)
    if fault is not None or found is None:
        return fault or Result(state)
    rows, colsb = found
    first = min(tile_config.start_row(configuration(state)), rows)
    fresh = (
        memory[row * stride : row * stride + colsb].ljust(ROW_BYTES, b"\0") for row in range(first, rows)
    )
    image = tile(state, number)[: first * ROW_BYTES] + b"".join(fresh)
    return Result(replaced(state, number, image.ljust(TILE_BYTES, b"\0")))


def tilestored(state: XState, number: int, environment: Environment, cpu: CpuModel) -> Result:
    """Read a tile for a store: its 1024 bytes as the result's data; what of them reaches memory is in `spilled`."""
    return stopped(state, environment, cpu, TILES, number) or Result(done(state), data=tile(state, number))


def spilled(state: XState, number: int, memory: bytes, *, stride: int = ROW_BYTES) -> bytes:
    """Return memory after TILESTORED: of each row from start_row on, as many bytes as the shape has."""
    rows, colsb = shape(state, number) or (0, 0)
    data, after = tile(state, number), bytearray(memory)
    for row in range(tile_config.start_row(configuration(state)), rows):
        after[row * stride : row * stride + colsb] = data[row * ROW_BYTES : row * ROW_BYTES + colsb]
    return bytes(after)


def tilezero(state: XState, number: int, environment: Environment, cpu: CpuModel) -> Result:
    """Zero a tile. It is a write like any other, but by value the tiles are not in use before one is loaded."""
    fault = stopped(state, environment, cpu, TILES, number)
    if fault is not None:
        return fault
    after = replaced(state, number, ZEROS[TILE_BYTES])
    if cpu.tracking == "by_value" and not state.xinuse & TILEDATA:
        after = msgspec.structs.replace(after, xinuse=after.xinuse & ~TILEDATA)
    return Result(after)


def replaced(state: XState, number: int, image: bytes) -> XState:
    """Return the state with a tile written, and start_row = 0."""
    data = state.held(Component.TILEDATA) or ZEROS[TILE_COUNT * TILE_BYTES]
    at = number * TILE_BYTES
    return done(state).loaded(Component.TILEDATA, data[:at] + image + data[at + TILE_BYTES :])


def done(state: XState) -> XState:
    """Return the state with start_row = 0."""
    image = configuration(state)
    return (
        state.loaded(Component.TILECFG, tile_config.restarted(image))
        if tile_config.start_row(image)
        else state
    )
