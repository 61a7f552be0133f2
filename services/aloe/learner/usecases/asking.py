"""Batches by rules that look at how clips lie to each other.

What is picked follows from the head, the answers and leases since, and the pool's clips alone, so
that the log tells every pick again. Candidates are clips that had no answer when the head came, so
that they stay the same ones while some of them are answered: these cover, and are not picked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from aloe.learner.cache.batches import Herds
from aloe.learner.cache.cached_pool import CachedPool
from aloe.learner.cache.scores import HeadScores
from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.arrays import BoolArray, Float32Array, Int16Array, IntArray
from aloe.learner.domain.batches.ground import REFERENCE_COUNT, Ground
from aloe.learner.domain.batches.rules import FROM_REFERENCES, RULES, rule_before_head
from aloe.learner.domain.batches.situation import (
    Picks,
    Situation,
    uncertainty,
    uncertainty_of_several,
)
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.events import are
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import class_probabilities
from aloe.learner.domain.leases import Reason
from aloe.learner.domain.selection import first_clips
from aloe.learner.usecases.explaining import reasons_of
from aloe.values.labels import LabelMode
from aloe.values.states import ClipState
from aloe.values.strategies import SelectionRule

FEWEST_CANDIDATES = 300
_PER_PICK = 10
_MOST_CANDIDATES = 8_192
"""With 4,096 references 134 MB of similarities; clips beyond them are asked by score."""
ANSWERED = ClipState.LABELED, ClipState.ABSTAINED
LEASED = (ClipState.LEASED,)
"""Both cover."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The outcome: rows in the order to ask, each with its reason."""

    rows: IntArray
    reasons: list[Reason]


@dataclass(frozen=True, slots=True, eq=False)
class BatchRequest:
    """All that decides a batch; taken on the event loop, used on a thread."""

    rule: SelectionRule
    head: Head | None
    class_count: int
    """That heads have which are trained now."""
    ground: Ground
    vectors: Float32Array
    """(n_clips, dim) float32, what the head reads."""
    states: NDArray[np.int8]
    """(n_clips,) int8, ClipState now."""
    class_indices: NDArray[np.int32]
    """(n_clips,) int32, of the labeled ones."""
    may_be_candidate: BoolArray
    """(n_clips,) bool, clips that had no answer when the head came, of those that may be asked."""
    may_be_asked: BoolArray | None
    """(n_clips,) bool; None where all may."""
    scores: Float32Array | None
    """(n_clips,) float32, by the head; None before the first."""
    predicted: Int16Array | None
    """(n_clips,) int16, predicted classes; None before the first."""
    seed: int
    batch_size: int
    """How many the query asks for."""
    wanted: int
    """How many to pick, spare ones included."""

    @property
    def is_open(self) -> BoolArray:
        """(n_clips,) bool, clips that may be picked."""
        is_open: BoolArray = self.states == ClipState.UNLABELED
        return is_open if self.may_be_asked is None else is_open & self.may_be_asked


def pick_batch(request: BatchRequest, herds: Herds) -> Batch:
    """Pick, in one thread."""
    rows = candidates_of(request)
    is_open = request.is_open[rows]
    if request.rule is not SelectionRule.HERDING:
        return _by_rule(request, rows, is_open)
    ground, vectors = request.ground, request.vectors
    herd = herds.made(request.head, ground, partial(reference_weights, request), vectors, rows)
    answered, leased = (outside_of(request, rows, kinds) for kinds in (ANSWERED, LEASED))
    cover = herds.cover(ground, vectors, answered, leased)
    picks = herd.state.pick(request.wanted, cover, np.flatnonzero(~is_open))
    shares = picks.gains / np.float32(len(ground.rows))
    return _explained(request, rows[picks.places], shares)


def reference_weights(request: BatchRequest) -> Float32Array:
    """Return how unsure the head is of each reference, (r,) float32."""
    probabilities = _probabilities(request, request.ground.rows)
    if request.head is not None and request.head.label_mode is LabelMode.MULTIPLE:
        return uncertainty_of_several(probabilities)
    return uncertainty(probabilities)


def outside_of(request: BatchRequest, rows: IntArray, kinds: Sequence[ClipState]) -> IntArray:
    """Return the clips of some states that are no candidates, ascending: (n,) int64."""
    is_of = are(request.states, kinds)
    is_of[rows] = False
    return np.flatnonzero(is_of)


def _explained(request: BatchRequest, rows: IntArray, gains: Float32Array) -> Batch:
    """Say of picks why, and add others where there are too few."""
    others = _others(request, rows)
    rows, gains = np.r_[rows, others], np.r_[gains, np.zeros(len(others), np.float32)]
    return Batch(rows, reasons_of(rows, gains, request.vectors, request.states))


def _by_rule(request: BatchRequest, rows: IntArray, is_open: BoolArray) -> Batch:
    covered = np.r_[outside_of(request, rows, (*ANSWERED, *LEASED)), rows[~is_open]]
    rows = rows[is_open]
    scores = request.scores
    picks: Picks = RULES[request.rule](
        Situation(
            candidates=request.vectors[rows],
            probabilities=_probabilities(request, rows),
            scores=np.zeros(len(rows), np.float32) if scores is None else scores[rows],
            covered=request.vectors[covered],
            covered_labels=np.where(
                request.states[covered] == ClipState.LABELED,
                request.class_indices[covered].astype(np.int64),
                NO_CLASS,
            ),
            covered_probabilities=_probabilities(request, covered),
            references=request.ground.references.vectors,
            reference_probabilities=_probabilities(request, request.ground.rows),
            seed=request.seed,
            count=request.wanted,
        )
    )
    return _explained(request, rows[picks.places], picks.gains)


def candidates_of(request: BatchRequest) -> IntArray:
    """Return the candidates, (m,) int64: the best by score, or the references."""
    if request.scores is None or request.predicted is None or request.rule in FROM_REFERENCES:
        rows = request.ground.rows
        rows = rows[request.may_be_candidate[rows]]
        if np.count_nonzero(request.is_open[rows]) >= request.wanted:
            return rows
        # Nearly all references are answered: others will do, but not all of a large pool.
        return np.flatnonzero(request.is_open)[: max(REFERENCE_COUNT, request.wanted)]
    count = min(max(FEWEST_CANDIDATES, _PER_PICK * request.batch_size), _MOST_CANDIDATES)
    while True:
        rows = _best_by_score(request, request.may_be_candidate, count)
        is_enough = np.count_nonzero(request.is_open[rows]) >= request.wanted
        if is_enough or len(rows) < count or count == _MOST_CANDIDATES:
            return rows
        count = min(2 * count, _MOST_CANDIDATES)


def _others(request: BatchRequest, picked: IntArray) -> IntArray:
    """Return the clips of a very large batch beyond its candidates, by score: (n,) int64."""
    missing = request.wanted - len(picked)
    if missing <= 0 or request.scores is None:
        return np.empty(0, np.int64)
    is_open = request.is_open
    is_open[picked] = False
    return _best_by_score(request, is_open, missing)


def _best_by_score(request: BatchRequest, among: BoolArray, count: int) -> IntArray:
    assert request.scores is not None  # noqa: S101 - callers have a head
    assert request.predicted is not None  # noqa: S101
    return first_clips(
        SelectionRule.CLASS_AGNOSTIC,
        scores=request.scores,
        predicted=request.predicted,
        is_open=among,
        class_count=request.class_count,
        count=count,
    )


def _probabilities(request: BatchRequest, rows: IntArray) -> Float32Array:
    """Return class probabilities by the head, (n, n_classes) float32; uniform before the first."""
    if request.head is None:
        return np.full((len(rows), request.class_count), 1 / request.class_count, np.float32)
    return class_probabilities(request.head, request.vectors, rows)


def request_of(
    cached: CachedTask,
    head: Head | None,
    pool: CachedPool,
    ground: Ground,
    scores: HeadScores | None,
    *,
    rule: SelectionRule,
    may_be_candidate: BoolArray,
    map_name: str,
    batch_size: int,
    wanted: int,
    may_be_asked: BoolArray | None,
) -> BatchRequest:
    """Take what decides a batch, as it is now; on the event loop.

    Args:
        cached: the task.
        head: that ranks; None before the first.
        pool: the task's, with what the head reads.
        ground: of the pool.
        scores: the head's, of all that may be candidates.
        rule: of the query; before a head another may be in its place.
        may_be_candidate: (n_clips,) bool, clips that had no answer when the head came.
        map_name: of what the head reads.
        batch_size: how many the query asks for.
        wanted: how many to pick.
        may_be_asked: (n_clips,) bool; None where all may.
    """
    count, view = pool.row_count, cached.view
    if may_be_asked is not None:
        may_be_candidate = may_be_candidate & may_be_asked
    return BatchRequest(
        rule=rule if head else rule_before_head(rule),
        head=head,
        class_count=len(cached.task.class_table.active),
        ground=ground,
        vectors=pool.matrix(map_name),
        states=view.states[:count].copy(),
        class_indices=view.class_indices[:count].copy(),
        may_be_candidate=may_be_candidate,
        may_be_asked=may_be_asked,
        scores=None if scores is None else scores.scores[:count],
        predicted=None if scores is None else scores.predicted[:count],
        seed=cached.task.seed,
        batch_size=batch_size,
        wanted=wanted,
    )
