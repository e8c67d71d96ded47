"""What is refused, and the vectors that the project keeps."""

import pytest

from actors.machine.conform.lines import decode
from tests.machine.conform.samples import recorded


@pytest.fixture
def refused():
    """Decode a line that should be refused, and return what is said."""

    def call(line):
        with pytest.raises(ValueError) as error:
            decode(line)
        return str(error.value)

    return call


@pytest.fixture(scope="session")
def vectors():
    """Give the lines of a set that the project keeps."""

    def call(name):
        return recorded(name)

    return call
