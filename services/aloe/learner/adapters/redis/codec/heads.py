"""Heads as bytes, rounds and promotions as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np

from aloe.learner.adapters.redis.codec.basics import (
    check_row,
    load_count,
)
from aloe.learner.domain.estimating import AccuracyEstimate
from aloe.learner.domain.evaluation import Evaluation
from aloe.learner.domain.head import Head, shortened
from aloe.learner.domain.promotions import PromotedHead, Promotion
from aloe.learner.domain.rounds import LabelOrigins, Round
from aloe.learner.domain.several_evaluation import ClassFigures
from aloe.learner.domain.task import Task
from aloe.wire.settings import HEAD_RECIPE

_FLOAT32 = np.dtype("<f4")


def dump_head(head: Head) -> bytes:
    """Write a head: the biases follow the weights, row-major little-endian float32."""
    return np.vstack([head.weights, head.biases]).astype(_FLOAT32).tobytes()


def dump_head_classes(head: Head) -> str:
    """Write the class of each column, and which of them had no label, if any."""
    classes = head.column_classes
    told = {"classes": classes, "unseen": head.unseen} if head.unseen else classes
    return json.dumps(told, separators=(",", ":"))


def load_head(
    task: Task, version: int, data: bytes, map_name: bytes | None, classes: bytes | None
) -> Head:
    """Read what dump_head wrote, with the name of the map that it reads and its classes."""
    # Heads of older versions have neither: they are of tasks whose classes did not change.
    original = range(task.class_table.original_count)
    told = json.loads(classes) if classes else original
    listed, unseen = (told["classes"], told["unseen"]) if isinstance(told, dict) else (told, ())
    columns = [check_row(each) for each in listed]
    parameters = np.frombuffer(data, dtype=_FLOAT32).reshape(-1, len(columns))
    map_text = (map_name or b"").decode()
    return Head(
        version,
        parameters[:-1],
        parameters[-1],
        map_text,
        shortened(columns),
        task.label_mode,
        tuple(check_row(each) for each in unseen),
    )


def dump_round(round_: Round) -> str:
    """Write a round."""
    fields = asdict(round_)
    fields["start_time"] = round_.start_time.isoformat()
    fields["head_recipe"] = HEAD_RECIPE.dump(round_.head_recipe)
    return json.dumps(fields)


def load_round(text: bytes) -> Round:
    """Read what dump_round wrote."""
    fields = json.loads(text)
    fields["start_time"] = datetime.fromisoformat(fields["start_time"])
    fields["head_recipe"] = HEAD_RECIPE.load(fields["head_recipe"])
    for split in ("validation", "test"):
        fields[split] = _load_evaluation(fields[split])
    fields["class_indices"] = tuple(fields.get("class_indices", ()))
    if fields.get("accuracy_estimate"):
        fields["accuracy_estimate"] = AccuracyEstimate(**fields["accuracy_estimate"])
    if origins := fields.get("label_origins"):
        fields["label_origins"] = LabelOrigins(
            tuple(origins["by_class"]),
            tuple((oracle_id, count) for oracle_id, count in origins["by_oracle"]),
        )
    return Round(**fields)


def load_promotion(promotion_id: str, heads: Sequence[Sequence[int]]) -> Promotion:
    """Read what promote.lua stored: the version of each head, and since when in ms."""
    head, *earlier = (
        PromotedHead(load_count(str(version)), datetime.fromtimestamp(since_ms / 1000, UTC))
        for version, since_ms in heads
    )
    return Promotion(promotion_id, head, tuple(earlier))


def _load_evaluation(fields: dict[str, Any] | None) -> Evaluation | None:
    if fields is None:
        return None
    figures = fields.get("figures")
    return Evaluation(
        **{
            **fields,
            "class_recalls": tuple(fields["class_recalls"]),
            "figures": figures
            and ClassFigures(**{name: tuple(values) for name, values in figures.items()}),
        }
    )
