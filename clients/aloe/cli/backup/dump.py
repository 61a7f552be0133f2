"""`aloe pool dump`: parts first, so that a broken dump can go on, then one file with the labels."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from pathlib import Path

from aloe.cli.backup import layout
from aloe.cli.console import CommandError
from aloe.client import LearnerClient, Pool

_PATIENCE = timedelta(minutes=10)
_ROWS_PER_PART = 20_000


def dump_pool(
    learner: LearnerClient, pool_id: str, file: Path, on_progress: Callable[[int], None]
) -> tuple[int, int]:
    """Write a pool with its tasks; return how many clips and tasks.

    Raises:
        CommandError: the file exists, or parts of another pool lie beside it.
    """
    pa = layout.arrow()
    if file.exists():
        raise CommandError(f"{file} exists; give another name, or remove it")
    pool = learner.get_pool(pool_id)
    parts = _take_parts_folder(file, pool)
    done = _dump_parts(learner, pool, parts, on_progress)
    # After the clips, so that the clip of every label is among them.
    tasks = learner.list_tasks(pool_id)
    labels = {
        task.task_id: {
            each.clip_id: each for each in learner.export_labels(task.task_id, timeout=_PATIENCE)
        }
        for task in tasks
    }
    unfinished = file.with_name(file.name + ".unfinished")
    schema = layout.schema(pool, tasks)
    with pa.parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer:
        for part in _parts(parts):
            table = pa.parquet.read_table(part)
            for task in tasks:
                column = [
                    layout.dump_label(labels[task.task_id].get(clip_id))
                    for clip_id in table["clip_id"].to_pylist()
                ]
                table = table.append_column(task.task_id, pa.array(column, layout.label_type()))
            writer.write_table(table.cast(schema))
    unfinished.rename(file)
    shutil.rmtree(parts)
    return done, len(tasks)


def _take_parts_folder(file: Path, pool: Pool) -> Path:
    parts = file.with_name(file.name + ".parts")
    parts.mkdir(parents=True, exist_ok=True)
    mark = parts / "pool.json"
    identity = json.dumps([pool.pool_id, pool.encoder_fingerprint, pool.create_time.isoformat()])
    if mark.exists() and mark.read_text(encoding="utf-8") != identity:
        raise CommandError(f"{parts} holds parts of another pool; remove it, or give another file")
    mark.write_text(identity, encoding="utf-8")
    return parts


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))


def _dump_parts(
    learner: LearnerClient, pool: Pool, parts: Path, on_progress: Callable[[int], None]
) -> int:
    pa = layout.arrow()
    finished = _parts(parts)
    done: int = sum(pa.parquet.read_metadata(part).num_rows for part in finished)
    on_progress(done)
    rest = learner.export_clips(pool.pool_id, done, timeout=_PATIENCE)
    number = len(finished)
    while rows := list(islice(rest, _ROWS_PER_PART)):
        part = parts / f"{number:06}.parquet"
        unfinished = part.with_suffix(".unfinished")
        pa.parquet.write_table(layout.clip_table(rows), unfinished, compression="zstd")
        unfinished.rename(part)
        number += 1
        done += len(rows)
        on_progress(done)
    return done
