"""How a backup lies in its Parquet file: columns, label rows, and what the schema tells."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from aloe.cli.backup import heard, known
from aloe.cli.backup.arrow import arrow
from aloe.cli.backup.classes import dump_classes
from aloe.cli.backup.format_1 import FORMAT as FORMAT_1
from aloe.cli.backup.heads import TaskHeads, dump_task_heads
from aloe.client import (
    EmbeddedPoolClip,
    KnownLabel,
    Label,
    LabelMode,
    LabelSet,
    Pool,
    PoolRecording,
    Split,
    StoredLabel,
    Task,
)
from aloe.wire import names
from aloe.wire.settings import HEAD_RECIPE, STOPPING_RULE

FORMAT = "aloe-pool-8"
FORMAT_7 = "aloe-pool-7"
"""Without heads."""
FORMAT_6 = "aloe-pool-6"
"""Without several labels a clip."""
FORMAT_5 = "aloe-pool-5"
"""Without recordings, and what became of classes."""
FORMAT_4 = "aloe-pool-4"
"""Without attributes."""
FORMAT_3 = "aloe-pool-3"
"""Without a seal."""
FORMAT_2 = "aloe-pool-2"
"""Without audio and how it was read, and with tasks' columns named by their ids."""
FORMATS = (FORMAT_1, FORMAT_2, FORMAT_3, FORMAT_4, FORMAT_5, FORMAT_6, FORMAT_7, FORMAT)
SEALED_FORMATS = (FORMAT_4, FORMAT_5, FORMAT_6, FORMAT_7, FORMAT)
POOL_FIELDS = ("pool_id", "encoder_id", "encoder_fingerprint", "embedding_dim", "keep_audio")
CLIP_COLUMNS = (
    *("clip_id", "uri", "content_hash", "duration_s", "other_ids"),
    *("decoding", "report", "attributes", "recording", "start_s", "end_s", "embedding"),
)
"""Earlier dumps lack some."""
LABEL_PARTS = ("positive", "negative", "unknown")
"""Of a set of labels."""
AUDIO_COLUMN = "audio"
"""The recording as a file, null where there is none; missing where they were left out."""


def label_column(format_: str, task_id: str) -> str:
    """Return the name of a task's column."""
    return task_id if format_ in (FORMAT_1, FORMAT_2) else names.task_name(task_id)


def clip_table(rows: list[EmbeddedPoolClip], recordings: list[bytes | None] | None) -> Any:
    """Return clips as a table, with their recordings if they are given."""
    pa = arrow()
    matrix = np.stack([row.embedding for row in rows])
    clips = [row.clip for row in rows]
    durations = [None if clip.duration is None else clip.duration.total_seconds() for clip in clips]
    columns = [
        [clip.clip_id for clip in clips],
        [clip.uri for clip in clips],
        [clip.content_hash for clip in clips],
        pa.array(durations, pa.float64()),
        pa.array([clip.other_ids for clip in clips], pa.list_(pa.string())),
        pa.array([heard.dump_decoding(clip.decoding) for clip in clips], heard.decoding_type()),
        pa.array([heard.dump_report(clip.report) for clip in clips], heard.report_type()),
        pa.array([known.dump_attributes(clip.attributes) for clip in clips], known.column_type()),
        pa.array([clip.recording_id or None for clip in clips], pa.string()),
        pa.array([clip.start_s for clip in clips], pa.float64()),
        pa.array([clip.end_s for clip in clips], pa.float64()),
        pa.FixedSizeListArray.from_arrays(matrix.reshape(-1), matrix.shape[1]),
    ]
    table = pa.table(dict(zip(CLIP_COLUMNS, columns, strict=True)))
    if recordings is None:
        return table
    return table.append_column(AUDIO_COLUMN, pa.array(recordings, pa.binary()))


def schema(
    pool: Pool,
    tasks: Sequence[Task],
    recordings: Sequence[PoolRecording],
    heads: Mapping[str, TaskHeads],
    *,
    with_audio: bool,
) -> Any:
    """Return the schema of a backup; its metadata hold all but the clips and labels."""
    pa = arrow()
    about = {
        "format": FORMAT,
        "pool": {name: getattr(pool, name) for name in POOL_FIELDS},
        "tasks": [{**_dump_task(task), **dump_task_heads(heads[task.task_id])} for task in tasks],
        "recordings": [known.dump_recording(each) for each in recordings],
    }
    fields = [
        ("clip_id", pa.string()),
        ("uri", pa.string()),
        ("content_hash", pa.string()),
        ("duration_s", pa.float64()),
        ("other_ids", pa.list_(pa.string())),
        ("decoding", heard.decoding_type()),
        ("report", heard.report_type()),
        ("attributes", known.column_type()),
        ("recording", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("embedding", pa.list_(pa.float32(), pool.embedding_dim)),
        *([(AUDIO_COLUMN, pa.binary())] if with_audio else []),
        *((label_column(FORMAT, task.task_id), label_type(task.label_mode)) for task in tasks),
    ]
    return pa.schema(fields, metadata={"aloe": json.dumps(about)})


def label_type(label_mode: LabelMode = LabelMode.SINGLE) -> Any:
    """Return the type of a task's column."""
    pa = arrow()
    names = pa.list_(pa.string())
    sets = [("labels", pa.struct([(part, names) for part in LABEL_PARTS]))]
    return pa.struct(
        [
            ("label", pa.string()),
            *(sets if label_mode is LabelMode.MULTIPLE else []),
            ("split", pa.string()),
            ("oracle_id", pa.string()),
            ("label_time", pa.timestamp("ms", tz="UTC")),
            ("is_audit", pa.bool_()),
        ]
    )


def dump_label(label: StoredLabel | None) -> dict[str, Any] | None:
    """Write a label; None where a clip has none."""
    if label is None:
        return None
    return {
        # As it was given: what its class counts as is told of the task.
        **_dump_answer(label.given_label or label.label),
        "split": label.split.value,
        "oracle_id": label.oracle_id,
        "label_time": label.label_time,
        "is_audit": label.is_audit,
    }


def _dump_answer(label: Label | None) -> dict[str, Any]:
    if not isinstance(label, LabelSet):
        return {"label": label}
    return {"label": None, "labels": {part: getattr(label, part) for part in LABEL_PARTS}}


def load_label(clip_id: str, row: dict[str, Any]) -> KnownLabel:
    """Read what dump_label wrote; earlier dumps do not say what was drawn at random."""
    labels = row.get("labels")
    return KnownLabel(
        clip_id,
        LabelSet(*(tuple(labels[part]) for part in LABEL_PARTS)) if labels else row["label"],
        Split(row["split"]),
        row["oracle_id"],
        row["label_time"],
        is_audit=row.get("is_audit", False),
    )


def _dump_task(task: Task) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "classes": [each.name for each in task.class_details],
        "class_details": dump_classes(task),
        "acquisition_function": task.query_strategy.acquisition_function.value,
        "selection_rule": task.query_strategy.selection_rule.value,
        "head_recipe": HEAD_RECIPE.dump(task.head_recipe),
        "representation": task.representation.value,
        "label_budget": task.label_budget,
        "lease_duration_s": task.lease_duration.total_seconds(),
        "seed": str(task.seed),
        "max_leases_per_oracle": task.max_leases_per_oracle,
        "stopping_rule": task.stopping_rule and STOPPING_RULE.dump(task.stopping_rule),
        "estimate_accuracy": task.estimate_accuracy,
        "audit_share": task.audit_share,
        "window_spacing_s": task.window_spacing.total_seconds(),
        "label_mode": task.label_mode.value,
        "unmentioned": task.unmentioned.value,
    }
