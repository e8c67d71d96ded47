"""Small worlds drawn from a seed: programs as tuples of operations, over variables and locks, that may go round for ever.

`build` gives such a world the runtime's meaning; `on_tuples` gives it another one, which shares no code with it.
"""

import random
from typing import NamedTuple

from actors.runtime import World, become, join, set_label, spawn

VARIABLES, LOCKS = 3, 2
HELD = tuple([f"v{i}" for i in range(VARIABLES)] + [f"l{i}" for i in range(LOCKS)])
STEPLESS = ("expect", "label", "set", "join")
VALUES = 3  # a variable holds less than this, but for a moment


class Code(NamedTuple):
    """A program: operations, and how often it begins anew: not, once, or for ever."""

    operations: tuple
    background: bool
    again: str = "no"


class Looking(NamedTuple):
    """A condition: the sum of variables and of programs' labels stays below a limit, or reaches it sometimes.

    `after` is a program that has to have returned before.
    """

    variables: tuple
    programs: tuple
    limit: int
    sometimes: bool = False
    after: int | None = None


class Drawn(NamedTuple):
    """A world; children are numbered, and each is spawned in one place."""

    programs: tuple
    children: tuple
    conditions: tuple


WAITS_FOR_THE_END = Drawn(
    (
        Code((("load", 2),), background=False),
        Code((("spawn", 0), ("set", 1), ("store", 0, 0)), background=False),
    ),
    (Code((("wait", 0, 1), ("add", 1)), background=True),),
    (),
)
"""A spawned program that need not finish can do so only behind the last step of its parent."""


def draw(seed):
    """Draw the world of a seed."""
    return _Drawing(random.Random(f"reduction {seed}")).world()


class _Drawing:
    def __init__(self, chance):
        self.chance = chance
        self.children = []
        plain = [
            "load",
            "store",
            "add",
            "choose",
            "label",
            "locked",
            "pulse",
            "flash",
            "spawn",
            "lock",
            "unlock",
            "trylock",
            "wait",
            "expect",
        ]
        self.names = chance.sample(plain, 5, counts=[4, 4, 4, 2, 4, 4, 6, 4, 3, 1, 1, 2, 2, 3])

    def world(self):
        chance = self.chance
        programs = [self.program() for _ in range(chance.randint(2, 4))]
        if all(program.background for program in programs):
            programs[0] = programs[0]._replace(background=False)
        looking = tuple(self.condition(len(programs)) for _ in range(chance.choice([1, 1, 2, 3])))
        return Drawn(tuple(programs), tuple(self.children), looking)

    def program(self):
        operations = self.operations(self.chance.choice([1, 2, 3, 3, 4, 5]), nested=False)
        steps = any(name not in STEPLESS for name, *_ in operations)
        spawns = any(name == "spawn" for name, *_ in operations)
        again = self.chance.choice(["no", "no", "once", "ever"]) if steps and not spawns else "no"
        if spawns and self.chance.random() < 0.6:
            operations += (("join",),)
        return Code(operations, self.chance.random() < 0.35, again)

    def operations(self, most, *, nested):
        found = ()
        while len(found) < most:
            found += self.some(nested=nested)
        return found

    def some(self, *, nested):
        """Draw an operation, or a few that belong together."""
        chance = self.chance
        name = chance.choice(self.names)
        match name:
            case "load" | "add":
                return ((name, chance.randrange(VARIABLES)),)
            case "store" | "wait":
                return ((name, chance.randrange(VARIABLES), chance.randrange(VALUES)),)
            case "lock" | "unlock" | "trylock":
                return ((name, chance.randrange(LOCKS)),)
            case "locked":
                lock, which = chance.randrange(LOCKS), chance.randrange(VARIABLES)
                return (("lock", lock), ("load", which), ("store", which, 1), ("unlock", lock))
            case "pulse":
                which = chance.randrange(VARIABLES)
                return (("set", 0), ("store", which, 2), ("store", which, 0))
            case "flash":
                which = chance.randrange(VARIABLES)
                return (("load", which), ("set", 2), ("label",), ("load", which), ("set", 0), ("label",))
            case "expect":
                return ((name, chance.choice([1, 2, 2, 3])),)
            case "spawn" if nested or len(self.children) == 2:
                return (("choose",),)
            case "spawn":
                self.children.append(None)
                number = len(self.children) - 1
                background = chance.random() < 0.4
                self.children[number] = Code(self.operations(chance.randint(0, 2), nested=True), background)
                return ((name, number),)
        return ((name,),)

    def condition(self, programs):
        chance = self.chance
        variables = tuple(sorted(chance.sample(range(VARIABLES), chance.randint(0, 2))))
        labels = tuple(sorted(chance.sample(range(programs), chance.randint(not variables, 2))))
        limit = 2 * len(variables + labels) - chance.choice([0, 0, 0, 1, 2])
        after = chance.randrange(programs) if chance.random() < 0.25 else None
        if chance.random() < 0.4:
            return Looking(variables, labels, max(limit, 1), sometimes=True)
        return Looking(variables, labels, max(limit, 1), after=after)


async def carry_out(operations, again, shared, children):  # noqa: C901, PLR0912  # a case each
    """Carry out operations, which may use the number that the last one replied."""
    variables, locks, choice = shared
    last, started = 0, []
    for place, (name, *operands) in enumerate(operations):
        match name:
            case "load":
                last = await variables[operands[0]].load()
            case "store":
                await variables[operands[0]].store((last + operands[1]) % VALUES)
            case "add":
                last = await variables[operands[0]].fetch_add(1)
            case "wait":
                await variables[operands[0]].wait_for(operands[1])
            case "lock":
                await locks[operands[0]].acquire()
            case "unlock":
                await locks[operands[0]].release()
            case "trylock":
                last = int(await locks[operands[0]].try_acquire())
            case "choose":
                last = await choice.choose(1, 2)
            case "set":
                last = operands[0]
            case "label":
                set_label("last", last)
            case "expect":
                assert last <= operands[0], f"{last} at {place}"
            case "spawn":
                child, background = children[operands[0]]
                started.append(await spawn(carry_out, child, "no", shared, (), background=background))
            case "join":
                await join(*started)
    if again == "no":
        return None
    return become(carry_out, operations, "ever" if again == "ever" else "no", shared, children)


def below(limit):
    """Return the predicate of a condition."""

    def holds(*values):
        return sum(value or 0 for value in values) < limit

    return holds


def reached(limit):
    """Return the predicate of a `sometimes`."""

    def holds(*values):
        return sum(value or 0 for value in values) >= limit

    return holds


def build(drawn):
    """Return the world as the runtime understands it."""
    world = World()
    variables = tuple(world.variable(f"v{i}", 0) for i in range(VARIABLES))
    locks = tuple(world.lock(f"l{i}") for i in range(LOCKS))
    children = tuple((code.operations, code.background) for code in drawn.children)
    made = [
        world.program(
            carry_out,
            code.operations,
            code.again,
            (variables, locks, world.choice()),
            children,
            name=f"p{number}",
            background=code.background,
        )
        for number, code in enumerate(drawn.programs)
    ]
    for number, looking in enumerate(drawn.conditions):
        reads = [variables[i] for i in looking.variables] + [made[i].label("last") for i in looking.programs]
        if looking.sometimes:
            world.sometimes(f"c{number}", reached(looking.limit), *reads)
        else:
            after = () if looking.after is None else (made[looking.after],)
            world.always(f"c{number}", below(looking.limit), *reads, after=after)
    return world
