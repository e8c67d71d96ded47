"""Checks of drawn worlds that are asked about a few in the ordinary run, and about all of theirs where it is `full`."""

import inspect

import pytest
from hypothesis import given, settings


def both(few, many, *args, suppress=(), **kwargs):
    """Return a decorator like `given(*args, **kwargs)`, for a test that runs twice: `few` examples, and `many` marked full."""

    def decorate(test):
        asked = given(*args, **kwargs)(test)
        ways = {
            count: settings(deadline=None, suppress_health_check=suppress, max_examples=count)(asked_again)
            for count, asked_again in ((few, asked), (many, given(*args, **kwargs)(test)))
        }

        def check(examples, **others):
            ways[examples](**others)

        more = list(inspect.signature(asked).parameters.values())
        own = inspect.Parameter("examples", inspect.Parameter.KEYWORD_ONLY)
        as_keywords = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in more]
        check.__signature__ = inspect.Signature([own, *as_keywords])
        check.__name__, check.__doc__, check.__module__ = test.__name__, test.__doc__, test.__module__
        check.pytestmark = list(getattr(test, "pytestmark", []))
        return pytest.mark.parametrize("examples", [few, pytest.param(many, marks=pytest.mark.full)])(check)

    return decorate
