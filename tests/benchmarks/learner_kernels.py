"""Scoring compared with reading the pool, training compared with plain numpy."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from tests.benchmarks.learner_plain import clusters, plain_adam
from tests.benchmarks.measuring import in_turns, median_ratio
from threadpoolctl import threadpool_limits

from aloe.learner.bulkheads import SCORING
from aloe.learner.cache.scores import SHARES_PER_THREAD
from aloe.learner.domain.alignment import aligned
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import Judge, Judgement
from aloe.learner.domain.selection import first_clips
from aloe.learner.domain.training import adam, glorot_uniform, train_head
from aloe.values.recipes import PAPER_RECIPE, AdamRecipe, HeadRecipe, LogisticRecipe, RidgeRecipe
from aloe.values.strategies import AcquisitionFunction, SelectionRule

Float32Array = NDArray[np.float32]


@numba.njit(nogil=True, fastmath=True)
def _sum_of(embeddings: Float32Array, begin: int, end: int) -> np.float32:
    total = np.float32(0)
    for row in range(begin, end):
        for d in range(embeddings.shape[1]):
            total += embeddings[row, d]
    return total


class Scoring:
    """One pool, as the learner has it in memory; reading and scoring use the same threads."""

    def __init__(self, embeddings: Float32Array, class_count: int) -> None:
        self.embeddings, self._class_count = aligned(embeddings), class_count
        self._rows = np.arange(len(embeddings))
        self._is_open = np.ones(len(embeddings), np.bool_)
        self._threads = ThreadPoolExecutor(SCORING.thread_count)
        share_count = SCORING.thread_count * SHARES_PER_THREAD
        self._ends = np.linspace(0, len(embeddings), share_count + 1).astype(int).tolist()

    def read(self) -> None:
        self.share(lambda begin, end: _sum_of(self.embeddings, begin, end))

    def score_and_pick(
        self, heads: list[Head], rule: SelectionRule = SelectionRule.CLASS_AWARE, count: int = 12
    ) -> None:
        judges = [Judge(head, AcquisitionFunction.SMALLEST_MARGIN) for head in heads]
        judgement = Judgement(judges, self.embeddings, self._rows)
        self.share(judgement.share)
        for scores, predicted in zip(judgement.scores, judgement.predicted, strict=True):
            first_clips(
                rule,
                scores=scores,
                predicted=predicted,
                is_open=self._is_open,
                class_count=self._class_count,
                count=count,
            )

    def heads(self, count: int) -> list[Head]:
        generator = np.random.default_rng(1)
        dim = self.embeddings.shape[1]
        biases = np.zeros(self._class_count, np.float32)
        return [
            Head(1, glorot_uniform(generator, dim, self._class_count), biases) for _ in range(count)
        ]

    def share(self, work: Any) -> None:
        list(self._threads.map(work, self._ends[:-1], self._ends[1:]))


def scoring_figures(
    clip_count: int, embedding_dim: int, class_count: int, *, repeats: int, head_count: int = 16
) -> dict[str, float]:
    scoring = Scoring(clusters(clip_count, embedding_dim, class_count).embeddings, class_count)
    one, many = scoring.heads(1), scoring.heads(head_count)
    read, score, score_many = in_turns(
        repeats,
        scoring.read,
        lambda: scoring.score_and_pick(one),
        lambda: scoring.score_and_pick(many),
    )
    return {
        "read_ms": 1e3 * float(np.median(read)),
        "score_ms": 1e3 * float(np.median(score)),
        "score_over_read": median_ratio(score, read),
        f"score_{head_count}_heads_over_read_per_head": median_ratio(score_many, read) / head_count,
    }


def training_figures(
    label_count: int, embedding_dim: int, class_count: int, *, repeats: int
) -> dict[str, float]:
    data = clusters(label_count, embedding_dim, class_count)
    generator = np.random.default_rng(2)
    recipe = AdamRecipe()
    start = glorot_uniform(generator, embedding_dim, class_count)
    shuffles = [generator.permutation(label_count) for _ in range(recipe.epoch_count)]
    given = (recipe, data.embeddings, data.classes, start, shuffles)
    ours, plain = in_turns(repeats, lambda: adam(*given), lambda: plain_adam(*given))
    difference = np.abs(np.vstack(adam(*given)) - plain_adam(*given)).max()
    return {
        "train_ms": 1e3 * float(np.median(ours)),
        "train_numpy_ms": 1e3 * float(np.median(plain)),
        "train_over_numpy": median_ratio(ours, plain),
        "train_max_abs_difference": float(difference),
    }


def other_head_figures(
    label_counts: tuple[int, ...], dim: int, class_count: int, *, repeats: int
) -> dict[str, float]:
    """Time the logistic and the ridge head beside the paper's, in one BLAS thread."""
    figures: dict[str, float] = {}
    for label_count in label_counts:
        data = clusters(label_count, dim, class_count)
        # They mostly read vectors of about unit length.
        lengths = np.linalg.norm(data.embeddings, axis=1, keepdims=True)
        given = (data.embeddings / lengths, data.classes)

        def train(recipe: HeadRecipe, given: Any = given) -> Head:
            return train_head(recipe, *given, class_count=class_count, seed=0, version=1)

        with threadpool_limits(limits=1, user_api="blas"):
            logistic, ridge, paper = in_turns(
                repeats,
                lambda: train(LogisticRecipe()),
                lambda: train(RidgeRecipe()),
                lambda: train(PAPER_RECIPE),
            )
        name = f"{label_count}_labels_x_{dim}"
        figures |= {
            f"logistic_{name}_ms": 1e3 * float(np.median(logistic)),
            f"ridge_{name}_ms": 1e3 * float(np.median(ridge)),
            f"adam_{name}_ms": 1e3 * float(np.median(paper)),
            f"logistic_over_adam_{name}": median_ratio(logistic, paper),
            f"ridge_over_adam_{name}": median_ratio(ridge, paper),
        }
    return figures


def threads() -> str:
    return f"{SCORING.thread_count} of {os.cpu_count()} cores"
