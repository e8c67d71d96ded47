"""Random numbers by counting: a draw is a function of (seed, execution, which draw), so it needs no state.

SplitMix64 (Steele, Lea, Flood 2014), which is a mixing function over a counter. Thousands of executions can
draw at once, or one of them alone, and get the same numbers, on any version of Python.
"""

MASK = (1 << 64) - 1
STEP = 0x9E3779B97F4A7C15
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
HALF = 32
LOW = (1 << HALF) - 1


def mixed(number: int) -> int:
    """Spread 64 bits over 64 bits."""
    number = (number ^ number >> 30) * FIRST & MASK
    number = (number ^ number >> 27) * SECOND & MASK
    return number ^ number >> 31


def stream(seed: int, number: int) -> int:
    """Return where the draws of one execution begin."""
    return mixed(seed_of(seed) + number * STEP & MASK)


def seed_of(seed: int) -> int:
    """Return 64 bits for a seed of any size."""
    found = SECOND if seed < 0 else 0
    seed = abs(seed)
    while True:
        found = mixed((found + seed + STEP) & MASK)
        seed >>= 64
        if not seed:
            return found


def draw(base: int, which: int) -> int:
    """Return one draw of a stream: 64 bits; `which` counts from 1."""
    number = base + which * STEP & MASK
    number = (number ^ number >> 30) * FIRST & MASK
    number = (number ^ number >> 27) * SECOND & MASK
    return number ^ number >> 31


def below(bits: int, count: int) -> int:
    """Make a number below `count` of the upper half of a draw."""
    return (bits >> HALF) * count >> HALF


def below_too(bits: int, count: int) -> int:
    """Make another number below `count` of the lower half of the same draw."""
    return (bits & LOW) * count >> HALF


class Draws:
    """The draws of one execution, one after the other."""

    __slots__ = ("_base", "_which")

    def __init__(self, seed: int, number: int) -> None:
        self._base = stream(seed, number)
        self._which = 0

    def bits(self) -> int:
        """Draw 64 bits."""
        self._which += 1
        return draw(self._base, self._which)

    def below(self, count: int) -> int:
        """Draw a number below `count`; for more than 2**31 of them the remainder is too uneven."""
        return below(self.bits(), count)

    def wide_below(self, count: int) -> int:
        """Draw a number below `count`, however large, each as likely as the others to within 2**-64."""
        words = count.bit_length() // 64 + 2
        number = 0
        for _ in range(words):
            number = number << 64 | self.bits()
        return number * count >> 64 * words
