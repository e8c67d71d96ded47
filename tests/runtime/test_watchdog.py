"""The watchdog: bites what neither sends nor ends, and nothing else."""

import contextlib
import re
import subprocess
import sys
import threading
import time

import pytest

from actors.runtime.watchdog import WATCHDOG, Stuck, Watchdog


def loop(seconds):
    """Do something for that long, in one stretch."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def test_a_stretch_that_lasts_is_interrupted_inside_its_loop(short_watch):
    WATCHDOG.stretch.enter()
    try:
        with pytest.raises(Stuck, match="stopped by the watchdog"):
            loop(30)
    finally:
        WATCHDOG.stretch.leave()


def test_handlers_of_the_code_itself_do_not_keep_it(short_watch):
    WATCHDOG.stretch.enter()
    try:
        with pytest.raises(Stuck), contextlib.suppress(Exception):
            loop(30)
    finally:
        WATCHDOG.stretch.leave()


def test_many_short_stretches_are_left_alone(short_watch):
    for _ in range(20):
        WATCHDOG.stretch.enter()
        loop(0.04)
        WATCHDOG.stretch.leave()
    loop(0.5)  # outside a stretch anything may last


def test_each_thread_has_its_own(short_watch):
    raised = []

    def work():
        WATCHDOG.stretch.enter()
        try:
            loop(30)
        except Stuck as stuck:
            raised.append(stuck)
        finally:
            WATCHDOG.stretch.leave()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert len(raised) == 1
    assert Watchdog.limit == 0.2


STUBBORN = """
from actors.runtime.watchdog import WATCHDOG, Watchdog

Watchdog.limit = 0.1


def spin():
    while True:
        pass


def stubborn():
    while True:
        try:
            spin()
        except:
            print("raised", flush=True)


WATCHDOG.stretch.enter()
stubborn()
"""


def test_what_lets_nothing_stop_it_ends_the_process(tmp_path):
    path = tmp_path / "stubborn.py"
    path.write_text(STUBBORN)
    ended = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 4
    assert ended.stdout == "raised\n" * 3
    assert ended.stderr.count("\n") == 1
    assert re.match(
        rf"vmrace: {re.escape(str(path))}:[89] in spin: neither sends a message nor ends", ended.stderr
    )


def test_attempts_are_counted_for_each_stretch(short_watch):
    for _ in range(5):
        WATCHDOG.stretch.enter()
        try:
            with pytest.raises(Stuck):
                loop(30)
        finally:
            WATCHDOG.stretch.leave()
