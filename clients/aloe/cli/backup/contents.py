"""What a backup holds, read and checked before anything of it is restored."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from aloe.cli.backup import format_1, heard, known, layout
from aloe.cli.backup.arrow import arrow
from aloe.cli.backup.classes import load_changes
from aloe.cli.backup.heads import TaskHeads, load_task_heads
from aloe.cli.backup.seal import is_intact
from aloe.cli.console import CommandError
from aloe.client import (
    AcquisitionFunction,
    ClassChange,
    KnownLabel,
    Label,
    LabelMode,
    LabelSet,
    NewClip,
    PoolRecording,
    QueryStrategy,
    Representation,
    SelectionRule,
    Unmentioned,
)
from aloe.wire.settings import HEAD_RECIPE, STOPPING_RULE

_ROWS_PER_READ = 512
_DAMAGED = "is damaged: nothing was restored. Take another copy"


@dataclass(frozen=True, slots=True)
class DumpedTask:
    """A task of a backup."""

    task_id: str
    classes: list[str]
    """All that it ever had."""
    changes: list[ClassChange]
    """What became of them."""
    settings: dict[str, Any]
    """As create_task takes them, by name."""
    heads: TaskHeads
    """Those that were ever promoted; none in older dumps."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup whose schema was read."""

    source: Any
    """The ParquetFile."""
    format: str
    pool: dict[str, Any]
    """As create_pool takes it, by name; with pool_id."""
    tasks: list[DumpedTask]
    recordings: list[PoolRecording]
    is_sealed: bool

    @property
    def holds_heads(self) -> bool:
        """Whether heads that were promoted are in it; in older dumps they are not."""
        return self.format == layout.FORMAT

    @property
    def clip_count(self) -> int:
        """Clips in the file."""
        return int(self.source.metadata.num_rows)

    def clips(self, *, with_audio: bool) -> Iterator[NewClip]:
        """Yield the clips, read as they are needed."""
        wanted = {*layout.CLIP_COLUMNS, *([layout.AUDIO_COLUMN] if with_audio else [])}
        columns = [name for name in self.source.schema_arrow.names if name in wanted]
        for batch in self.source.iter_batches(_ROWS_PER_READ, columns=columns):
            embeddings = batch["embedding"].flatten().to_numpy().reshape(batch.num_rows, -1)
            rows = batch.drop_columns(["embedding"]).to_pylist()
            for row, embedding in zip(rows, embeddings, strict=True):
                yield _clip(row, embedding)

    def labels(self, task_id: str) -> list[KnownLabel]:
        """Return the labels of a task."""
        column = layout.label_column(self.format, task_id)
        return [
            layout.load_label(row["clip_id"], row[column])
            for batch in self.source.iter_batches(columns=["clip_id", column])
            for row in batch.to_pylist()
            if row[column] is not None
        ]


def open_backup(file: Path) -> Backup:
    """Read what a backup is of, and look whether it is whole.

    Raises:
        CommandError: it cannot be read, is damaged, or is no backup.
    """
    pa = arrow()
    try:
        intact = is_intact(file)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error}") from error
    if intact is False:
        raise CommandError(f"{file} {_DAMAGED}")
    with _reading(file):
        source = pa.parquet.ParquetFile(file)
        about = json.loads((source.schema_arrow.metadata or {}).get(b"aloe", b"{}"))
        format_ = about.get("format")
    if format_ not in layout.FORMATS:
        raise CommandError(f"{file} is no dump of a pool that this version of aloe knows")
    if format_ in layout.SEALED_FORMATS and intact is None:
        raise CommandError(f"{file} {_DAMAGED}")
    with _reading(file):
        backup = Backup(
            source,
            format_,
            {name: about["pool"][name] for name in layout.POOL_FIELDS},
            [
                _task(task, format_, load_task_heads(task, source.metadata.metadata or {}))
                for task in about["tasks"]
            ],
            [known.load_recording(each) for each in about.get("recordings", ())],
            is_sealed=bool(intact),
        )
        if not intact:
            _read_all(backup)
    return backup


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # Whatever it is: only what the file holds is at work here.
        raise CommandError(f"{file} {_DAMAGED} ({type(error).__name__}: {error})") from error


def _read_all(backup: Backup) -> None:
    """Read everything once: what has no seal may be damaged, and fails before it is restored."""
    for clip in backup.clips(with_audio=True):
        if not all(isinstance(each, str) for each in (clip.clip_id, clip.uri, clip.content_hash)):
            raise TypeError(f"{clip.clip_id!r} is of another kind")
        if (
            len(clip.embedding if clip.embedding is not None else ())
            != backup.pool["embedding_dim"]
        ):
            raise ValueError(f"{clip.clip_id} has no embedding of the pool's size")
    for task in backup.tasks:
        for label in backup.labels(task.task_id):
            for name in _named(label.label):
                if name not in task.classes:
                    raise ValueError(f"{name!r} is no class of {task.task_id}")


def _named(label: Label | None) -> Iterable[str]:
    if isinstance(label, LabelSet):
        return (*label.positive, *label.negative, *label.unknown)
    return () if label is None else (label,)


def _task(task: dict[str, Any], format_: str, heads: TaskHeads) -> DumpedTask:
    if format_ == format_1.FORMAT:
        task = format_1.upgraded_task(task)
    return DumpedTask(
        task["task_id"],
        task["classes"],
        # Older dumps have none.
        load_changes(task.get("class_details", ())),
        {
            "query_strategy": QueryStrategy(
                AcquisitionFunction(task["acquisition_function"]),
                SelectionRule(task["selection_rule"]),
            ),
            "head_recipe": HEAD_RECIPE.load(task["head_recipe"]),
            # Older dumps have none.
            "representation": Representation(task.get("representation", "none")),
            "label_budget": task["label_budget"],
            "lease_duration": timedelta(seconds=task["lease_duration_s"]),
            "seed": int(task["seed"]),
            "max_leases_per_oracle": task["max_leases_per_oracle"],
            "stopping_rule": task["stopping_rule"] and STOPPING_RULE.load(task["stopping_rule"]),
            # Older dumps do not say: as in new tasks.
            "estimate_accuracy": task.get("estimate_accuracy"),
            "audit_share": task.get("audit_share"),
            "window_spacing": timedelta(seconds=task.get("window_spacing_s", 0)),
            **_several(task),
        },
        heads,
    )


def _several(task: dict[str, Any]) -> dict[str, Any]:
    """Read how many labels a clip has; in older dumps it is one."""
    if task.get("label_mode", LabelMode.SINGLE.value) == LabelMode.SINGLE.value:
        return {}
    return {
        "label_mode": LabelMode(task["label_mode"]),
        "unmentioned": Unmentioned(task["unmentioned"]),
    }


def _clip(row: dict[str, Any], embedding: Any) -> NewClip:
    seconds = row["duration_s"]
    return NewClip(
        row["clip_id"],
        audio=row.get(layout.AUDIO_COLUMN),
        embedding=embedding,
        uri=row["uri"],
        duration=None if seconds is None else timedelta(seconds=seconds),
        content_hash=row["content_hash"],
        other_ids=tuple(row.get("other_ids") or ()),
        decoding=heard.load_decoding(row.get("decoding")),
        report=heard.load_report(row.get("report")),
        attributes=known.load_attributes(row.get("attributes")),
        recording_id=row.get("recording") or "",
        start=_offset(row.get("start_s")),
        end=_offset(row.get("end_s")),
    )


def _offset(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
