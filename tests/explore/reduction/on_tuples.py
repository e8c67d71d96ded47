"""A world searched as plain tuples: a meaning of its own, and no code of vmrace's.

A state is (variables, owners of locks, programs). A program is None before it is spawned, else (status, place, last
number, label, replies, whether it begins anew): its status is "runs", "ended" or the text of its failure.
"""

from tests.explore.reduction.facts import Facts

VALUES = 3
FREE = None


def search(drawn, most=10_000):
    """Return the Facts of a world, and how many states it has; None if there are too many."""
    world = _World(drawn)
    first = world.settled((0, 0, 0), (FREE, FREE), world.beginning())
    seen, finals = world.reachable(first, most, through_broken=True)
    if seen is None:
        return None
    clean = world.reachable(first, most, through_broken=False)[1]
    broken, met, failures, stuck = set(), set(), set(), False
    for state in seen:
        broken |= world.broken(state)
        met |= world.met(state)
        failed = {
            (world.names[i], one[0])
            for i, one in enumerate(state[2])
            if one and one[0] not in ("runs", "ended")
        }
        failures |= failed
        stuck |= not failed and not world.finished(state) and not world.following(state)
    facts = Facts(
        frozenset(broken),
        frozenset(met),
        frozenset(failures),
        stuck,
        frozenset(map(world.described, finals)),
        frozenset(map(world.described, clean)),
    )
    return facts, len(seen)


class _World:
    def __init__(self, drawn):
        self.codes = [*drawn.programs, *drawn.children]
        self.first_child = len(drawn.programs)
        self.conditions = drawn.conditions
        self.names = [f"p{i}" for i in range(len(drawn.programs))] + [None] * len(drawn.children)
        for number, code in enumerate(drawn.programs):
            spawned = [operands[0] for name, *operands in code.operations if name == "spawn"]
            for place, child in enumerate(spawned):
                self.names[self.first_child + child] = f"p{number}.{place}"

    def beginning(self):
        there = [self.start(number) for number in range(self.first_child)]
        return tuple(there + [None] * (len(self.codes) - self.first_child))

    def start(self, number):
        return ("runs", 0, 0, None, (), self.codes[number].again)

    # Going past what takes no step.

    def settled(self, x, owners, programs):
        return x, owners, tuple(one and self.past(number, one) for number, one in enumerate(programs))

    def past(self, number, program):
        status, place, last, label, replies, again = program
        code = self.codes[number].operations
        while status == "runs":
            if place == len(code):
                if again == "no":
                    status = "ended"
                    break
                place, last, label, replies = 0, 0, None, ()
                again = "ever" if again == "ever" else "no"
                continue
            name, *operands = code[place]
            if name == "set":
                last = operands[0]
            elif name == "label":
                label = last
            elif name == "expect":
                if last > operands[0]:
                    status = f"{last} at {place}"
                    break
            elif name != "join" or self.children_before(number, place):
                break
            place += 1
        return status, place, last, label, replies, again

    def children_before(self, number, place):
        operations = self.codes[number].operations[:place]
        return [self.first_child + operands[0] for name, *operands in operations if name == "spawn"]

    # Steps.

    def following(self, state):
        return [after for number in range(len(self.codes)) for after in self.steps(state, number)]

    def steps(self, state, number):  # noqa: C901, PLR0912  # a case each
        x, owners, programs = state
        program = programs[number]
        if program is None or program[0] != "runs":
            return []
        place, last = program[1], program[2]
        name, *operands = self.codes[number].operations[place]
        which = operands[0] if operands else 0
        found = []

        def goes(reply, number_now=last, x=x, owners=owners, programs=programs):
            status, place, _, label, replies, again = programs[number]
            now = (status, place + 1, number_now, label, (*replies, reply), again)
            found.append(self.settled(x, owners, put(programs, number, now)))

        match name:
            case "load":
                goes(x[which], x[which])
            case "store":
                goes(None, x=put(x, which, (last + operands[1]) % VALUES))
            case "add":
                goes(x[which], x[which], x=put(x, which, x[which] + 1))
            case "wait" if x[which] == operands[1]:
                goes(None)
            case "lock" if owners[which] is FREE:
                goes(True, owners=put(owners, which, self.names[number]))
            case "unlock" if owners[which] == self.names[number]:
                goes(None, owners=put(owners, which, FREE))
            case "unlock":
                text = f"{self.names[number]} releases lock l{which}, held by {owners[which] or 'nobody'}"
                found.append((x, owners, put(programs, number, (text, *program[1:]))))
            case "trylock" if owners[which] is FREE:
                goes(True, 1, owners=put(owners, which, self.names[number]))
            case "trylock":
                goes(False, 0)
            case "choose":
                goes(1, 1)
                goes(2, 2)
            case "spawn":
                child = self.first_child + which
                goes(self.names[child], programs=put(programs, child, self.start(child)))
            case "join" if all(programs[one][0] == "ended" for one in self.children_before(number, place)):
                goes(None)
        return found

    # How states stand.

    def finished(self, state):
        return all(
            one is None or one[0] == "ended" or self.codes[number].background
            for number, one in enumerate(state[2])
        )

    def over(self, state):
        return self.finished(state) or any(one and one[0] not in ("runs", "ended") for one in state[2])

    def total(self, state, looking):
        labels = [state[2][i][3] or 0 for i in looking.programs]
        return sum(state[0][i] for i in looking.variables) + sum(labels)

    def broken(self, state):
        return {
            f"c{number}"
            for number, looking in enumerate(self.conditions)
            if not looking.sometimes
            and (looking.after is None or state[2][looking.after][0] == "ended")
            and self.total(state, looking) >= looking.limit
        }

    def met(self, state):
        return {
            f"c{number}"
            for number, looking in enumerate(self.conditions)
            if looking.sometimes and self.total(state, looking) >= looking.limit
        }

    def reachable(self, first, most, *, through_broken):
        """Return all states, and the final ones; None and nothing if there are too many."""
        seen, waiting, finals = {first}, [first], set()
        while waiting:
            state = waiting.pop()
            failed = any(one and one[0] not in ("runs", "ended") for one in state[2])
            if self.broken(state) and not through_broken:
                continue
            if self.over(state):
                if not failed:
                    finals.add(state)
                continue
            for after in self.following(state):
                if after not in seen:
                    seen.add(after)
                    waiting.append(after)
            if len(seen) > most:
                return None, set()
        return seen, finals

    def described(self, state):
        x, owners, programs = state
        cells = (*x, *owners)
        local = {(self.names[i], one[4]) for i, one in enumerate(programs) if one is not None}
        return cells, frozenset(local)


def put(values, place, value):
    return (*values[:place], value, *values[place + 1 :])
