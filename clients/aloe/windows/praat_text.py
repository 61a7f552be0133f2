"""The data of a text file of Praat: its numbers, texts and flags, whatever stands around them.

Only what stands free counts: texts in double quotes (a quote in them is doubled, and they may have
several lines), numbers and flags. A comment goes from "!" to the end of its line. See "TextGrid
file formats" in Praat's manual; a number may have letters behind it, as in "0s".
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from aloe.tables import TableError

_TOKEN = re.compile(r'"(?P<text>[^"]*(?:""[^"]*)*)"(?!\S)|![^\n]*|(?P<word>[^\s!]+)')
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """A text, a number or a flag, and where it stands."""

    line: int
    value: str | float
    is_flag: bool = False


def tokens(text: str) -> Iterator[Token]:
    """Yield the data of a file. Raises TableError where a text does not end; it has the line."""
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    for found in _TOKEN.finditer(text):
        line = bisect_right(starts, found.start())
        word = found["word"]
        if found["text"] is not None:
            yield Token(line, found["text"].replace('""', '"'))
        elif word is None:
            continue
        elif word.startswith('"'):
            raise TableError(f"line {line}: a text in quotes does not end; double quotes in it")
        elif number := _NUMBER.match(word):
            yield Token(line, float(number[0]))
        elif word.startswith("<"):
            yield Token(line, word, is_flag=True)


class Reader:
    """Takes one thing after the other from a file."""

    def __init__(self, text: str) -> None:
        """Begin at the beginning."""
        self._tokens = tokens(text)
        self.line = 1
        """Of what was taken last."""

    def text(self, what: str) -> str:
        """Return the next text. Raises TableError if something else is there."""
        value = self._next(what).value
        if not isinstance(value, str):
            raise TableError(f"line {self.line}: {value:g} where {what} should be, in quotes")
        return value

    def number(self, what: str) -> float:
        """Return the next number. Raises TableError if something else is there."""
        value = self._next(what).value
        if isinstance(value, str):
            raise TableError(f"line {self.line}: {value!r} where {what} should be, a number")
        return value

    def count(self, what: str) -> int:
        """Return the next number, a whole one. Raises TableError if something else is there."""
        value = self.number(what)
        if value < 0 or value != int(value):
            raise TableError(f"line {self.line}: {value:g} where {what} should be")
        return int(value)

    def flag(self, what: str) -> str:
        """Return the next flag. Raises TableError if something else is there."""
        token = self._next(what, is_flag=True)
        return str(token.value)

    def end(self) -> None:
        """Raise TableError if anything is left."""
        for token in self._tokens:
            raise TableError(f"line {token.line}: {token.value!r} is more than the file promises")

    def _next(self, what: str, *, is_flag: bool = False) -> Token:
        for token in self._tokens:
            self.line = token.line
            if token.is_flag != is_flag:
                raise TableError(f"line {token.line}: {token.value!r} where {what} should be")
            return token
        raise TableError(f"line {self.line}: the file ends before {what}; it was cut off")
