"""Typed attributes, gathered from headers that may hold anything."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from math import isfinite

Value = str | float | datetime
"""A time has a time zone."""

_MOST_ATTRIBUTES, _MOST_NOTES = 64, 10
_NAME_LENGTH, _TEXT_LENGTH = 64, 1_024
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]+")


@dataclass(slots=True)
class Attributes:
    """What was found; what cannot be used is noted, and what is said first holds."""

    zone: tzinfo | None = None
    """That of times which have none."""
    values: dict[str, Value] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        """Say what cannot be used."""
        if len(self.notes) < _MOST_NOTES:
            self.notes.append(what)

    def text(self, name: str, text: str) -> None:
        """Take a text, without what no text has."""
        cleaned = _CONTROLS.sub(" ", text).strip()
        if len(cleaned) > _TEXT_LENGTH:
            self.note(f"{name}: only the first {_TEXT_LENGTH:,} characters are taken")
        if cleaned:
            self._put(name, cleaned[:_TEXT_LENGTH])

    def number(self, name: str, text: str) -> None:
        """Take a number."""
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if isfinite(number):
            self._put(name, number)
        else:
            self.note(f"{name}: {text[:40]!r} is no number")

    def time(self, name: str, time: datetime | str) -> None:
        """Take a time, or what ISO 8601 writes so."""
        try:
            time = datetime.fromisoformat(time) if isinstance(time, str) else time
            if time.tzinfo is None and self.zone is not None:
                time = time.replace(tzinfo=self.zone)
            time.astimezone(UTC)  # has to be within the years that there are
        except (ValueError, OverflowError):
            self.note(f"{name}: {str(time)[:40]!r} is no time")
            return
        if time.tzinfo is None:
            self.note(f"{name}: {time.isoformat()} has no time zone: say which one it is")
            self._put(f"{name}_local", time.isoformat())
        else:
            self._put(name, time)

    def _put(self, name: str, value: Value) -> None:
        name = name[:_NAME_LENGTH]
        if len(self.values) < _MOST_ATTRIBUTES:
            self.values.setdefault(name, value)
        elif name not in self.values:
            self.note(f"{name}: over {_MOST_ATTRIBUTES} attributes")


def decoded(body: bytes) -> str:
    """Return the text of a chunk, up to the zeros that fill it."""
    body = body.rstrip(b"\0")
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")


def name_of(key: str) -> str:
    """Return a key as the name of an attribute."""
    return re.sub(r"[^a-z0-9]+", "_", key.lower()).strip("_")
