"""Clips with a truth, and what oracles say of them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from aloe.client import Label, Lease
from aloe.oracle import Oracle, TimedOracle, parse_oracle

CLASSES = ["cough", "laugh", "sneeze", "sigh"]
CLIP_IDS = [f"clip{n}" for n in range(4000)]
TRUTH = {clip_id: CLASSES[n % 4] for n, clip_id in enumerate(CLIP_IDS)}
HARDNESS = {clip_id: n / len(CLIP_IDS) for n, clip_id in enumerate(CLIP_IDS)}
"""The later a clip, the harder."""


def lease(clip_id: str) -> Lease:
    return Lease("lease", clip_id, "", datetime(2023, 6, 4, tzinfo=UTC), "", None)


def answers(oracle: Oracle, clip_ids: Iterable[str] = CLIP_IDS) -> dict[str, Label | None]:
    return {clip_id: oracle.answer(lease(clip_id)) for clip_id in clip_ids}


def built(text: str, seed: int = 0, name: str = "") -> TimedOracle:
    return parse_oracle(text).build(TRUTH, CLASSES, seed, HARDNESS, name=name)


def answers_of(text: str, seed: int = 0, name: str = "") -> Mapping[str, Label | None]:
    return answers(built(text, seed, name))


def share_wrong(given: Mapping[str, Label | None]) -> float:
    """Part of the labels that are not the truth, abstentions left out."""
    labels = {clip_id: label for clip_id, label in given.items() if label is not None}
    return sum(label != TRUTH[clip_id] for clip_id, label in labels.items()) / len(labels)
