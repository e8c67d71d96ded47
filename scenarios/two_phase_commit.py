"""Two-phase commit: one transaction manager, several resource managers, and the messages that they have sent."""

from enum import Enum
from typing import Annotated, Any, cast

import msgspec

from actors.runtime import (
    Cell,
    Device,
    Footprint,
    Outcome,
    Outcomes,
    Program,
    Read,
    Values,
    World,
    become,
    case,
    scenario,
    set_label,
)

CONSISTENT = "no two resource managers decide differently"


class State(Enum):
    """Where a resource manager stands; the last two are decisions, and what the transaction manager sends."""

    WORKING = "working"
    PREPARED = "prepared"
    COMMITTED = "commit"
    ABORTED = "abort"


DECIDED = (State.COMMITTED, State.ABORTED)


class Next(msgspec.Struct, frozen=True):
    """A resource manager goes on: to a state that it may choose by itself, or as a decision that was sent says."""

    rm: int
    may: tuple[State, ...]


class Manage(msgspec.Struct, frozen=True):
    """The transaction manager goes on: it hears of somebody who prepared, or decides."""

    prepared: tuple[bool, ...]


class Network(Device, frozen=True):
    """The messages that have been sent. None is ever lost or taken out, so they may be received in any order.

    A cell each says whether Prepared has been sent by a resource manager; one more holds Commit or Abort, since
    at most one of the two is ever sent.
    """

    rms: int

    @property
    def decision(self) -> Cell:
        """The cell of Commit and Abort."""
        return Cell("decision")

    def prepared(self, rm: int) -> Cell:
        """The cell of one resource manager's Prepared."""
        return Cell(f"prepared{rm}")

    def footprint(self, sender: Program, message: Any, read: Read) -> Footprint:
        """A resource manager's own message and the decision, or all there is."""
        del sender, read
        if isinstance(message, Next):
            own = self.prepared(message.rm)
            return Footprint((self.decision, own), (own,), self.name)
        everybody = tuple(self.prepared(rm) for rm in range(self.rms))
        return Footprint((*everybody, self.decision), (self.decision,), self.name)

    def handle(self, sender: Program, message: Any, values: Values) -> Outcomes:
        """Everything that the sender could do now, each an outcome; it replies what was done."""
        del sender
        return self._next(message, values) if isinstance(message, Next) else self._manage(message, values)

    def _next(self, message: Next, values: Values) -> Outcomes:
        found = []
        for state in message.may:
            sent = ((self.prepared(message.rm), True),) if state is State.PREPARED else ()
            found.append(Outcome(state, sent, f"choose {state.value}"))
        decision = values[self.decision]
        if decision is not None:
            found.append(Outcome(decision, (), f"receive {decision.value}"))
        return tuple(found)

    def _manage(self, message: Manage, values: Values) -> Outcomes:
        found = [
            Outcome(rm, (), f"receive prepared{rm}")
            for rm, known in enumerate(message.prepared)
            if not known and values[self.prepared(rm)]
        ]
        if all(message.prepared):
            found.append(Outcome(State.COMMITTED, ((self.decision, State.COMMITTED),), "send commit"))
        found.append(Outcome(State.ABORTED, ((self.decision, State.ABORTED),), "send abort"))
        return tuple(found)

    def describe(self, message: Any) -> str:
        """One action of whoever sends it; the outcome's label says which."""
        del message
        return "act"


async def resource_manager(network: Network, rm: int, state: State, impatient: bool) -> Any:
    """Prepare or give up, then do as the transaction manager says; an impatient one gives up even then."""
    set_label("state", state)
    if state in DECIDED:
        return None
    may: tuple[State, ...] = (State.ABORTED,) if impatient else ()
    if state is State.WORKING:
        may = (State.PREPARED, State.ABORTED)
    after = cast("State", await network.send(Next(rm, may)))
    return become(resource_manager, network, rm, after, impatient)


async def transaction_manager(network: Network, prepared: tuple[bool, ...]) -> Any:
    """Commit once everybody has prepared; abort whenever you like before that."""
    done = await network.send(Manage(prepared))
    if done in DECIDED:
        return None
    now = (*prepared[:done], True, *prepared[done + 1 :])
    return become(transaction_manager, network, now)


def consistent(*states: State) -> bool:
    """Say whether nobody has aborted what another has committed."""
    return not (State.COMMITTED in states and State.ABORTED in states)


def all_committed(*states: State) -> bool:
    """Say whether everybody has committed."""
    return set(states) == {State.COMMITTED}


def all_aborted(*states: State) -> bool:
    """Say whether everybody has aborted."""
    return set(states) == {State.ABORTED}


@scenario(
    cases=[
        case(rms=3, expect="proved", states=288),
        case(rms=5, expect="proved", states=8_832),
        case(rms=3, impatient=True, expect="violated", violated=(CONSISTENT,), states=450, steps=9),
    ]
)
def two_phase_commit(rms: Annotated[int, msgspec.Meta(ge=1, le=7)] = 3, impatient: bool = False) -> World:
    """Can one resource manager commit what another aborts?

    Lamport's TwoPhase ("Consensus on Transaction Commit", by Gray and Lamport), as stateright's example `2pc`
    has it. A resource manager is working; it prepares, and says so, or aborts by itself. The transaction manager
    hears of those who have prepared, one at a time. It commits when it has heard of all, or aborts before that
    whenever it likes, and says so; everybody then does the same. Messages are a set: none is lost, none is taken
    out, and each is received whenever its receiver likes.

    Nothing in here is a CPU, and the number of states is known from elsewhere: 288 with three resource managers,
    8,832 with five. For that to come out, a state must hold what a state holds there and no more. A resource
    manager's state is its behaviour: it becomes its next one, so it makes no difference whether it aborted by
    itself or was told to. Whom the transaction manager has heard of is an argument of what it becomes. One step
    is one action there, so a message is sent in the step that decides to. All programs are required, and each
    ends where nothing but repetitions would follow; so no state is cut off before everybody has decided.

    With `impatient` a resource manager that has prepared may still abort by itself, if it hears nothing: the
    mistake that the protocol exists to prevent. Another may have been told to commit.
    """
    world = World()
    network = Network("network", rms)
    world.cell(network.decision, None)
    for rm in range(rms):
        world.cell(network.prepared(rm), False)
    world.program(transaction_manager, network, (False,) * rms, name="tm")
    managers = [
        world.program(resource_manager, network, rm, State.WORKING, impatient, name=f"rm{rm}")
        for rm in range(rms)
    ]
    states = [manager.label("state") for manager in managers]
    world.always(CONSISTENT, consistent, *states)
    world.sometimes("all commit", all_committed, *states)
    world.sometimes("all abort", all_aborted, *states)
    return world
