"""`aloe predict`: what a task's head makes of audio files."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import typer

from aloe.cli.console import complain, percent, print_json, print_table, progress
from aloe.cli.options import DEFAULT_SERVER, Files, Json, Server, TaskId, audio_files, client
from aloe.client import InvalidArgument, LearnerClient

_FILES_PER_CALL = 16
_BYTES_PER_CALL = 8 * 1024 * 1024
"""A file that is larger goes alone."""
_PATIENCE = timedelta(minutes=2)
_BLAMED_FILE = re.compile(r"audio(?:\.clips)?\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class FilePrediction:
    """What a head makes of a file, or why it makes nothing of it."""

    path: str
    label: str | None = None
    probabilities: dict[str, float] | None = None
    head_version: int | None = None
    error: str | None = None


def predict(
    task_id: TaskId, paths: Files, server: Server = DEFAULT_SERVER, json: Json = False
) -> None:
    """Predict the classes of audio files; one that cannot be heard does not stop the others."""
    files = [path for path, _ in audio_files(paths)]
    rows: list[FilePrediction] = []
    with client(server) as learner, progress() as bar:
        learner.get_task(task_id)
        row = bar.add_task("predicting", total=len(files))
        for batch in _batches(files):
            rows += _predict_batch(learner, task_id, batch)
            bar.advance(row, len(batch))
    if json:
        print_json(rows)
    else:
        print_table(
            ["file", "class", "probability"],
            [
                [each.path, each.label, percent(each.probabilities[each.label])]
                for each in rows
                if each.label is not None and each.probabilities is not None
            ],
        )
    failed = [each for each in rows if each.error is not None]
    for each in failed:
        complain(f"{each.path}: {each.error}")
    if failed:
        raise typer.Exit(1)


def _batches(files: Sequence[Path]) -> Iterator[list[Path]]:
    """Divide files into what goes into one call, by number and by bytes."""
    batch: list[Path] = []
    byte_count = 0
    for path in files:
        size = path.stat().st_size if path.exists() else 0
        if batch and (len(batch) == _FILES_PER_CALL or byte_count + size > _BYTES_PER_CALL):
            yield batch
            batch, byte_count = [], 0
        batch.append(path)
        byte_count += size
    if batch:
        yield batch


def _predict_batch(
    learner: LearnerClient, task_id: str, batch: Sequence[Path]
) -> list[FilePrediction]:
    """Predict for some files, again without those that are refused."""
    done: dict[Path, FilePrediction] = {}
    while rest := [path for path in batch if path not in done]:
        try:
            found = learner.predict(task_id, audio=rest, timeout=_PATIENCE)
        except InvalidArgument as error:
            refused = _refused(error, rest)
            if not refused:
                raise
            done |= refused
            continue
        for path, label, each in zip(rest, found.labels, found.probabilities, strict=True):
            probabilities = dict(zip(found.classes, each.tolist(), strict=True))
            done[path] = FilePrediction(str(path), label, probabilities, found.head_version)
    return [done[path] for path in batch]


def _refused(error: InvalidArgument, files: Sequence[Path]) -> dict[Path, FilePrediction]:
    """Return the files that an error blames, with what is wrong with each."""
    refused = {}
    for violation in error.violations:
        blamed = _BLAMED_FILE.match(violation.field)
        if blamed and int(blamed[1]) < len(files):
            path = files[int(blamed[1])]
            refused[path] = FilePrediction(str(path), error=violation.description)
    return refused
