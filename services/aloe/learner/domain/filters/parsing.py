"""The language of filters: a subset of that of https://google.aip.dev/160.

    filter     = term { "AND" term } | term { "OR" term }
    term       = [ "NOT" ] ( "(" filter ")" | comparison )
    comparison = name ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value | name ":*"
    value      = a number, a word, or a text in quotes

AIP-160 lets OR bind closer than AND; here the two do not stand side by side without parentheses.
"""

import re
from dataclasses import dataclass
from enum import Enum

from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.filters.syntax import (
    FIELD,
    Comparison,
    Filter,
    Junction,
    Negation,
    Node,
    Operator,
    Presence,
    problem_at,
)

MAX_LENGTH = 4_096
MAX_DEPTH = 50
"""Of parentheses within each other."""
_NAME = re.compile(r"(?:attributes\.)?[A-Za-z_][A-Za-z0-9_]{0,63}")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class _Kind(Enum):
    TEXT = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
    NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.:-])"
    WORD = r"[A-Za-z_][\w.~-]*"
    PRESENCE = r":\s*\*"
    OPERATOR = r"[<>!]=|[<>=]"
    OPEN = r"\("
    CLOSE = r"\)"
    END = r"\Z"


_TOKEN = re.compile(
    r"\s*(?:" + "|".join(f"(?P<{kind.name}>{kind.value})" for kind in _Kind) + ")",
    re.ASCII | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: _Kind
    text: str
    place: int
    """Of its first character, from 1."""

    @property
    def said(self) -> str:
        return "the end" if self.kind is _Kind.END else repr(self.text[:40])


def parse_filter(text: str) -> Filter | None:
    """Read a filter; None of an empty text.

    Raises:
        InvalidInput: it is none; the message names the place.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidInput.of(FIELD, f"{len(text):,} characters; at most {MAX_LENGTH:,}")
    if not text.strip():
        return None
    return Filter(text, _Parser(_tokens(text)).whole())


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    end = 0
    while not tokens or tokens[-1].kind is not _Kind.END:
        found = _TOKEN.match(text, end)
        if found is None:
            rest = text[end:].lstrip()
            place = len(text) - len(rest) + 1
            raise problem_at(
                place,
                f"{rest[:20]!r} cannot be read; a value that is no number and no plain word, such"
                ' as a time, stands in quotes: made >= "2026-05-04"',
            )
        assert found.lastgroup is not None  # noqa: S101 - each branch is a group
        kind = _Kind[found.lastgroup]
        tokens.append(_Token(kind, found[kind.name], found.start(kind.name) + 1))
        end = found.end()
    return tokens


class _Parser:
    """Takes tokens from the left."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._next = tokens, 0

    def whole(self) -> Node:
        node = self._filter(0)
        if self._token.kind is not _Kind.END:
            raise problem_at(
                self._token.place, f"{self._token.said} where AND, OR or the end should stand"
            )
        return node

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, kind: _Kind, *texts: str) -> _Token | None:
        token = self._token
        if token.kind is not kind or (texts and token.text not in texts):
            return None
        self._next += 1
        return token

    def _filter(self, depth: int) -> Node:
        parts = [self._term(depth)]
        joined = ""
        while token := self._take(_Kind.WORD, "AND", "OR"):
            if joined and token.text != joined:
                raise problem_at(
                    token.place, "AND and OR side by side; put parentheses around one of them"
                )
            joined = token.text
            parts.append(self._term(depth))
        return Junction(tuple(parts), needs_all=joined == "AND") if joined else parts[0]

    def _term(self, depth: int) -> Node:
        if self._take(_Kind.WORD, "NOT"):
            # Not the grammar's own rule again: NOT NOT says nothing.
            return Negation(self._atom(depth))
        return self._atom(depth)

    def _atom(self, depth: int) -> Node:
        opened = self._take(_Kind.OPEN)
        if opened is None:
            return self._comparison()
        if depth == MAX_DEPTH:
            raise problem_at(opened.place, f"over {MAX_DEPTH} parentheses within each other")
        inner = self._filter(depth + 1)
        if not self._take(_Kind.CLOSE):
            raise problem_at(
                self._token.place,
                f"{self._token.said} where the parenthesis of character {opened.place} should end",
            )
        return inner

    def _comparison(self) -> Node:
        name = self._take(_Kind.WORD)
        if name is None or name.text in ("AND", "OR", "NOT"):
            token = name or self._token
            raise problem_at(token.place, f"{token.said} where the name of a field should stand")
        if not _NAME.fullmatch(name.text):
            raise problem_at(name.place, f"{name.said} is no name of a field")
        if self._take(_Kind.PRESENCE):
            return Presence(name.text, name.place)
        operator = self._take(_Kind.OPERATOR)
        if operator is None:
            raise problem_at(
                self._token.place,
                f"{self._token.said} after {name.text}; write = != < <= > >= and a value, or :*",
            )
        return Comparison(name.text, Operator(operator.text), self._value(), name.place)

    def _value(self) -> str | float:
        if token := self._take(_Kind.NUMBER):
            return float(token.text)
        if token := self._take(_Kind.TEXT):
            return _ESCAPE.sub(r"\1", token.text[1:-1])
        token = self._take(_Kind.WORD)
        if token is None or token.text in ("AND", "OR", "NOT"):
            token = token or self._token
            raise problem_at(token.place, f"{token.said} where a value should stand")
        return token.text
