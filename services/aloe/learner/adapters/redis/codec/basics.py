"""What all values in Redis are made of: times, counts, rows, texts."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS_OF_SCRIPTS = 14
UNREADABLE = (
    *(ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError),
    RecursionError,  # Of JSON that is nested deeply.
)
"""What reading a value raises that no server of ours wrote."""
MAX_COUNT = 10**9
"""Of rows, labels, heads, changes: no Redis holds as many."""


def time_of_ms(milliseconds: float | str) -> datetime:
    """Read a time as Redis tells it, or as dump_time wrote it."""
    return _EPOCH + timedelta(milliseconds=int(milliseconds))


def dump_time(time: datetime) -> int | str:
    """Write a time as a script passes it on, in whole milliseconds: none becomes a later one."""
    milliseconds = (time - _EPOCH) // timedelta(milliseconds=1)
    # Scripts write numbers with 14 digits, which last until the year 5138.
    return milliseconds if abs(milliseconds) < 10**_DIGITS_OF_SCRIPTS else str(milliseconds)


def load_count(text: bytes | str | None) -> int:
    """Read a number of rows, labels, heads or changes; none is 0.

    Raises:
        ValueError: it is no number, or none that such a count can be.
    """
    count = int(text or 0)
    if not 0 <= count <= MAX_COUNT:
        raise ValueError(f"{count} is no count")
    return count


def check_row(row: object) -> int:
    """Return the place of a clip in its pool. Raises ValueError where it can be none."""
    if type(row) is not int or not 0 <= row < MAX_COUNT:
        raise ValueError(f"{row!r:.80} is no row")
    return row


def check_texts(*texts: object) -> None:
    """Raise ValueError where something else than text stands."""
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"{text!r:.80} is no text")  # noqa: TRY004 - see UNREADABLE
