"""Worlds that tests of schedules play with."""

import random

from actors.runtime import World, become, scenario, set_label


async def withdraw(balance, amount):
    if await balance.load() >= amount:
        set_label("granted")
        await balance.store(await balance.load() - amount)


def not_negative(value):
    return value >= 0


def below(value):
    return value < 100


@scenario()
def overdraft(amount: int = 80) -> World:
    """Can withdrawals overdraw an account of 100?"""
    world = World()
    balance = world.variable("balance", 100)
    for who in ("alice", "bob", "carol"):
        world.program(withdraw, balance, amount, name=who)
    world.always("the balance is never negative", not_negative, balance)
    world.always("the balance is hardly negative", lambda value: value > -100, balance)
    world.sometimes("money is withdrawn", below, balance)
    return world


async def endless(x):
    await x.load()
    return become(endless, x)


async def throws(x, choice):
    for _ in range(3):
        await x.fetch_add(await choice.choose(0, 1, 2))


async def unsure(x):
    await x.store(random.randrange(1 << 30))
    await x.load()


async def shouts(x):
    """Say at its end that it has been closed: a coroutine that Python ended would not get that far without complaint."""
    try:
        await x.wait_for(1)
    finally:
        await x.load()


def of(*programs, choice=False):
    world = World()
    x = world.variable("x", 0)
    for program in programs:
        world.program(program, x, *((world.choice(),) if choice else ()))
    return world
