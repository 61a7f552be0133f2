"""Tables of predictions, written as these come: CSV, JSON lines or Parquet."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from aloe.cli.backup.arrow import arrow
from aloe.cli.console import CommandError, json_line
from aloe.cli.output_files import opened, whole
from aloe.client.types import Float32Array
from aloe.tables import YES_NO

_PROBABILITY_OF = "p:"


@dataclass(frozen=True, slots=True)
class PredictionRows:
    """Some rows of a table of predictions."""

    kinds: dict[str, type]
    """Of each column before the probabilities: str, int, float or bool."""
    cells: Iterable[Sequence[Any]]
    """A row each; None where there is nothing to say."""
    classes: tuple[str, ...]
    probabilities: Float32Array
    """(n_rows, n_classes)"""


Write = Callable[[PredictionRows], None]


def check_folder(to: Path) -> None:
    """Raise CommandError where a file would have no folder to be in."""
    if not to.absolute().parent.is_dir():
        raise CommandError(f"{to.parent} is no folder: make it, or give another --to")


def writer_of(to: Path | None, *, json: bool) -> AbstractContextManager[Write]:
    """Return what writes rows to a file, by its ending, or to standard output.

    Raises:
        CommandError: the ending is none of a table, or there is no such folder.
    """
    if to is None:
        return _into(None, _lines if json else _table)
    check_folder(to)
    match to.suffix.lower():
        case ".csv":
            return _into(to, _table)
        case ".jsonl":
            return _into(to, _lines)
        case ".parquet":
            return _parquet(to)
        case suffix:
            raise CommandError(f"{to}: {suffix or 'no ending'}; there are .csv, .jsonl, .parquet")


@contextmanager
def _into(
    path: Path | None, form: Callable[[TextIO], AbstractContextManager[Write]]
) -> Iterator[Write]:
    with opened(path) as file, form(file) as write:
        yield write


@contextmanager
def _table(file: TextIO) -> Iterator[Write]:
    table, is_begun = csv.writer(file), False

    def write(rows: PredictionRows) -> None:
        nonlocal is_begun
        if not is_begun:
            table.writerow([*rows.kinds, *_probability_columns(rows)])
            is_begun = True
        for cells, probabilities in zip(rows.cells, rows.probabilities.tolist(), strict=True):
            told = (YES_NO[each] if isinstance(each, bool) else each for each in cells)
            table.writerow([*told, *probabilities])

    yield write
    file.flush()


@contextmanager
def _lines(file: TextIO) -> Iterator[Write]:
    def write(rows: PredictionRows) -> None:
        for cells, probabilities in zip(rows.cells, rows.probabilities.tolist(), strict=True):
            line: dict[str, Any] = dict(zip(rows.kinds, cells, strict=True))
            line["probabilities"] = dict(zip(rows.classes, probabilities, strict=True))
            file.write(json_line(line))

    yield write
    file.flush()


@contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    pa = arrow("Parquet files")
    writer: Any = None
    arrow_kinds = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}

    def write(rows: PredictionRows) -> None:
        nonlocal writer
        if not len(rows.probabilities):
            return
        kinds = {name: arrow_kinds[kind] for name, kind in rows.kinds.items()}
        kinds |= dict.fromkeys(_probability_columns(rows), pa.float32())
        columns = [*zip(*rows.cells, strict=True), *rows.probabilities.T]
        schema = pa.schema(list(kinds.items()))
        table = pa.table(dict(zip(kinds, map(list, columns), strict=True)), schema)
        if writer is None:
            writer = pa.parquet.ParquetWriter(partial, table.schema, compression="zstd")
        writer.write_table(table)

    with whole(path) as partial:
        try:
            yield write
        finally:
            if writer is not None:
                writer.close()
        if writer is None:
            raise CommandError("there are no predictions: there is nothing to write")


def _probability_columns(rows: PredictionRows) -> list[str]:
    return [f"{_PROBABILITY_OF}{name}" for name in rows.classes]
