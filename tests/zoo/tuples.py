"""A search of small step machines over plain tuples, which shares no code with vmrace: a second opinion.

A thread is a list of operations. Those that take a step: `("load", x)` puts a value behind the thread's registers,
`("add", x)` too, and adds one; `("store", x, f)` writes `f(registers)`; `("lock", x)`, `("unlock", x)`; `("spawn", t)`,
`("join", (t, u))`, all of them at once. Those that take none, and belong to the step before: `("assert", f)`,
`("end if", f)`. Thread 0 is there from the start.
"""

from collections import Counter


class Machine:
    """Threads and the first values of what they share; a state is (threads, shared)."""

    def __init__(self, threads, shared):
        self.threads = threads
        self.names = sorted(shared)
        first = tuple((0, ()) if t == 0 else None for t in range(len(threads)))
        self.first = (first, tuple(shared[name] for name in self.names))

    def step(self, state, t):
        """Return the state after thread t's next step; None if it has none, or has to wait."""
        threads, shared = state
        if threads[t] is None or threads[t][0] in ("ended", "failed"):
            return None
        place, registers = threads[t]
        name, target, *rest = self.threads[t][place]
        new = dict(enumerate(threads))
        values = dict(zip(self.names, shared, strict=True))
        if name in ("load", "add"):
            registers = (*registers, values[target])
            values[target] += name == "add"
        elif name == "store":
            values[target] = rest[0](registers)
        elif name == "lock":
            if values[target] is not None:
                return None
            values[target] = t
        elif name == "unlock":
            assert values[target] == t
            values[target] = None
        elif name == "spawn":
            new[target] = (0, ())
        elif any(threads[other][0] != "ended" for other in target):
            return None
        new[t] = self.settled(t, place + 1, registers)
        return tuple(new[i] for i in range(len(threads))), tuple(values[name] for name in self.names)

    def settled(self, t, place, registers):
        """Go on to the next operation that takes a step."""
        while place < len(self.threads[t]):
            name, what, *_ = self.threads[t][place]
            if name == "assert":
                if not what(registers):
                    return ("failed", registers)
            elif name == "end if":
                if what(registers):
                    break
            else:
                return (place, registers)
            place += 1
        return ("ended", registers)

    def search(self):
        """Return the verdict, how many steps the shortest way to it has, and, if proved, how many states there are."""
        seen, level, depth = {self.first}, [self.first], 0
        while level:
            found = Counter(self.ending(state) for state in level)
            for bad in ("failed", "deadlock"):
                if found[bad]:
                    return bad, depth, None
            after = {self.step(state, t) for state in level for t in range(len(self.threads))}
            level = list(after - seen - {None})
            seen.update(level)
            depth += 1
        return "proved", None, len(seen)

    def ending(self, state):
        """Say how a state is the last one, if it is."""
        places = {thread[0] for thread in state[0] if thread is not None}
        if "failed" in places:
            return "failed"
        if places == {"ended"}:
            return "ended"
        stuck = all(self.step(state, t) is None for t in range(len(self.threads)))
        return "deadlock" if stuck else ""


def with_main(children, then=()):
    """Put a thread in front that spawns the others in their order, and joins them."""
    numbers = range(1, len(children) + 1)
    return [[*(("spawn", t) for t in numbers), ("join", tuple(numbers)), *then], *children]


def held(lock, operations):
    """Put operations under a lock, if there is one."""
    return [("lock", lock), *operations, ("unlock", lock)] if lock else operations


def lost_update(threads, increments, fixed):
    """Threads that add one to x."""
    one = [("add", "x")] if fixed else [("load", "x"), ("store", "x", lambda r: r[-1] + 1)]
    total = threads * increments
    check = [("load", "x"), ("assert", lambda r: r[0] == total)]
    return Machine(with_main([one * increments] * threads, check), {"x": 0})


def reorder(n, fixed):
    """Setters of a and b, and one who reads both."""
    lock = "l" if fixed else None
    setter = held(lock, [("store", "a", lambda _: 1), ("store", "b", lambda _: -1)])
    checker = [*held(lock, [("load", "a"), ("load", "b")]), ("assert", lambda r: r in ((0, 0), (1, -1)))]
    return Machine(with_main([setter] * (n - 1) + [checker]), {"a": 0, "b": 0, "l": None})


def twostage(n, fixed):
    """Writers in two stages, and one who reads both."""
    first = [("store", "a", lambda _: 1)]
    second = held("lb", [("load", "a"), ("store", "b", lambda r: r[0] + 1)])
    writer = held("la", [*first, *second]) if fixed else [*held("la", first), *second]
    reader = [*held("la", [("load", "a")]), ("end if", lambda r: r[0] == 0), *held("lb", [("load", "b")])]
    reader.append(("assert", lambda r: r[1] == r[0] + 1))
    return Machine(with_main([writer] * (n - 1) + [reader]), {"a": 0, "b": 0, "la": None, "lb": None})


def din_phil(n, fixed):
    """Philosophers, the last of whom may take the right fork first."""
    diners = []
    for i in range(n):
        one, other = i, (i + 1) % n
        if fixed and i == n - 1:
            one, other = other, one
        diners.append(held(f"f{one}", held(f"f{other}", [])))
    return Machine(with_main(diners), {f"f{i}": None for i in range(n)})
