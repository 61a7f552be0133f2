"""What is cut out of a recording, and by which plan."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from aloe.audio.arrays import Float32Array
from aloe.audio.errors import BadAudio

_MOST_S, _LEAST_S = 1_000_000_000, 1e-12
Seconds = int | float | str | Fraction
"""A float stands for the decimal number that it is written as: 0.1 is a tenth."""


DEFAULT_MAX_WINDOW_S = 60.0
"""What encoders take, and what is kept in memory."""


class BadCut(ValueError):
    """A recording cannot be cut so; names the field and says what would be right."""

    def __init__(self, field: str, description: str) -> None:
        super().__init__(f"{field}: {description}")
        self.field, self.description = field, description


class PastEnd(BadAudio):
    """What was to be cut out lies, wholly or in part, behind the end of the recording."""

    def __init__(self, numbers: Sequence[int], message: str) -> None:
        """Take the numbers of the spans."""
        super().__init__(message)
        self.numbers = tuple(numbers)


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a recording, in frames."""

    number: int
    """Its place in the plan, from 0."""
    first: int
    end: int
    """The first one behind it."""
    padding: int = 0
    """How many zeros follow, to make a window of full length of it."""

    def __len__(self) -> int:
        return self.end - self.first


@dataclass(frozen=True, slots=True)
class Window:
    """What was cut out."""

    span: Span
    samples: Float32Array
    """(n_samples,), at the recording's rate, with full scale 1."""


class Plan(Protocol):
    """Says what is cut out, as the recording goes by."""

    @property
    def needed_from(self) -> int:
        """The first frame that a later span may begin with."""

    def hear(self, begin: int, samples: Float32Array) -> Iterator[Span]:
        """Take the next samples, of which the first is frame `begin`; yield what begins in them.

        Spans may end later, or begin earlier but not before what was needed until now.
        """

    def rest(self, end: int, open_spans: Sequence[Span]) -> Iterator[Span]:
        """Yield what is left to be cut out of a recording that ends.

        Args:
            end: its length in frames.
            open_spans: those that end behind it, by end.

        Raises:
            PastEnd: something that was wanted is not there; the rest was yielded before.
        """


def exact(seconds: Seconds, field: str) -> Fraction:
    """Return seconds as the number that was meant.

    Raises:
        BadCut: they are no number, or years.
    """
    try:
        size = abs(float(seconds))
        if not size <= _MOST_S:
            raise ValueError(seconds)
        return Fraction(str(seconds)) if size >= _LEAST_S else Fraction(0)
    except (ValueError, ArithmeticError) as error:
        raise BadCut(
            field, f"{seconds!r} is no number of seconds, such as 2.5, up to {_MOST_S:,}"
        ) from error


def frames_of(seconds: Fraction, sample_rate_hz: int) -> int:
    """Return the frame at a time: the nearest one, of two the even one."""
    return round(seconds * sample_rate_hz)
