"""`aloe predict TASK --pool`: what a head makes of all clips of its pool, as a table."""

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from aloe.cli.backup.arrow import arrow
from aloe.cli.console import CommandError, json_line, notes, percent, progress
from aloe.cli.exports import opened
from aloe.client import LearnerClient, PoolPredictions
from aloe.tables import YES_NO

_COLUMNS = ("clip_id", "clip_number", "predicted", "probability", "state", "label")
_ACCEPTED, _PROBABILITY_OF = "accepted", "p:"

_Write = Callable[[PoolPredictions], None]


@dataclass(slots=True)
class Written:
    """What was written."""

    clip_count: int = 0
    accepted_count: int = 0
    expected_error: float | None = None
    head_version: int = 0


def predict_pool(
    learner: LearnerClient,
    task_id: str,
    to: Path | None,
    *,
    head: str,
    max_error: float | None,
    where: str,
    json: bool,
) -> None:
    """Write the predictions for a pool to a file of its ending, or to standard output."""
    writer = _writer_of(to, json=json)
    blocks = learner.predict_pool(task_id, head=head, max_expected_error=max_error, filter=where)
    with progress() as bar, writer as write:
        row = bar.add_task("predicting", total=None)
        written = Written()
        for block in blocks:
            write(block)
            _count(block, written)
            bar.update(row, total=block.clip_count, completed=written.clip_count)
    where = f" in {to}" if to else ""
    notes.print(f"head {written.head_version} on {written.clip_count:,} clips{where}")
    if max_error is not None:
        notes.print(
            f"{written.accepted_count:,} predictions are accepted; of these"
            f" {percent(written.expected_error)} are expected to be wrong"
        )


def _count(block: PoolPredictions, written: Written) -> None:
    written.clip_count += len(block.clip_ids)
    written.head_version, written.expected_error = block.head_version, block.expected_error
    if block.accepted is not None:
        written.accepted_count += int(block.accepted.sum())


def _writer_of(to: Path | None, *, json: bool) -> AbstractContextManager[_Write]:
    if to is None:
        return _into(None, _lines if json else _table)
    if not to.absolute().parent.is_dir():
        raise CommandError(f"{to.parent} is no folder: make it, or give another --to")
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
    path: Path | None, form: Callable[[TextIO], AbstractContextManager[_Write]]
) -> Iterator[_Write]:
    """Write text to a file, or to standard output."""
    with opened(path) as file, form(file) as write:
        yield write


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Name a file that takes its name once it is whole."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _table(file: TextIO) -> Iterator[_Write]:
    rows, is_begun = csv.writer(file), False

    def write(block: PoolPredictions) -> None:
        nonlocal is_begun
        if not is_begun:
            rows.writerow(_columns(block))
            is_begun = True
        for row in _rows(block):
            rows.writerow(YES_NO[each] if isinstance(each, bool) else each for each in row)

    yield write
    file.flush()


@contextmanager
def _lines(file: TextIO) -> Iterator[_Write]:
    def write(block: PoolPredictions) -> None:
        columns = [each for each in _columns(block) if not each.startswith(_PROBABILITY_OF)]
        for row, probabilities in zip(_rows(block), block.probabilities.tolist(), strict=True):
            line: dict[str, Any] = dict(zip(columns, row, strict=False))
            line["label"] = line["label"] or None
            line["probabilities"] = dict(zip(block.classes, probabilities, strict=True))
            file.write(json_line(line))

    yield write
    file.flush()


@contextmanager
def _parquet(path: Path) -> Iterator[_Write]:
    pa = arrow("Parquet files")
    writer: Any = None

    def write(block: PoolPredictions) -> None:
        nonlocal writer
        columns = dict(zip(_columns(block), zip(*_rows(block), strict=True), strict=True))
        columns["label"] = tuple(each or None for each in columns["label"])
        table = pa.table({name: list(values) for name, values in columns.items()}, _schema(block))
        if writer is None:
            writer = pa.parquet.ParquetWriter(partial, table.schema, compression="zstd")
        writer.write_table(table)

    def _schema(block: PoolPredictions) -> Any:
        kinds = dict.fromkeys(_columns(block), pa.float32())
        kinds |= dict.fromkeys(("clip_id", "predicted", "state", "label"), pa.string())
        kinds |= {"clip_number": pa.int64(), _ACCEPTED: pa.bool_()}
        return pa.schema([(name, kinds[name]) for name in _columns(block)])

    with _whole(path) as partial:
        try:
            yield write
        finally:
            if writer is not None:
                writer.close()
        if writer is None:
            raise CommandError("the pool has no clips: there is nothing to write")


def _columns(block: PoolPredictions) -> list[str]:
    asked = [] if block.accepted is None else [_ACCEPTED]
    return [*_COLUMNS, *asked, *(f"{_PROBABILITY_OF}{name}" for name in block.classes)]


def _rows(block: PoolPredictions) -> Iterable[list[Any]]:
    """Return a row of each clip, in the order of the columns."""
    probabilities, names = block.probabilities.tolist(), ("", *block.classes)
    accepted = [] if block.accepted is None else [block.accepted.tolist()]
    columns = zip(
        block.clip_ids,
        block.clip_numbers.tolist(),
        block.labels,
        block.probabilities.max(axis=1).tolist(),
        (each.name.lower() for each in block.states),
        (names[index + 1] for index in block.label_indices.tolist()),
        *accepted,
        strict=True,
    )
    return ([*row, *each] for row, each in zip(columns, probabilities, strict=True))
