"""Labels as files: CSV, JSON and JSON lines, which `aloe task import-labels` reads, and Parquet."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from aloe.cli.backup.arrow import arrow
from aloe.cli.console import CommandError, json_line, plain
from aloe.cli.known_labels import COLUMNS, GIVEN_LABEL, IS_AUDIT, IS_RETIRED, answer_of
from aloe.cli.output_files import opened, whole
from aloe.cli.pool_windows import PLACE_KINDS, PlacesOfClips
from aloe.client import LabelMode, LabelSet, StoredLabel
from aloe.tables import ANSWER, NEGATIVE, UNKNOWN, YES_NO
from aloe.values.labels import SEPARATOR

WriteLabels = Callable[[Iterable[StoredLabel]], int]
"""Writes labels, and returns how many."""
_AT_ONCE = 10_000


def label_writer(
    output: Path | None, label_mode: LabelMode, places: PlacesOfClips | None, *, json: bool
) -> WriteLabels:
    """Return what writes labels to a file, by its ending, or to standard output.

    Args:
        output: the file.
        label_mode: of the task.
        places: of a pool of recordings, where each clip lies.
        json: whether JSON is asked for.

    Raises:
        CommandError: JSON is asked for, and the ending is that of something else.
    """
    suffix = "" if output is None else output.suffix.lower()
    if json and suffix in {".csv", ".parquet"}:
        raise CommandError(f"{output}: --json writes no {suffix}; leave it out")
    if output is not None and suffix == ".parquet":
        arrow("Parquet files")
        return partial(_write_parquet, output, label_mode, places)
    if suffix == ".jsonl":
        return partial(_write_text, output, partial(write_lines, places=places))
    if json or suffix == ".json":
        return partial(_write_text, output, partial(write_json, places=places))
    table = partial(write_table, label_mode=label_mode, places=places)
    return partial(_write_text, output, table)


def _write_text(
    output: Path | None,
    write: Callable[[Iterable[StoredLabel], TextIO], int],
    labels: Iterable[StoredLabel],
) -> int:
    with opened(output) as file:
        return write(labels, file)


def write_json(
    labels: Iterable[StoredLabel], file: TextIO, places: PlacesOfClips | None = None
) -> int:
    """Write labels as an array in one line of JSON; return how many."""
    count = 0
    file.write("[")
    for count, each in enumerate(labels, 1):
        file.write(("" if count == 1 else ", ") + _line(each, places).rstrip("\n"))
    file.write("]\n")
    return count


def write_lines(
    labels: Iterable[StoredLabel], file: TextIO, places: PlacesOfClips | None = None
) -> int:
    """Write each label as a line of JSON; return how many."""
    count = 0
    for count, each in enumerate(labels, 1):  # noqa: B007 - the last one is the result
        file.write(_line(each, places))
    return count


def write_table(
    labels: Iterable[StoredLabel],
    file: TextIO,
    label_mode: LabelMode = LabelMode.SINGLE,
    places: PlacesOfClips | None = None,
) -> int:
    """Write labels as CSV; return how many.

    Of several labels a clip there is a column for what it is not, and for what is not known of it.
    """
    count = 0
    writer = csv.writer(file)
    writer.writerow(_columns(label_mode, places))
    for count, each in enumerate(labels, 1):  # noqa: B007 - the last one is the result
        cells = (
            YES_NO[cell] if isinstance(cell, bool) else cell
            for cell in _row(each, label_mode, places)
        )
        writer.writerow(cell.isoformat() if isinstance(cell, datetime) else cell for cell in cells)
    return count


def _write_parquet(
    output: Path,
    label_mode: LabelMode,
    places: PlacesOfClips | None,
    labels: Iterable[StoredLabel],
) -> int:
    """Write the columns of the CSV, with times and truth values as such."""
    pa = arrow("Parquet files")
    kinds = {"label_time": pa.timestamp("us", "UTC"), IS_AUDIT: pa.bool_(), IS_RETIRED: pa.bool_()}
    kinds |= {name: pa.float64() for name, kind in PLACE_KINDS.items() if kind is float}
    names = _columns(label_mode, places)
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in names])
    count, rows = 0, (_row(each, label_mode, places) for each in labels)
    with (
        whole(output) as unfinished,
        pa.parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer,
    ):
        for some in _blocks(rows):
            columns = list(map(list, zip(*some, strict=True)))
            writer.write_table(pa.table(columns, schema=schema))
            count += len(some)
    return count


def _blocks(rows: Iterator[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    while some := list(islice(rows, _AT_ONCE)):
        yield some


def _line(label: StoredLabel, places: PlacesOfClips | None) -> str:
    place = dict(zip(PLACE_KINDS, places(label.clip_id), strict=True)) if places else {}
    return json_line(plain(label) | place)


def _columns(label_mode: LabelMode, places: PlacesOfClips | None) -> list[str]:
    more = [NEGATIVE, UNKNOWN] if label_mode is LabelMode.MULTIPLE else []
    return [
        *(*COLUMNS, ANSWER, "uri", IS_AUDIT, GIVEN_LABEL, IS_RETIRED),
        *(*more, *(PLACE_KINDS if places else ())),
    ]


def _row(label: StoredLabel, label_mode: LabelMode, places: PlacesOfClips | None) -> list[Any]:
    """Return the cells of the columns."""
    named = label.label if isinstance(label.label, LabelSet) else LabelSet()
    more = [SEPARATOR.join(named.negative), SEPARATOR.join(named.unknown)]
    return [
        label.clip_id,
        str(label.label or ""),
        label.split.value,
        label.oracle_id,
        label.label_time,
        answer_of(label.label),
        label.uri,
        label.is_audit,
        label.given_label or "",
        label.is_retired,
        *(more if label_mode is LabelMode.MULTIPLE else ()),
        *(places(label.clip_id) if places else ()),
    ]
