"""Labels as `aloe export` writes them: a JSON array or lines of JSON, read entry by entry."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from aloe.tables import YES_NO, Row, TableError, read_bytes, without_repeats
from aloe.values.labels import SEPARATOR

_PARTS = ("positive", "negative", "unknown")
_TIMES = ("start_s", "end_s")
"""Of windows: what an export has in numbers."""
_BLANKS = re.compile(r"[ \t\r\n]*")


def is_json(file: Path, encoding: str | None) -> bool:
    """Whether a file begins as JSON does, and no table. Raises TableError."""
    data, encoding = read_bytes(file, encoding)
    return data[:1_000].decode(encoding, errors="ignore").lstrip().startswith(("[", "{"))


def read_json(file: Path, required: Sequence[str], encoding: str | None) -> Iterator[Row]:
    """Read objects whose values are texts, true, false or null, or sets of labels.

    They are an array, or stand one behind the other.

    Raises:
        TableError: it cannot be used; the message names the entry or the line.
    """
    data, encoding = read_bytes(file, encoding)
    text = data.decode(encoding)
    decoder = json.JSONDecoder(object_pairs_hook=without_repeats)
    begin = _skip(text, 0)
    is_array = text.startswith("[", begin)
    number, at = 0, _skip(text, begin + is_array)
    try:
        while text[at : at + 1] != ("]" if is_array else ""):
            if number and is_array:
                if text[at : at + 1] != ",":
                    raise json.JSONDecodeError("no ',' between entries", text, at)
                at = _skip(text, at + 1)
            entry, at = decoder.raw_decode(text, at)
            cells = _cells(entry, required)
            number += 1
            yield Row(file, number, cells, "entry")
            at = _skip(text, at)
        if is_array and _skip(text, at + 1) != len(text):
            raise json.JSONDecodeError("more behind the array", text, at + 1)
    except json.JSONDecodeError as error:
        raise TableError(f"{file}, line {error.lineno}: not JSON ({error.msg})") from error
    except (ValueError, RecursionError) as error:
        raise TableError(f"{file}, entry {number + 1}: {error}") from error


def _cells(entry: Any, required: Sequence[str]) -> dict[str, str]:
    """Return the cells that a table would have. Raises ValueError where there are none."""
    if not isinstance(entry, dict):
        raise ValueError(f"{entry!r} is no object")  # noqa: TRY004 - each is a wrong file
    for name in required:
        if name not in entry:
            raise ValueError(f"there is no {name!r}")
    entry = dict(_flat(entry))
    for name in _TIMES:
        if isinstance(entry.get(name), int | float):
            entry[name] = str(entry[name])
    for name, value in entry.items():
        if not isinstance(value, str | bool | None):
            raise ValueError(f"{name!r} is {value!r}; it must be text")  # noqa: TRY004
    cells = {
        name: YES_NO[value] if isinstance(value, bool) else value or ""
        for name, value in entry.items()
    }
    if entry["label"] is None:
        cells.setdefault("answer", "abstention")
    return cells


def _flat(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry with cells in place of a set of labels, as a table has them."""
    labels = entry.get("label")
    if not isinstance(labels, dict):
        return entry
    for part, names in labels.items():
        if part not in _PARTS or not (
            isinstance(names, list) and all(isinstance(name, str) for name in names)
        ):
            raise ValueError(
                f"the label has {part!r} {names!r}; it takes lists of classes, {_PARTS}"
            )
    cells = {part: SEPARATOR.join(labels.get(part, ())) for part in _PARTS}
    said = {"label": cells.pop("positive"), "answer": "label", **cells}
    return entry | said


def _skip(text: str, at: int) -> int:
    """Return where the blanks from a place on end."""
    found = _BLANKS.match(text, at)
    return found.end() if found else at
