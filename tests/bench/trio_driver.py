"""Speed of the controlled Trio driver, beside a bare Trio program that only switches tasks as often.

    python tests/bench/trio_driver.py [SCENARIO] [--executions N] [--rounds N]

A step of the driver is three switches: the session's task, the device's, the program's. The bare program
starts as many tasks in each execution and makes the same three switches a step, by the same means, without
any message, device, program or condition; a third program makes them by Trio's memory channels, as code that
passes messages in plain Trio does. All run in turns in one `trio.run`, since a machine is not equally
fast from one second to the next; the medians count, and their ratio is what the driver and the model cost
together.
"""

import argparse
import importlib
import random
import statistics
import sys
import time
from collections import deque

import trio
import trio.testing
from trio.lowlevel import Abort, Task, current_task, reschedule, wait_task_rescheduled

from actors.runtime.drivers.trio_driver import TrioDriver, open_driver
from actors.runtime.execution import Execution
from actors.runtime.running import Running
from actors.runtime.scenario import Scenario


class Uniform:
    """A chooser that takes each enabled program, and each outcome, with the same probability."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def program(self, execution: Execution, enabled: list[Running]) -> int:
        del execution
        return int(self._random.random() * len(enabled))

    def outcome(self, execution: Execution, running: Running, count: int) -> int:
        del execution, running
        return int(self._random.random() * count)


class Load:
    """What the driver did in one round: executions, and their steps and programs."""

    def __init__(self, executions: int) -> None:
        self.executions = executions
        self.steps: list[int] = []
        self.programs: list[int] = []


async def drive(driver: TrioDriver, load: Load, seed: int) -> float:
    """Run the executions of one round under control; return the seconds that it took."""
    begun = time.perf_counter()
    for number in range(load.executions):
        execution = await driver.run(Uniform(seed + number))
        load.steps.append(execution.steps)
        load.programs.append(len(execution.running))
    return time.perf_counter() - begun


def _abort(_: object) -> Abort:
    return Abort.SUCCEEDED


class Bare:
    """Tasks that switch: the session wakes a device, which wakes a program, which wakes the session."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._queue: deque[int] = deque()
        self._device: Task | None = None
        self._session: Task | None = None
        self._programs: dict[int, Task] = {}
        self._busy = 0
        self._stopping = False
        nursery.start_soon(self._serve)

    async def _serve(self) -> None:
        while True:
            while self._queue:
                reschedule(self._programs[self._queue.popleft()])
            self._device = current_task()
            await wait_task_rescheduled(_abort)

    async def _program(self, number: int) -> None:
        self._programs[number] = current_task()
        while not self._stopping:
            self._quiet()
            await wait_task_rescheduled(_abort)
        self._quiet()

    def _quiet(self) -> None:
        self._busy -= 1
        if self._busy == 0:
            assert self._session is not None
            reschedule(self._session)

    async def execution(self, programs: int, steps: int) -> None:
        """Start `programs` tasks, make three switches for each of `steps`, and end the tasks."""
        self._session = current_task()
        self._stopping = False
        self._busy = programs
        for number in range(programs):
            self._nursery.start_soon(self._program, number)
        await wait_task_rescheduled(_abort)
        for step in range(steps):
            self._busy = 1
            self._queue.append(step % programs)
            assert self._device is not None
            reschedule(self._device)
            await wait_task_rescheduled(_abort)
        self._stopping = True
        self._busy = programs
        for task in self._programs.values():
            reschedule(task)
        self._programs.clear()
        await wait_task_rescheduled(_abort)


class Channels:
    """The same three switches by Trio's own memory channels: what passes messages between tasks in plain Trio."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._to_device, self._device = trio.open_memory_channel[trio.MemorySendChannel[bool]](1)
        self._to_session, self._session = trio.open_memory_channel[None](64)
        nursery.start_soon(self._serve)

    async def _serve(self) -> None:
        async for program in self._device:
            program.send_nowait(True)

    async def _program(self, replies: trio.MemoryReceiveChannel[bool]) -> None:
        self._to_session.send_nowait(None)
        while await replies.receive():
            self._to_session.send_nowait(None)

    async def execution(self, programs: int, steps: int) -> None:
        """Start `programs` tasks, make three switches for each of `steps`, and end the tasks."""
        channels = [trio.open_memory_channel[bool](1) for _ in range(programs)]
        for _, replies in channels:
            self._nursery.start_soon(self._program, replies)
        for _ in channels:
            await self._session.receive()
        for step in range(steps):
            self._to_device.send_nowait(channels[step % programs][0])
            await self._session.receive()
        for program, _ in channels:
            program.send_nowait(False)


async def switch(bare: Bare | Channels, load: Load) -> float:
    """Switch tasks as often as the driver did in its last round; return the seconds that it took."""
    done = list(zip(load.programs, load.steps, strict=True))[-load.executions :]
    begun = time.perf_counter()
    for programs, steps in done:
        await bare.execution(programs, steps)
    return time.perf_counter() - begun


async def measure(scenario: Scenario, executions: int, rounds: int) -> str:
    """Measure both in turns, and say how they compare."""
    load = Load(executions)
    driven, switched, passed, rates = [], [], [], []
    async with open_driver(scenario()) as driver, trio.open_nursery() as nursery:
        bare, channels = Bare(nursery), Channels(nursery)
        await trio.testing.wait_all_tasks_blocked()
        await drive(driver, load, seed=0)  # the first round meets each message for the first time
        for number in range(rounds):
            seconds = await drive(driver, load, seed=(number + 1) * executions)
            steps = sum(load.steps[-executions:])
            driven.append(seconds / steps)
            switched.append(await switch(bare, load) / steps)
            passed.append(await switch(channels, load) / steps)
            rates.append(executions / seconds)
        nursery.cancel_scope.cancel()
    ours, theirs, plain = (statistics.median(one) for one in (driven, switched, passed))
    ratio = statistics.median(one / other for one, other in zip(switched, driven, strict=True))
    beside_channels = statistics.median(one / other for one, other in zip(passed, driven, strict=True))
    size = f"{statistics.mean(load.steps):.1f} steps and {statistics.mean(load.programs):.1f} programs an execution"
    speed = f"{statistics.median(rates):,.0f} executions/s"
    lines = [
        f"{scenario.name}: {size}, {rounds} rounds of {executions}",
        f"controlled driver  {1 / ours:9,.0f} scheduling points/s  {ours * 1e6:6.1f} us each  {speed}",
        f"bare Trio          {1 / theirs:9,.0f} scheduling points/s  {theirs * 1e6:6.1f} us each",
        f"Trio channels      {1 / plain:9,.0f} scheduling points/s  {plain * 1e6:6.1f} us each",
        f"ratio              {ratio:9.2f} of bare switches, {beside_channels:.2f} of channels (medians of the rounds)",
    ]
    return "\n".join(lines)


def find(name: str | None) -> Scenario:
    """Return the scenario of that name; by default the XFD_ERR leak, or the smallest one where there is none."""
    for one in [name] if name else ["xfd_err_leak", "lost_update"]:
        try:
            found = getattr(importlib.import_module(f"scenarios.{one}"), one)
        except ModuleNotFoundError:
            continue
        assert isinstance(found, Scenario)
        return found
    raise SystemExit(f"no scenario is called {name!r}")


def main(arguments: list[str]) -> None:
    """Measure what the command line asks for, and print it."""
    parser = argparse.ArgumentParser(description="Speed of the controlled Trio driver beside bare Trio.")
    parser.add_argument("scenario", nargs="?")
    parser.add_argument("--executions", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=11)
    given = parser.parse_args(arguments)
    sys.stdout.write(trio.run(measure, find(given.scenario), given.executions, given.rounds) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
