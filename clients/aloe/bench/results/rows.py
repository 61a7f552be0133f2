"""What happened in a run, and the same as rows of the results: one per head."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np
import pyarrow as pa

from aloe.bench.results import schema
from aloe.bench.spec.run_keys import RunKey
from aloe.client import (
    AccuracyEstimate,
    Evaluation,
    LabelFigures,
    Round,
    StopAdvice,
    StopVerdict,
    stopping_rule_text,
)
from aloe.oracle import LabelingRound

Row = dict[str, Any]

_NO_HEAD: Row = {"round": 0, "head_version": 0, "label_count": 0}


@dataclass(frozen=True, slots=True)
class Accepted:
    """Predictions for some clips, of which the learner said which to accept."""

    clip_count: int
    right_count: int
    """Predictions that are right, accepted or not."""
    accepted_count: int
    wrong_count: int
    """Accepted ones that are wrong."""
    expected_error: float | None
    """Part of the accepted ones that the learner expects to be wrong; None without any."""


@dataclass(frozen=True, slots=True)
class HeadCheck:
    """What a head would take as its own answers; None without such clips."""

    rest: Accepted | None
    """Of the train clips that were not asked."""
    test: Accepted | None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What happened in a run."""

    key: RunKey
    rounds: tuple[Round, ...]
    """One per head."""
    batches: tuple[LabelingRound, ...]
    """Empty for the ceiling."""
    checks: Mapping[int, HeadCheck] = field(default_factory=dict)
    """Of some heads, by version."""


def run_columns(dataset: str, encoder: str, key: RunKey) -> Row:
    """Return the values that tell a run from the others: those of schema.RUN_COLUMNS."""
    return {
        "dataset": dataset,
        "encoder": encoder,
        "task": key.task,
        "acquisition_function": (
            key.acquisition_function.value if key.acquisition_function else schema.ALL_LABELS
        ),
        "selection_rule": key.selection_rule.value if key.selection_rule else "",
        "oracle": key.oracle,
        "seed": key.seed,
        "representation": key.representation.value,
        "head_recipe": key.head_recipe,
        "audit_share": key.audit_share,
    }


def run_table(run: Row, record: RunRecord) -> pa.Table:
    """Return the rows of a run, with the columns of schema.SCHEMA.

    Args:
        run: what run_columns returned.
        record: what happened.
    """
    starts = [each.start_time for each in record.rounds]
    round_s: list[float | None] = [(b - a).total_seconds() for a, b in pairwise(starts)]
    # Of the last head it is not known. Without labels of two classes there is none at all.
    round_s += [None] if starts else []
    asked: dict[int, list[LabelingRound]] = {}
    for batch in record.batches:
        asked.setdefault(batch.query.head_version, []).append(batch)
    # Clips that were asked before the first head, where there were no seed labels.
    before = [_NO_HEAD | _picks(asked[0])] if 0 in asked else []
    rows = [run | each for each in before] + [
        run
        | _head(place, each)
        | _check(record.checks.get(each.head_version))
        | _picks(asked.get(each.head_version, []))
        | _evaluation("validation", each.validation)
        | _evaluation("test", each.test)
        | {"round_s": took_s}
        for place, (each, took_s) in enumerate(
            zip(record.rounds, round_s, strict=True), start=len(before)
        )
    ]
    return pa.Table.from_pylist(rows, schema=schema.SCHEMA)


def _head(place: int, head: Round) -> Row:
    """Return what the learner says of a head."""
    times = head.head_times
    return {
        "round": place,
        "head_version": head.head_version,
        "label_count": head.label_count,
        "training_loss": head.training_loss,
        "prediction_agreement": head.prediction_agreement,
        "mean_uncertainty": head.mean_uncertainty,
        **_estimate(head.accuracy_estimate),
        "stop": _stop(head.stop_advice),
        "training_s": _total_s(head.training_duration),
        "evaluation_s": _total_s(head.evaluation_duration),
        # Passes over the pool: of the round, and of queries over clips that it has not scored.
        "scoring_s": _total_s(times.scoring_duration, head.statistics_duration),
        "selection_s": _total_s(times.selection_duration),
        "store_s": _total_s(times.publishing_duration, head.store_duration),
    }


def _estimate(estimate: AccuracyEstimate | None) -> Row:
    if estimate is None:
        return {}
    return {
        "estimated_accuracy": estimate.value,
        "estimated_low": estimate.low,
        "estimated_high": estimate.high,
        "audit_label_count": estimate.audit_label_count,
    }


def _check(check: HeadCheck | None) -> Row:
    parts = {"rest": check.rest, "test": check.test} if check else {}
    return {
        f"{part}_{name}": value
        for part, found in parts.items()
        if found is not None
        for name, value in (
            ("clip_count", found.clip_count),
            ("right_count", found.right_count),
            ("accepted_count", found.accepted_count),
            ("wrong_count", found.wrong_count),
            ("expected_error", found.expected_error),
        )
    }


def _stop(advice: StopAdvice | None) -> list[str] | None:
    """Return the rules that say stop, None where there are no rules."""
    if advice is None:
        return None
    said = [reason for reason in advice.reasons if reason.verdict is StopVerdict.STOP]
    return [stopping_rule_text(reason.rule) for reason in said]


def _total_s(*durations: timedelta | None) -> float | None:
    known = [duration.total_seconds() for duration in durations if duration is not None]
    return sum(known) if known else None


def _picks(batches: Sequence[LabelingRound]) -> Row:
    """Return what was asked by a head and answered."""
    picks = []
    for batch in batches:
        labels = {answer.lease_id: answer.label for answer in batch.answers}
        picks += [
            (lease.clip_id, _float32(lease.score), labels[lease.lease_id])
            for lease in batch.query.leases
            if lease.lease_id in labels
        ]
    return {
        "picks": [clip_id for clip_id, _, _ in picks],
        "pick_scores": [score for _, score, _ in picks],
        # Of several labels a clip, as tables have them.
        "pick_labels": [None if label is None else str(label) for _, _, label in picks],
    }


def _float32(score: float | None) -> float | None:
    """Return a score as the float32 that the learner computed."""
    return None if score is None else float(np.float32(score))


def _evaluation(split: str, found: Evaluation | None) -> Row:
    if found is None:
        return {}
    return {
        f"{split}_accuracy": _number(found.accuracy),
        f"{split}_macro_f1": _number(found.macro_f1),
        f"{split}_class_recalls": [_number(each) for each in found.class_recalls],
        f"{split}_loss": _number(found.loss),
        f"{split}_calibration_error": _number(found.calibration_error),
        **_label_figures(split, found.label_figures),
    }


def _label_figures(split: str, found: LabelFigures | None) -> Row:
    if found is None:
        return {}
    return {
        f"{split}_mean_average_precision": found.mean_average_precision,
        f"{split}_mean_roc_auc": found.mean_roc_auc,
        f"{split}_class_average_precisions": [_number(each) for each in found.average_precisions],
    }


def _number(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
