"""The world in which programs break rules, and programs that break none.

The tests beside this are the acceptance of the runtime: what no verdict could survive is caught, and named by program,
step where there is one, and source line. Each program or device breaks one rule, at the line that carries the mark
that its test looks for.
"""

from actors.runtime import World


def a_world(function, *more):
    """Build a world with a variable x, a lock l, and one program that gets both."""
    world = World()
    world.program(function, world.variable("x", 0), world.lock("l"), *more, name="p")
    return world


async def stores(x, lock, items):
    await x.store(len(items))


async def stores_one(x, lock):
    await x.store(1)
