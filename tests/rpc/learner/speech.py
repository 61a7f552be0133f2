"""Embeddings with a truth, as pools and tasks of a learner."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tests.rpc.learner import authors
from tests.rpc.learner.scenes import FINGERPRINT, new_id

from aloe.client import (
    AdamRecipe,
    Answer,
    KnownLabel,
    LearnerClient,
    NewClip,
    QueryStrategy,
    RecipeName,
    Split,
)

PER_CLASS = 5


def overlapping_clusters() -> authors.Speech:
    """Make clusters that a linear head tells apart in four cases of five, a third for the test."""
    class_count, dim, clip_count = 6, 24, 900
    generator = np.random.default_rng(3)
    labels = np.arange(clip_count) % class_count
    centres = generator.normal(size=(class_count, dim))
    spread = generator.normal(scale=2.0, size=(clip_count, dim))
    rows = np.arange(clip_count)
    return authors.Speech(
        (centres[labels] + spread).astype(np.float32),
        labels,
        rows[rows % 9 < 6],
        rows[rows % 9 > 5],
    )


def class_name(number: int) -> str:
    return f"class{number}"


def class_names(speech: authors.Speech) -> list[str]:
    return [class_name(number) for number in range(speech.class_count)]


def clip_id(row: int) -> str:
    return f"clip{row:05d}"


def import_speech(client: LearnerClient, speech: authors.Speech) -> str:
    """Put embeddings into a pool of their own, clip after clip."""
    pool_id, dim = new_id(), speech.embeddings.shape[1]
    client.create_pool(pool_id, encoder_fingerprint=FINGERPRINT, embedding_dim=dim)
    clips = [NewClip(clip_id(row), embedding=each) for row, each in enumerate(speech.embeddings)]
    assert client.import_clips(pool_id, clips).imported_count == len(clips)
    return pool_id


def known(speech: authors.Speech, rows: authors.Ints, split: Split) -> list[KnownLabel]:
    return [KnownLabel(clip_id(row), class_name(speech.labels[row]), split) for row in rows]


def start(
    client: LearnerClient, pool_id: str, speech: authors.Speech, strategy: QueryStrategy, seed: int
) -> tuple[str, int]:
    """Create a task with its starting labels; return its id and the version of its first head."""
    task_id = new_id()
    client.create_task(
        task_id,
        pool_id,
        class_names(speech),
        recipe=RecipeName.PAPER,
        query_strategy=strategy,
        head_recipe=AdamRecipe(),
        seed=seed,
    )
    starting = known(speech, speech.starting_clips(PER_CLASS, seed), Split.TRAIN)
    labels = [*known(speech, speech.test, Split.TEST), *starting]
    return task_id, client.import_labels(task_id, labels).head_version or 0


@dataclass(frozen=True)
class LabeledRound:
    """What was asked by one head."""

    logits: NDArray[np.float64]
    """(n_clips, n_classes), of the head as it was exported"""
    candidates: authors.Ints
    """The clips that there were to choose from."""
    picks: authors.Ints
    """In the order in which they were asked."""

    @property
    def predicted(self) -> authors.Ints:
        return np.asarray(self.logits.argmax(axis=1))


def label_rounds(
    client: LearnerClient,
    pool_id: str,
    speech: authors.Speech,
    strategy: QueryStrategy,
    *,
    round_count: int,
    batch_size: int,
) -> Iterator[LabeledRound]:
    """Label a new task of seed 1, one batch for each head."""
    task_id, version = start(client, pool_id, speech, strategy, seed=1)
    candidates = np.setdiff1d(speech.train, speech.starting_clips(PER_CLASS, seed=1))
    for _ in range(round_count):
        leases = client.query(
            task_id, "ann", max_clip_count=batch_size, min_head_version=version
        ).leases
        head = client.export_head(task_id, version)
        picks = np.array([int(lease.clip_id.removeprefix("clip")) for lease in leases])
        logits = speech.embeddings.astype(np.float64) @ head.weights + head.biases
        yield LabeledRound(logits, candidates, picks)
        candidates = np.setdiff1d(candidates, picks)
        answers = [
            Answer(lease.lease_id, class_name(speech.labels[row]))
            for lease, row in zip(leases, picks, strict=True)
        ]
        version = client.submit_labels(task_id, "ann", answers).head_version or 0
