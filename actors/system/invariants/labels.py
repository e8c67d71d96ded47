"""What programs say of themselves: predicates over labels."""

from typing import Any


def unset(label: Any) -> bool:
    """A label that must never be set, is not."""
    return label is None


def is_set(label: Any) -> bool:
    """A label is set."""
    return bool(label)


def known(label: Any) -> bool:
    """A label has been set, to whatever."""
    return label is not None


def not_false(label: Any) -> bool:
    """A comparison that a program made did not fail."""
    return label is not False


def none_or_zero(label: Any) -> bool:
    """A value that must be zero once it is known."""
    return not label
