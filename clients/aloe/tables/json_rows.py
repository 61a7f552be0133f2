"""JSON lines as the rows of a table: an object a line, whose values become cells."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from aloe.tables.content import read_bytes
from aloe.tables.errors import TableError
from aloe.tables.rows import Row
from aloe.values.labels import SEPARATOR

YES_NO = {True: "yes", False: "no"}
"""How a table writes what JSON has words for."""


def read_json_lines(
    file: Path,
    required: Sequence[str],
    *,
    encoding: str | None = None,
    lists: Sequence[str] = (),
) -> Iterator[Row]:
    """Read objects whose values are texts, numbers, true, false or null; null is an empty cell.

    A number becomes the text that stands there. Blanks around a text are kept. What `lists` names
    may be a list of texts, which become one cell with ";" between them; of no text it is a ";".

    Raises:
        TableError: a line is no such object, or lacks a name; the message names the line.
    """
    data, encoding = read_bytes(file, encoding)
    # Only this ends a line: other line breaks may stand in a text.
    for number, line in enumerate(data.decode(encoding).split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield Row(file, number, _cells(line, required, lists))
        except json.JSONDecodeError as error:
            raise TableError(f"{file}, line {number}: not JSON ({error.msg})") from error
        except (ValueError, RecursionError) as error:
            raise TableError(f"{file}, line {number}: {error}") from error


def without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON. Raises ValueError if a name stands in it twice."""
    entry = dict(pairs)
    if len(entry) < len(pairs):
        raise ValueError("a name stands in it twice")
    return entry


class _Number(str):
    """The text of a number."""

    __slots__ = ()


def _cells(line: str, required: Sequence[str], lists: Sequence[str]) -> dict[str, str]:
    entry = json.loads(
        line,
        parse_float=_Number,
        parse_int=_Number,
        parse_constant=_Number,
        object_pairs_hook=without_repeats,
    )
    if not isinstance(entry, dict):
        raise ValueError(f"{entry!r} is no object")  # noqa: TRY004 - each is a wrong file
    for name in required:
        if name not in entry:
            raise ValueError(f"there is no {name!r}; each line must have {', '.join(required)}")
    return {
        name: _joined(name, value)
        if name in lists and isinstance(value, list)
        else _cell(name, value)
        for name, value in entry.items()
    }


def _joined(name: str, texts: list[Any]) -> str:
    for text in texts:
        if type(text) is not str or not text.strip() or SEPARATOR in text:
            raise ValueError(f"{name!r} has {text!r}; it must be text, without {SEPARATOR!r}")
    return SEPARATOR.join(texts) or SEPARATOR


def _cell(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return YES_NO[value]
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name!r} is {value!r}; it must be text, a number, true, false or null")  # noqa: TRY004
    return str(value)
