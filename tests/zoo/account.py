"""A deposit, a withdrawal, and somebody who adds it up wrongly."""

import msgspec

from actors.runtime import Lock, Variable, World, case, scenario, spawn

START, DEPOSITED, WITHDRAWN = 1, 2, 4


class Account(msgspec.Struct, frozen=True):
    """What the three threads share."""

    balance: Variable[int]
    deposited: Variable[bool]
    withdrawn: Variable[bool]
    lock: Lock


async def deposit(account: Account) -> None:
    """Add to the balance, and say so."""
    await account.lock.acquire()
    await account.balance.store(await account.balance.load() + DEPOSITED)
    await account.deposited.store(True)
    await account.lock.release()


async def withdraw(account: Account) -> None:
    """Take from the balance, and say so."""
    await account.lock.acquire()
    await account.balance.store(await account.balance.load() - WITHDRAWN)
    await account.withdrawn.store(True)
    await account.lock.release()


async def check(account: Account, expected: int) -> None:
    """If both are through, the balance is what it should be."""
    await account.lock.acquire()
    if await account.deposited.load() and await account.withdrawn.load():
        assert await account.balance.load() == expected, "the balance is wrong"
    await account.lock.release()


async def main(account: Account, expected: int) -> None:
    """Start the one that checks first; nobody waits for anybody."""
    await spawn(check, account, expected, name="check")
    await spawn(deposit, account, name="deposit")
    await spawn(withdraw, account, name="withdraw")


@scenario(
    cases=[
        case(expect="violated", violated=("main.check: AssertionError",), states=86, steps=17),
        case(fixed=True, expect="proved", states=88),
    ]
)
def account(fixed: bool = False) -> World:
    """Is the check ever reached with both bookings done?

    Every access is under the lock, and no order spoils the balance. It is the check that is wrong (it subtracts the deposit),
    and it is made only if it comes last, although it is started first. `fixed` adds the deposit.
    """
    world = World()
    shared = Account(
        world.variable("balance", START),
        world.variable("deposited", False),
        world.variable("withdrawn", False),
        world.lock("lock"),
    )
    world.program(main, shared, START + (DEPOSITED if fixed else -DEPOSITED) - WITHDRAWN)
    world.sometimes("both are booked", both, shared.deposited, shared.withdrawn)
    return world


def both(deposited: bool, withdrawn: bool) -> bool:
    """Say whether both are through."""
    return deposited and withdrawn
