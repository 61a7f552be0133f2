"""`aloe pool dump`: parts first, so that a broken dump can go on, then one file with the labels."""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from aloe.cli.backup import layout
from aloe.cli.backup.arrow import arrow
from aloe.cli.backup.heads import TaskHeads, read_heads, write_heads
from aloe.cli.backup.recordings import Recordings
from aloe.cli.backup.seal import reserve_seal, seal
from aloe.cli.console import CommandError
from aloe.cli.counted_labels import all_labels
from aloe.client import EmbeddedPoolClip, LearnerClient, Pool, PoolRecording, StoredLabel, Task
from aloe.local.private import make_private_folder, open_private

_PATIENCE = timedelta(minutes=10)
_ROWS_PER_PART = 20_000
_AUDIO_PER_PART = 64 * 1024 * 1024
"""Bytes of recordings; a part has at most one more recording than that."""


@dataclass(frozen=True, slots=True)
class Dumped:
    """What a dump holds."""

    file: Path
    clip_count: int
    task_count: int
    keeps_audio: bool
    """Whether the pool keeps audio, dumped or not."""
    audio_count: int
    """Clips whose recording is in the file."""
    window_count: int
    """Clips that are windows of recordings; the audio of these is not in the file."""
    recordings: list[PoolRecording]
    """Those recordings."""
    head_count: int
    """Of the tasks: those that were ever promoted."""
    silent_clips: dict[str, str]
    """Why others should have one and do not, by clip id: the first ones, of this run."""


def dump_pool(
    learner: LearnerClient,
    pool_id: str,
    file: Path,
    on_progress: Callable[[int], None],
    *,
    with_audio: bool = True,
) -> Dumped:
    """Write a pool with its tasks, and its recordings if it keeps them.

    Raises:
        CommandError: the file exists, or parts of another dump lie beside it.
    """
    arrow()
    if file.exists():
        raise CommandError(f"{file} exists; give another name, or remove it")
    pool = learner.get_pool(pool_id)
    recordings = Recordings(learner, pool) if pool.keep_audio and with_audio else None
    parts = _take_parts_folder(file, pool, with_audio=recordings is not None)
    _dump_parts(learner, pool, parts, recordings, on_progress)
    _check_whole(learner, pool, parts)
    # After the clips, so that the clip of every label is among them.
    tasks = learner.list_tasks(pool_id)
    if tasks.unreadable:
        raise tasks.unreadable[0]
    told = _Told(
        tasks,
        {task.task_id: read_heads(learner, task) for task in tasks},
        # After the clips as well: every window is of one of these.
        list(learner.list_recordings(pool_id)),
    )
    counts = _join(learner, pool, told, parts, file, recordings is not None)
    shutil.rmtree(parts)
    return Dumped(
        file,
        counts.clips,
        len(tasks),
        pool.keep_audio,
        counts.with_audio,
        counts.windows,
        told.recordings,
        sum(len(each.heads) for each in told.heads.values()),
        recordings.missing if recordings else {},
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """What is told of a pool besides its clips."""

    tasks: Sequence[Task]
    heads: Mapping[str, TaskHeads]
    """By task."""
    recordings: list[PoolRecording]


@dataclass(slots=True)
class _Counts:
    """Clips of a dump, those among them that are windows, and those that have their audio."""

    clips: int = 0
    windows: int = 0
    with_audio: int = 0


def _join(
    learner: LearnerClient, pool: Pool, told: _Told, parts: Path, file: Path, with_audio: bool
) -> _Counts:
    """Write one file from the parts and the labels; return how many clips are in it."""
    pa = arrow()
    labels = {
        task.task_id: {each.clip_id: each for each in all_labels(learner, task.task_id)}
        for task in told.tasks
    }
    unfinished = file.with_name(file.name + ".unfinished")
    schema = layout.schema(pool, told.tasks, told.recordings, told.heads, with_audio=with_audio)
    counts = _Counts()
    unfinished.unlink(missing_ok=True)
    open_private(unfinished).close()  # For this user alone: recordings of people, and labels.
    with pa.parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer:
        for part in _parts(parts):
            table = pa.parquet.read_table(part, page_checksum_verification=True)
            for task_id, by_clip in labels.items():
                table = _with_labels(table, schema, task_id, by_clip)
            writer.write_table(table.cast(schema))
            counts.clips += table.num_rows
            counts.windows += table.num_rows - table["recording"].null_count
            if with_audio:
                counts.with_audio += table.num_rows - table[layout.AUDIO_COLUMN].null_count
        for task_id, each in told.heads.items():
            write_heads(writer, task_id, each)
        reserve_seal(writer)
    seal(unfinished)
    unfinished.rename(file)
    return counts


def _check_whole(learner: LearnerClient, before: Pool, parts: Path) -> None:
    """Check that the parts hold the clips of now: some may have been deleted since they came.

    Args:
        learner: of the pool.
        before: the pool before its clips were exported.
        parts: their folder.

    Raises:
        CommandError: they do not, and the parts are removed; or they are fewer than the pool says
            that it has.
    """
    pool_id = before.pool_id
    pa = arrow()
    dumped: list[tuple[str, str, list[str]]] = []
    for part in _parts(parts):
        table = pa.parquet.read_table(part, columns=["clip_id", "content_hash", "other_ids"])
        dumped += zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
    now = [
        (each.clip_id, each.content_hash, list(each.other_ids))
        for each in learner.list_clips(pool_id)
    ]
    if now[: len(dumped)] != dumped:
        shutil.rmtree(parts)
        raise CommandError(
            f"clips of pool {pool_id} were deleted, replaced or renamed while it was dumped:"
            " nothing was written; dump it again"
        )
    after = learner.get_pool(pool_id).clip_count
    if len(dumped) < min(before.clip_count, after):
        raise CommandError(
            f"{len(dumped):,} clips came of pool {pool_id}, which counts"
            f" {min(before.clip_count, after):,}: nothing was written; `aloe doctor --repair` says"
            " what can be mended"
        )


def _with_labels(table: Any, schema: Any, task_id: str, labels: dict[str, StoredLabel]) -> Any:
    column = [layout.dump_label(labels.get(clip_id)) for clip_id in table["clip_id"].to_pylist()]
    name = layout.label_column(layout.FORMAT, task_id)
    return table.append_column(name, arrow().array(column, schema.field(name).type))


def _take_parts_folder(file: Path, pool: Pool, *, with_audio: bool) -> Path:
    parts = file.with_name(file.name + ".parts")
    make_private_folder(parts)
    mark = parts / "pool.json"
    identity = json.dumps(
        [pool.pool_id, pool.encoder_fingerprint, pool.create_time.isoformat(), with_audio]
    )
    if mark.exists() and mark.read_text(encoding="utf-8") != identity:
        raise CommandError(
            f"{parts} holds parts of another pool, or of a dump with another choice of audio;"
            " remove it, or give another file"
        )
    mark.write_text(identity, encoding="utf-8")
    return parts


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))


def _dump_parts(
    learner: LearnerClient,
    pool: Pool,
    parts: Path,
    recordings: Recordings | None,
    on_progress: Callable[[int], None],
) -> None:
    pa = arrow()
    finished = _parts(parts)
    done: int = sum(pa.parquet.read_metadata(part).num_rows for part in finished)
    on_progress(done)
    number = len(finished)
    while True:
        # A stream for each part: fetching all recordings would take longer than one may last.
        clips = learner.export_clips(pool.pool_id, done, timeout=_PATIENCE)
        rows, audio = _next_part(islice(clips, _ROWS_PER_PART), recordings)
        if not rows:
            return
        part = parts / f"{number:06}.parquet"
        unfinished = part.with_suffix(".unfinished")
        pa.parquet.write_table(
            layout.clip_table(rows, audio),
            unfinished,
            compression="zstd",
            write_page_checksum=True,
        )
        unfinished.rename(part)
        number += 1
        done += len(rows)
        on_progress(done)


def _next_part(
    clips: Iterable[EmbeddedPoolClip], recordings: Recordings | None
) -> tuple[list[EmbeddedPoolClip], list[bytes | None] | None]:
    """Take clips with their recordings, None where those are left out, as far as a part goes."""
    if recordings is None:
        return list(clips), None
    rows: list[EmbeddedPoolClip] = []
    audio: list[bytes | None] = []
    byte_count = 0
    for clip in clips:
        # A window has none of its own, and its recording may be longer than a file of this kind.
        content = None if clip.clip.recording_id else recordings.of(clip.clip.clip_id)
        rows.append(clip)
        audio.append(content)
        byte_count += len(content or b"")
        if byte_count >= _AUDIO_PER_PART:
            break
    return rows, audio
