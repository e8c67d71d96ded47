"""What a test can ask of the pytest that runs it; the plugin says, test by test, and without it there is nothing."""

from typing import Protocol


class Context(Protocol):
    """The test that runs: where its tokens are kept, and how somebody runs it again."""

    @property
    def token(self) -> str | None:
        """The token that is to be replayed in place of asking, if somebody gave one."""

    def kept(self) -> tuple[str, ...]:
        """Return the tokens that failed the last time."""

    def keep(self, tokens: tuple[str, ...]) -> None:
        """Keep tokens for the next run, and forget the others."""

    def command(self, token: str) -> str:
        """Return the command that replays a token in this test."""

    def note(self, text: str) -> None:
        """Tell, in a line of its own, whoever reads what pytest prints."""


class Alone:
    """The context of a test that is called by something else than pytest, or by Hypothesis, which keeps its own examples."""

    token = None

    def kept(self) -> tuple[str, ...]:
        """Nothing is kept."""
        return ()

    def keep(self, tokens: tuple[str, ...]) -> None:
        """There is nowhere to keep them."""

    def command(self, token: str) -> str:
        """There is none but what every token has."""
        return f"vmrace replay {token}"

    def note(self, text: str) -> None:
        """Nobody reads it."""


_running: Context | None = None


def running() -> Context:
    """Return the context of the test that runs."""
    return _running if _running is not None else Alone()


def set_running(context: Context | None) -> None:
    """Say which test runs from here on; for the plugin."""
    global _running  # noqa: PLW0603  # pytest runs one test at a time
    _running = context
