"""One field of many clips as arrays, so that a filter looks at all of them at once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from aloe.learner.domain.arrays import BoolArray
from aloe.values.attributes import AttributeValue

T = TypeVar("T", bound=np.generic)
Int32Array = NDArray[np.int32]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
NO_TIME = np.iinfo(np.int64).min
_NO_TEXT = -1


def microseconds(time: datetime) -> int:
    """Return a time as a number that sorts like it: microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


class Column:
    """A field of clips by row: of each a text, a number or a time, or nothing."""

    def __init__(self, choices: Sequence[str] = ()) -> None:
        """Begin without rows; with choices, its texts are some of these and no others."""
        self.choices = tuple(choices)
        self.texts: list[str] = []
        """Each once."""
        self.has_numbers = self.has_times = False
        self._places: dict[str, int] = {}
        self._row_count = 0
        self._codes: Int32Array = np.empty(0, np.int32)
        # Most columns have values of one kind: these take no room before the first of theirs.
        self._numbers: NDArray[np.float64] = np.empty(0)
        self._times: NDArray[np.int64] = np.empty(0, np.int64)

    @classmethod
    def of_codes(cls, choices: Sequence[str], codes: NDArray[np.signedinteger]) -> "Column":
        """Make a column of choices from their places, (n_clips,) int; -1 for none."""
        made = cls(choices)
        made.texts, made._row_count = list(choices), len(codes)
        made._codes = codes.astype(np.int32)
        return made

    def __len__(self) -> int:
        return self._row_count

    @property
    def codes(self) -> Int32Array:
        """(n_clips,) int32, places in `texts`; -1 where there is no text."""
        return self._codes[: self._row_count]

    @property
    def numbers(self) -> NDArray[np.float64]:
        """(n_clips,) float64, NaN where there is no number; empty unless has_numbers."""
        return self._numbers[: self._row_count]

    @property
    def times(self) -> NDArray[np.int64]:
        """(n_clips,) int64 in microseconds, NO_TIME for none; empty unless has_times."""
        return self._times[: self._row_count]

    def is_there(self) -> BoolArray:
        """Return (n_clips,) bool: which clips have a value."""
        there: BoolArray = self.codes != _NO_TEXT
        if self.has_numbers:
            there |= ~np.isnan(self.numbers)
        if self.has_times:
            there |= self.times != NO_TIME
        return there

    def put(self, row: int, value: AttributeValue | None) -> None:
        """Set the value of a row; rows before it that were never set have none."""
        if row >= self._row_count:
            self.reach(row + 1)
        number = value if isinstance(value, float | int) else None
        if number is not None:
            self._have_numbers()
        elif isinstance(value, datetime):
            self._have_times()
        self._codes[row] = self._place(value) if isinstance(value, str) else _NO_TEXT
        if self.has_numbers:
            self._numbers[row] = np.nan if number is None else number
        if self.has_times:
            self._times[row] = microseconds(value) if isinstance(value, datetime) else NO_TIME

    def reach(self, row_count: int) -> None:
        """Have at least so many rows; new ones have no value."""
        if row_count <= self._row_count:
            return
        if row_count > len(self._codes):
            room = max(row_count, len(self._codes) + len(self._codes) // 2)
            self._codes = _longer(self._codes, room, _NO_TEXT)
            if self.has_numbers:
                self._numbers = _longer(self._numbers, room, np.nan)
            if self.has_times:
                self._times = _longer(self._times, room, NO_TIME)
        self._row_count = row_count

    def _have_numbers(self) -> None:
        if not self.has_numbers:
            self._numbers = _longer(self._numbers, len(self._codes), np.nan)
            self.has_numbers = True

    def _have_times(self) -> None:
        if not self.has_times:
            self._times = _longer(self._times, len(self._codes), NO_TIME)
            self.has_times = True

    def _place(self, text: str) -> int:
        place = self._places.setdefault(text, len(self.texts))
        if place == len(self.texts):
            self.texts.append(text)
        return place


def _longer(values: NDArray[T], room: int, filler: float) -> NDArray[T]:
    longer = np.full(room, filler, values.dtype)
    longer[: len(values)] = values
    return longer
