"""Errors of the people who write scenarios and programs, told apart from findings.

A finding says that the modelled system goes wrong. A `ModelError` says that the model itself breaks a rule
that vmrace's verdicts rest on, so that no verdict could be trusted; it names the rule, the program, and the
line.
"""


class VmraceError(Exception):
    """What a user can mend: bad input of any kind. Its text is one clear line."""


class ModelError(VmraceError):
    """A world, program, device or condition that breaks a rule which soundness rests on."""


class NotAValue(ModelError):
    """Something else than a value in an argument, default, closure cell, message, reply or cell."""


class Nondeterminism(ModelError):
    """A program or device that did two different things in the same place."""


class ForeignAwait(ModelError):
    """A program awaited something that is not a vmrace message."""


class FootprintError(ModelError):
    """A device touched a cell outside the footprint that it declared."""


class SwallowedTeardown(ModelError):
    """A program went on although it was being closed."""


class Divergence(VmraceError):
    """A schedule asked for a choice that the execution does not offer, or led to another execution."""
