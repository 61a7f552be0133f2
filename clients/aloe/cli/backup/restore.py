"""`aloe pool restore`: imports what a dump holds; what is there already is skipped."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from aloe.cli.backup import format_1, heard, layout
from aloe.cli.backup.arrow import arrow
from aloe.cli.console import CommandError
from aloe.cli.counted_labels import count_labels
from aloe.client import (
    AcquisitionFunction,
    DuplicateRule,
    KnownLabel,
    LearnerClient,
    NewClip,
    Pool,
    QueryStrategy,
    SelectionRule,
)
from aloe.wire.settings import HEAD_RECIPE, STOPPING_RULE

_PATIENCE = timedelta(minutes=10)
_ROWS_PER_READ = 512


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of a restore."""

    pool: Pool
    tasks: dict[str, str]
    """Id in the dump to id now, which is another where a task of another pool has that."""
    clip_count: int
    """Clips in the file."""
    existing_count: int
    """Those that the pool had already."""
    audio_count: int
    """Those that came with their recording."""

    @property
    def keeps_audio(self) -> bool:
        """Whether the pool keeps audio."""
        return self.pool.keep_audio


def restore_pool(
    learner: LearnerClient,
    pool_id: str | None,
    file: Path,
    on_progress: Callable[[int], None],
    *,
    with_audio: bool = True,
) -> Restored:
    """Make a pool and its tasks anew.

    What is there already is skipped, so a broken restore can be run again. Each recording is kept
    if it has the hash of its clip. A task whose id a task of another pool has, gets the pool's id
    in front of its own.

    Raises:
        CommandError: the file is no dump.
    """
    pa = arrow()
    try:
        source = pa.parquet.ParquetFile(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise CommandError(f"{file} cannot be read: {error}") from error
    about = json.loads((source.schema_arrow.metadata or {}).get(b"aloe", b"{}"))
    if about.get("format") == format_1.FORMAT:
        about["tasks"] = [format_1.upgraded_task(task) for task in about["tasks"]]
    elif about.get("format") not in (layout.FORMAT_2, layout.FORMAT):
        raise CommandError(f"{file} is no dump of a pool that this version of aloe knows")
    pool = learner.create_pool(
        pool_id or about["pool"]["pool_id"],
        encoder_id=about["pool"]["encoder_id"],
        encoder_fingerprint=about["pool"]["encoder_fingerprint"],
        embedding_dim=about["pool"]["embedding_dim"],
        keep_audio=about["pool"]["keep_audio"],
    )
    clips = _Clips(source, with_audio=with_audio)
    summary = learner.import_clips(
        pool.pool_id,
        clips,
        # What was one clip stays one, and what was two clips of one content stays two.
        duplicates=DuplicateRule.KEEP,
        on_progress=on_progress,
        timeout=_PATIENCE,
    )
    if summary.failures:
        first = summary.failures[0]
        raise CommandError(
            f"{len(summary.failures):,} clips were refused; {first.clip_id}: {first.message}. Run"
            " this again once that is mended; --without-audio leaves the recordings out"
        )
    pools = {task.task_id: task.pool_id for task in learner.list_tasks()}
    tasks = {}
    for task in about["tasks"]:
        task_id = task["task_id"]
        is_elsewhere = pools.get(task_id, pool.pool_id) != pool.pool_id
        tasks[task_id] = f"{pool.pool_id}-{task_id}" if is_elsewhere else task_id
        labels = _labels_of(source, layout.label_column(about["format"], task_id))
        _restore_task(learner, pool, tasks[task_id], task, labels)
    restored = learner.get_pool(pool.pool_id)
    if restored.clip_count < source.metadata.num_rows:
        raise CommandError(
            f"pool {pool.pool_id} has {restored.clip_count:,} clips after the restore, and {file}"
            f" {source.metadata.num_rows:,}: run this again"
        )
    return Restored(
        restored,
        tasks,
        source.metadata.num_rows,
        summary.existing_count,
        clips.audio_count,
    )


class _Clips:
    """The clips of a backup, read as they are needed; counts those with a recording."""

    def __init__(self, source: Any, *, with_audio: bool) -> None:
        self._source = source
        wanted = {*layout.CLIP_COLUMNS, *([layout.AUDIO_COLUMN] if with_audio else [])}
        self._columns = [name for name in source.schema_arrow.names if name in wanted]
        self.audio_count = 0

    def __iter__(self) -> Iterator[NewClip]:
        for clip in _clips_of(self._source, self._columns):
            self.audio_count += clip.audio is not None
            yield clip


def _clips_of(source: Any, columns: list[str]) -> Iterator[NewClip]:
    for batch in source.iter_batches(_ROWS_PER_READ, columns=columns):
        embeddings = batch["embedding"].flatten().to_numpy().reshape(batch.num_rows, -1)
        rows = batch.drop_columns(["embedding"]).to_pylist()
        for row, embedding in zip(rows, embeddings, strict=True):
            seconds = row["duration_s"]
            yield NewClip(
                row["clip_id"],
                audio=row.get(layout.AUDIO_COLUMN),
                embedding=embedding,
                uri=row["uri"],
                duration=None if seconds is None else timedelta(seconds=seconds),
                content_hash=row["content_hash"],
                other_ids=tuple(row.get("other_ids") or ()),
                decoding=heard.load_decoding(row.get("decoding")),
                report=heard.load_report(row.get("report")),
            )


def _restore_task(
    learner: LearnerClient,
    pool: Pool,
    task_id: str,
    task: dict[str, Any],
    labels: list[KnownLabel],
) -> None:
    learner.create_task(
        task_id,
        pool.pool_id,
        task["classes"],
        query_strategy=QueryStrategy(
            AcquisitionFunction(task["acquisition_function"]),
            SelectionRule(task["selection_rule"]),
        ),
        head_recipe=HEAD_RECIPE.load(task["head_recipe"]),
        label_budget=task["label_budget"],
        lease_duration=timedelta(seconds=task["lease_duration_s"]),
        seed=int(task["seed"]),
        max_leases_per_oracle=task["max_leases_per_oracle"],
        stopping_rule=task["stopping_rule"] and STOPPING_RULE.load(task["stopping_rule"]),
    )
    if labels:
        learner.import_labels(task_id, labels, timeout=_PATIENCE)
    counted = count_labels(learner, task_id)
    if counted < len(labels):
        raise CommandError(
            f"task {task_id} counts {counted:,} labels after the restore, and the file has"
            f" {len(labels):,}: run this again"
        )


def _labels_of(source: Any, column: str) -> list[KnownLabel]:
    return [
        layout.load_label(row["clip_id"], row[column])
        for batch in source.iter_batches(columns=["clip_id", column])
        for row in batch.to_pylist()
        if row[column] is not None
    ]
