"""Scores of a pool's clips: queries at the same time share one pass over the vectors."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TypeVar

import numpy as np

from aloe.learner.bulkheads import SCORING, Threads
from aloe.learner.cache.batches import Herds
from aloe.learner.domain.acquisition import random_scores
from aloe.learner.domain.arrays import BoolArray, Float32Array, Int16Array, IntArray
from aloe.learner.domain.batches.density import (
    densities,
    information_density,
    mean_direction,
)
from aloe.learner.domain.batches.ground import Ground
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import Judge, Judgement
from aloe.values.strategies import GRAPH_FUNCTIONS, AcquisitionFunction

T = TypeVar("T")
SHARES_PER_THREAD = 4
"""More than one: a core may be busy with something else."""
_LEAST_SHARE_ROWS = 4_096
_NOT_SCORED = -1
_PARTS = dict.fromkeys(GRAPH_FUNCTIONS, AcquisitionFunction.SMALLEST_MARGIN) | {
    AcquisitionFunction.INFORMATION_DENSITY: AcquisitionFunction.ENTROPY
}
"""Functions of which only a part comes of the head, and that part."""


@dataclass(slots=True)
class _Request:
    judges: Sequence[Judge]
    embeddings: Float32Array
    rows: IntArray
    answer: "asyncio.Future[tuple[Float32Array, Int16Array]]"


class PoolScorer:
    """Scores clips of a pool on all cores. Requests that come during a pass share the next.

    All are of heads that read the same.
    """

    def __init__(self, threads: Threads) -> None:
        """Take the threads of SCORING, which all pools share."""
        self._threads = threads
        self._waiting: list[_Request] = []
        self._running: asyncio.Task[None] | None = None

    async def score(
        self, judges: Sequence[Judge], embeddings: Float32Array, rows: IntArray
    ) -> tuple[Float32Array, Int16Array]:
        """Score some clips.

        Args:
            judges: heads and acquisition functions.
            embeddings: (n_clips, embedding_dim) float32, the pool's.
            rows: (n,) int64, of embeddings, ascending.

        Returns:
            Scores (n_judges, n) float32, 0 for RANDOM, and predicted classes (n_judges, n) int16.
        """
        request = _Request(judges, embeddings, rows, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._serve())
        return await request.answer

    async def run(self, work: Callable[[], T]) -> T:
        """Do other work on what is scored, on the same threads."""
        return await self._threads.run(work)

    async def _serve(self) -> None:
        while self._waiting:
            requests, self._waiting = self._waiting, []
            try:
                await self._answer(requests)
            except Exception as error:  # noqa: BLE001 - the callers are told
                for request in requests:
                    if not request.answer.done():
                        request.answer.set_exception(error)

    async def _answer(self, requests: list[_Request]) -> None:
        # Pools only grow: the longest matrix holds the rows of all requests.
        embeddings = max((request.embeddings for request in requests), key=len)
        rows = requests[0].rows
        if len(requests) > 1:
            rows = _union([request.rows for request in requests], len(embeddings))
        judges = [judge for request in requests for judge in request.judges]
        judgement = Judgement(judges, embeddings, rows)
        ends = share_ends(len(rows))
        shares = (partial(judgement.share, begin, end) for begin, end in pairwise(ends))
        await asyncio.gather(*map(self._threads.run, shares))
        begin = 0
        for request in requests:
            own = slice(begin, begin := begin + len(request.judges))
            if request.answer.done():  # its caller was cancelled
                continue
            asked: slice | IntArray = slice(None)
            if len(requests) > 1:
                asked = np.searchsorted(rows, request.rows)
            request.answer.set_result(
                (judgement.scores[own, asked], judgement.predicted[own, asked])
            )


def share_ends(row_count: int) -> list[int]:
    """Return where the shares of a pass over some rows end, with where the first one begins."""
    most = SCORING.thread_count * SHARES_PER_THREAD
    share_count = min(most, -(-row_count // _LEAST_SHARE_ROWS))
    return [row_count * share // max(share_count, 1) for share in range(share_count + 1)]


def _union(parts: Sequence[IntArray], row_count: int) -> IntArray:
    """Return the rows that are in any of the parts, ascending."""
    is_in = np.zeros(row_count, np.bool_)
    for rows in parts:
        is_in[rows] = True
    return np.flatnonzero(is_in)


class HeadScores:
    """One judge's scores of a pool; a clip is scored once, when a query first needs it."""

    def __init__(
        self,
        head: Head,
        function: AcquisitionFunction,
        seed: int,
        ground: Ground | None = None,
    ) -> None:
        """Take a head and what it scores by.

        Args:
            head: the head.
            function: the acquisition function.
            seed: of the task.
            ground: of the pool, where the function looks at how dense that is.
        """
        self._head, self._function, self._seed, self._ground = head, function, seed, ground
        self._direction = mean_direction(ground.references.vectors) if ground else None
        self._judge = Judge(head, _PARTS.get(function, function))
        self.scores: Float32Array = np.empty(0, np.float32)
        """(n_clips,) float32; of a function on the pool's graph, the margin that it takes."""
        self.predicted: Int16Array = np.empty(0, np.int16)
        """(n_clips,) int16, indices of predicted classes"""

    @property
    def is_part(self) -> bool:
        """Whether scores are but a part of what clips are ranked by."""
        return self._function in GRAPH_FUNCTIONS

    @property
    def has_score(self) -> BoolArray:
        """(n_clips,) bool, whether it was scored yet."""
        has_score: BoolArray = self.predicted != _NOT_SCORED
        return has_score

    def serves(self, head: Head, function: AcquisitionFunction, ground: Ground | None) -> bool:
        """Whether these are the scores of a head by an acquisition function on a ground."""
        is_of_head = self._head is head and self._function is function
        return is_of_head and self._ground is ground

    async def cover(self, scorer: PoolScorer, embeddings: Float32Array, is_open: BoolArray) -> bool:
        """Score the open clips that have no score yet.

        Args:
            scorer: of the pool.
            embeddings: (n_clips, embedding_dim) float32, the pool's.
            is_open: (n_clips,) bool, the clips that may be asked for.

        Returns:
            Whether there were any.
        """
        self._grow(len(is_open))
        rows = np.flatnonzero(is_open & (self.predicted[: len(is_open)] == _NOT_SCORED))
        if not len(rows):
            return False
        scores, predicted = await scorer.score([self._judge], embeddings, rows)
        await self._take(scorer, embeddings, rows, scores[0], predicted[0])
        return True

    async def begin(
        self,
        scorer: PoolScorer,
        embeddings: Float32Array,
        rows: IntArray,
        besides: Sequence[Judge],
    ) -> tuple[Float32Array, Int16Array]:
        """Score clips none of which has a score yet, and by other judges in the same pass.

        Args:
            scorer: of the pool.
            embeddings: (n_clips, embedding_dim) float32, the pool's.
            rows: (n,) int64, of embeddings, ascending.
            besides: the others, mostly of the same head.

        Returns:
            What the others say, as PoolScorer.score does.
        """
        self._grow(len(embeddings))
        scores, predicted = await scorer.score([self._judge, *besides], embeddings, rows)
        await self._take(scorer, embeddings, rows, scores[0], predicted[0])
        return scores[1:], predicted[1:]

    def _grow(self, clip_count: int) -> None:
        more = clip_count - len(self.predicted)
        if more > 0:
            self.scores = np.r_[self.scores, np.zeros(more, np.float32)]
            self.predicted = np.r_[self.predicted, np.full(more, _NOT_SCORED, np.int16)]

    async def _take(
        self,
        scorer: PoolScorer,
        embeddings: Float32Array,
        rows: IntArray,
        scores: Float32Array,
        predicted: Int16Array,
    ) -> None:
        """Keep what the head says of some clips."""
        if self._function is AcquisitionFunction.RANDOM:
            scores = random_scores(self._seed, self._head.version, len(embeddings))[rows]
        elif self._direction is not None:
            dense = await scorer.run(partial(densities, embeddings, self._direction))
            scores = information_density(scores, dense[rows])
        self.scores[rows], self.predicted[rows] = scores, self._head.classes_at(predicted)


class Ranks:
    """What a process keeps to rank a task's clips."""

    def __init__(self) -> None:
        self.scores: HeadScores | None = None
        """By the head that ranked last."""
        self.scoring = asyncio.Lock()
        """Held while `scores` is replaced or completed."""
        self.picking = asyncio.Lock()
        """Held while a batch is picked, which changes `herds`."""
        self.cold_order: IntArray = np.empty(0, np.int64)
        """(n_clips,) int64, rows: the random order before the first head; empty when not in use."""
        self.herds = Herds()
        self.batch_size = 0
        """How many were asked for last; 0 where none were, by this process."""
        self.next: HeadScores | None = None
        """By a head that is being published."""

    def kept(
        self, head: Head, function: AcquisitionFunction, ground: Ground | None
    ) -> HeadScores | None:
        """Return a head's scores; those that were made ready for it are taken now."""
        if self.next is not None and self.next.serves(head, function, ground):
            self.scores, self.next = self.next, None
        scores = self.scores
        return scores if scores is not None and scores.serves(head, function, ground) else None
