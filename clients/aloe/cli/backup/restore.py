"""`aloe pool restore`: imports what a dump holds; what is there already is skipped."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from aloe.cli.backup import format_1, layout
from aloe.cli.console import CommandError
from aloe.client import (
    AcquisitionFunction,
    LearnerClient,
    NewClip,
    Pool,
    QueryStrategy,
    SelectionRule,
)
from aloe.wire.settings import HEAD_RECIPE, STOPPING_RULE

_PATIENCE = timedelta(minutes=10)


def restore_pool(
    learner: LearnerClient, pool_id: str | None, file: Path, on_progress: Callable[[int], None]
) -> tuple[Pool, int]:
    """Make a pool and its tasks anew; return the pool and how many tasks.

    What is there already is skipped, so a broken restore can be run again.

    Raises:
        CommandError: the file is no dump.
    """
    pa = layout.arrow()
    try:
        source = pa.parquet.ParquetFile(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise CommandError(f"{file} cannot be read: {error}") from error
    about = json.loads((source.schema_arrow.metadata or {}).get(b"aloe", b"{}"))
    if about.get("format") == format_1.FORMAT:
        about["tasks"] = [format_1.upgraded_task(task) for task in about["tasks"]]
    elif about.get("format") != layout.FORMAT:
        raise CommandError(f"{file} is no dump of a pool that this version of aloe knows")
    pool = learner.create_pool(
        pool_id or about["pool"]["pool_id"],
        encoder_id=about["pool"]["encoder_id"],
        encoder_fingerprint=about["pool"]["encoder_fingerprint"],
        embedding_dim=about["pool"]["embedding_dim"],
        keep_audio=about["pool"]["keep_audio"],
    )
    summary = learner.import_clips(
        pool.pool_id, _clips_of(source), on_progress=on_progress, timeout=_PATIENCE
    )
    if summary.failures:
        first = summary.failures[0]
        raise CommandError(
            f"{len(summary.failures):,} clips were refused; {first.clip_id}: {first.message}"
        )
    for task in about["tasks"]:
        _restore_task(learner, pool, task, source)
    return learner.get_pool(pool.pool_id), len(about["tasks"])


def _clips_of(source: Any) -> Iterator[NewClip]:
    for batch in source.iter_batches(columns=list(layout.CLIP_COLUMNS)):
        embeddings = batch["embedding"].flatten().to_numpy().reshape(batch.num_rows, -1)
        rows = batch.drop_columns(["embedding"]).to_pylist()
        for row, embedding in zip(rows, embeddings, strict=True):
            seconds = row["duration_s"]
            yield NewClip(
                row["clip_id"],
                embedding=embedding,
                uri=row["uri"],
                duration=None if seconds is None else timedelta(seconds=seconds),
                content_hash=row["content_hash"],
            )


def _restore_task(learner: LearnerClient, pool: Pool, task: dict[str, Any], source: Any) -> None:
    learner.create_task(
        task["task_id"],
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
    labels = [
        layout.load_label(row["clip_id"], row[task["task_id"]])
        for batch in source.iter_batches(columns=["clip_id", task["task_id"]])
        for row in batch.to_pylist()
        if row[task["task_id"]] is not None
    ]
    if labels:
        learner.import_labels(task["task_id"], labels, timeout=_PATIENCE)
