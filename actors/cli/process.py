"""A process that is nothing but the command: what it has imported lasts to its end, and none of that is garbage.

Python looks for cycles of garbage after some hundreds of new objects, from time to time among all there are, and once more
at the end of the process, when there is nothing left to gain. With Trio imported that last look alone took a quarter
of the time of a small search. So here it looks less often, and not at the end; memory goes back to the system all
the same. Nothing is to be cleaned up then: whoever holds coroutines or files has closed them before.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OBJECTS = 50_000
"""New objects before Python looks for garbage among them: some megabytes."""


@contextmanager
def whole_process() -> Iterator[None]:
    """Do what the process is there for; afterwards it is expected to end."""
    _, *older = gc.get_threshold()
    gc.set_threshold(_OBJECTS, *older)
    try:
        yield
    finally:
        gc.freeze()
