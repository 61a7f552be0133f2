"""Attributes of clips as people write them: NAME=VALUE, columns of tables, parts of paths."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

import typer

from aloe.cli.console import CommandError
from aloe.client import Attributes, AttributeValue
from aloe.tables import Numbers, Row, TableError, read_json_lines, read_table
from aloe.values.attributes import MalformedAttribute, check_attributes, check_name

_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:[.,]\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
"""Not 007, which names something."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ].*)?|\d{8}[T_-]\d{6}.*", re.ASCII)
_COMPACT = re.compile(r"(\d{8})[_-](\d{6})", re.ASCII)
"""As recorders name their files."""
_ANYTHING = "([^/]+)"
_TIME_IN_NAME = r"(\d{4}-\d{2}-\d{2}[^/]*|\d{8}[_-]\d{6})"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}|(\*\*/?)|(\*)|(\?)")
TIME_FORM = "2026-05-04T13:00:00+00:00 or 20260504_130000, which are UTC without a zone"


class Kind(Enum):
    """What values an attribute has."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Column:
    """An attribute by its name, and what it holds if that is said."""

    name: str
    kind: Kind | None

    @classmethod
    def parse(cls, text: str) -> "Column":
        """Read "site" or "site:text". Raises CommandError."""
        name, colon, kind = text.partition(":")
        try:
            return cls(check_name(name), Kind(kind) if colon else None)
        except MalformedAttribute as error:
            raise CommandError(f"{text!r}: {error}") from None
        except ValueError:
            kinds = ", ".join(each.value for each in Kind)
            raise CommandError(f"{text!r}: there are attributes of {kinds}") from None


def parse_assignments(texts: Sequence[str]) -> Attributes:
    """Read "NAME=VALUE" or "NAME:TYPE=VALUE". Raises CommandError."""
    cells: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"{text!r} is not of the form NAME=VALUE")
        if name in cells:
            raise CommandError(f"{name} is set twice")
        cells[name] = value
    (attributes,) = read_rows([Row(Path(), 1, cells)], list(cells)) if cells else ({},)
    return attributes


def attributes_text(attributes: Attributes) -> str:
    """Write attributes for people to read."""
    return " ".join(f"{name}={text_of(value)}" for name, value in attributes.items())


def read_rows(rows: Sequence[Row], headings: Iterable[str]) -> list[Attributes]:
    """Read the attributes of each row, which the headings name: "site" or "site:text".

    Where the kind is not said, those are numbers or times that all look so in their column; an
    empty cell is none.

    Raises:
        CommandError: a heading or a cell is none; the message says where.
    """
    found: list[dict[str, AttributeValue]] = [{} for _ in rows]
    for heading in headings:
        column, numbers = Column.parse(heading), Numbers()
        filled = [(row, into) for row, into in zip(rows, found, strict=True) if row.cells[heading]]
        kind = column.kind or _kind_of([row for row, _ in filled], heading)
        for row, into in filled:
            if column.name in into:
                raise CommandError(f"two columns are called {column.name!r}; keep one")
            try:
                into[column.name] = _value(row, heading, kind, numbers)
            except ValueError as error:
                raise CommandError(f"{_where(row)}{error}") from None
    for row, attributes in zip(rows, found, strict=True):
        try:
            check_attributes(attributes)
        except MalformedAttribute as error:
            raise CommandError(f"{_where(row)}{error}") from None
    return list[Attributes](found)


def read_keyed(file: Path, keys: Sequence[str]) -> tuple[str, dict[str, Attributes]]:
    """Read a table, CSV or JSON lines, one column of which names clips and the others attributes.

    Args:
        file: the table.
        keys: what the column may be called that names them.

    Returns:
        Which column that is, and attributes by its values.

    Raises:
        CommandError: it cannot be used; the message names the line.
    """
    read = read_json_lines if file.suffix in (".jsonl", ".ndjson") else read_table
    try:
        key = next((each for each in keys if each in _first_line(file)), keys[0])
        rows = list(read(file, [key]))
        named = [row.require(key) for row in rows]
    except TableError as error:
        raise CommandError(str(error)) from error
    first: dict[str, Row] = {}
    for name, row in zip(named, rows, strict=True):
        if first.setdefault(name, row) is not row:
            raise CommandError(
                f"{row.where}: {name} stood in {first[name].unit} "
                f"{first[name].number} already; keep one of them"
            )
    headings = dict.fromkeys(name for row in rows for name in row.cells if name not in ("", key))
    whole = [_with_all(row, headings) for row in rows]
    return key, dict(zip(named, read_rows(whole, headings), strict=True))


class PathPattern:
    """A pattern like "{site}/{date}_*.wav", which takes attributes from paths."""

    def __init__(self, pattern: str) -> None:
        """Read it; "*" and "?" stand for anything within a name, "**" for folders as well.

        Each part, from left to right, takes as much as it can; a time takes what looks like one,
        with the "_" of recorders in it, where all of the path can be read so.

        Raises:
            CommandError: it names no attribute, or one twice.
        """
        self._headings = [m[1] for m in _PLACEHOLDER.finditer(pattern) if m[1] is not None]
        self._regexes = [_path_regex(pattern, time) for time in (_TIME_IN_NAME, _ANYTHING)]
        names = [Column.parse(each).name for each in self._headings]
        if not names or len(set(names)) < len(names):
            raise CommandError(
                f"--path-pattern {pattern!r} names {'no' if not names else 'an'} attribute"
                f"{' twice' if names else ''}; '{{site}}/{{date}}_*.wav' would be one"
            )

    def read(self, paths: Sequence[str]) -> dict[str, Attributes]:
        """Return the attributes of those paths that match."""
        rows = {}
        for number, path in enumerate(paths, 1):
            matches = (regex.fullmatch(path) for regex in self._regexes)
            if found := next(filter(None, matches), None):
                cells = dict(zip(self._headings, found.groups(), strict=True))
                rows[path] = Row(Path(path), number, cells, unit="file")
        return dict(zip(rows, read_rows(list(rows.values()), self._headings), strict=True))


def _path_regex(pattern: str, time: str) -> re.Pattern[str]:
    """Write a path pattern as a regular expression, with one for its times."""
    parts: list[str] = []
    end = 0
    for found in _PLACEHOLDER.finditer(pattern):
        heading, folders, star, _ = found.groups()
        if heading is not None:
            part = time if heading.endswith(f":{Kind.TIME.value}") else _ANYTHING
        elif folders:
            part = "(?:.*/)?" if folders == "**/" else ".*"
        else:
            part = "[^/]*" if star else "[^/]"
        parts += re.escape(pattern[end : found.start()]), part
        end = found.end()
    return re.compile("".join(parts) + re.escape(pattern[end:]))


def _kind_of(rows: Sequence[Row], heading: str) -> Kind:
    """Say what a column holds."""
    texts = [row.cells[heading] for row in rows]
    commas = any("," in row.cells[heading] and row.separator in {",", ""} for row in rows)
    if texts and all(map(_PLAIN_NUMBER.fullmatch, texts)) and not commas:
        return Kind.NUMBER
    if texts and all(map(_DATE.fullmatch, texts)):
        try:
            list(map(_time, texts))
        except ValueError:
            return Kind.TEXT
        return Kind.TIME
    return Kind.TEXT


def _value(row: Row, heading: str, kind: Kind, numbers: Numbers) -> AttributeValue:
    text = row.cells[heading]
    if kind is Kind.TEXT:
        return text
    if kind is Kind.NUMBER:
        number = numbers.read(row, heading)
        return text if number is None else number
    try:
        return _time(text)
    except ValueError:
        raise ValueError(f"{heading} is {text!r}; write {TIME_FORM}") from None


def _time(text: str) -> datetime:
    if compact := _COMPACT.fullmatch(text):
        text = f"{compact[1]}T{compact[2]}"
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def text_of(value: AttributeValue) -> str:
    """Write a value for people to read."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str) else f"{value:.12g}"


def _where(row: Row) -> str:
    return f"{row.where}: " if row.file.name else ""


def _with_all(row: Row, headings: Mapping[str, None]) -> Row:
    cells = {name: row.cells.get(name, "") for name in headings}
    return Row(row.file, row.number, cells, row.unit, row.separator)


def _first_line(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.readline().replace(b"\0", b"").decode(errors="replace")
