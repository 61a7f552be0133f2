"""Scores are worked out once a head and clip, on all cores, for all tasks of a pool together."""

import asyncio

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from tests.unit.learner.test_kernels import judged, make_embeddings, make_head

from aloe.learner.bulkheads import SCORING, Threads
from aloe.learner.cache.scores import HeadScores, PoolScorer
from aloe.learner.domain.acquisition import random_scores
from aloe.learner.domain.judging import Judge
from aloe.values.strategies import AcquisitionFunction

MARGIN = AcquisitionFunction.SMALLEST_MARGIN
DIM = 24


class NotingScorer(PoolScorer):
    """Remembers which rows it was asked for."""

    def __init__(self) -> None:
        super().__init__(Threads(SCORING))
        self.asked: list[list[int]] = []

    async def score(self, judges, embeddings, rows):
        self.asked.append(rows.tolist())
        return await super().score(judges, embeddings, rows)


def opened(count: int, *closed: int):
    is_open = np.ones(count, np.bool_)
    is_open[list(closed)] = False
    return is_open


async def test_a_lease_or_a_label_scores_nothing_again():
    embeddings, scorer = make_embeddings(1, 50, DIM), NotingScorer()
    scores = HeadScores(make_head(1, DIM, 3), MARGIN, seed=0)
    await scores.cover(scorer, embeddings, opened(50))
    await scores.cover(scorer, embeddings, opened(50, 3, 4, 5))
    assert scorer.asked == [list(range(50))]


async def test_only_clips_that_may_be_asked_for_are_scored_and_the_others_once_they_may():
    embeddings, scorer = make_embeddings(2, 30, DIM), NotingScorer()
    judge = Judge(make_head(2, DIM, 4), MARGIN)
    scores = HeadScores(judge.head, judge.function, seed=0)
    await scores.cover(scorer, embeddings, opened(30, 7, 20))
    await scores.cover(scorer, embeddings, opened(30, 20))
    assert scorer.asked[1:] == [[7]]
    everything = judged([judge], embeddings)
    rows = [row for row in range(30) if row != 20]
    assert_array_equal(scores.scores[rows], everything.scores[0][rows])
    assert_array_equal(scores.predicted[rows], everything.predicted[0][rows])


async def test_a_pool_that_grew_has_only_its_new_clips_scored():
    embeddings, scorer = make_embeddings(3, 80, DIM), NotingScorer()
    judge = Judge(make_head(3, DIM, 5), MARGIN)
    scores = HeadScores(judge.head, judge.function, seed=0)
    await scores.cover(scorer, embeddings[:60], opened(60))
    await scores.cover(scorer, embeddings, opened(80))
    assert scorer.asked[1:] == [list(range(60, 80))]
    assert_array_equal(scores.scores, judged([judge], embeddings).scores[0])


async def test_random_scores_do_not_depend_on_when_a_clip_was_scored():
    embeddings, scorer = make_embeddings(4, 40, DIM), PoolScorer(Threads(SCORING))
    scores = HeadScores(make_head(9, DIM, 2), AcquisitionFunction.RANDOM, seed=5)
    await scores.cover(scorer, embeddings[:25], opened(25, 3))
    await scores.cover(scorer, embeddings, opened(40))
    assert_array_equal(scores.scores, random_scores(5, 9, 40))


async def test_heads_that_ask_at_once_for_different_clips_get_what_they_get_alone():
    embeddings, scorer = make_embeddings(5, 9_000, DIM), PoolScorer(Threads(SCORING))
    judges = [Judge(make_head(seed, DIM, 2 + seed), MARGIN) for seed in range(4)]
    rows = [np.arange(9_000), np.arange(0, 9_000, 3), np.array([8_999]), np.arange(50, 5_000)]
    # One asks by two heads, the others by one.
    judges_of = [judges[:2], *([each] for each in judges[1:])]
    asked = [scorer.score(*each) for each in zip(judges_of, [embeddings] * 4, rows, strict=True)]
    for own_judges, own_rows, (scores, predicted) in zip(
        judges_of, rows, await asyncio.gather(*asked), strict=True
    ):
        alone = judged(own_judges, embeddings, own_rows)
        assert_array_equal(scores, alone.scores)
        assert_array_equal(predicted, alone.predicted)


async def test_what_is_judged_besides_leaves_the_scores_as_they_are():
    embeddings, scorer = make_embeddings(6, 70, DIM), PoolScorer(Threads(SCORING))
    head, other = make_head(1, DIM, 4), make_head(2, DIM, 4)
    besides = [Judge(each, AcquisitionFunction.LEAST_CONFIDENCE) for each in (head, other)]
    scores, rows = HeadScores(head, MARGIN, seed=0), np.arange(0, 70, 2)
    told, predicted = await scores.begin(scorer, embeddings, rows, besides)
    alone = judged(besides, embeddings, rows)
    assert_array_equal(told, alone.scores)
    assert_array_equal(predicted, alone.predicted)
    assert_array_equal(scores.has_score, np.arange(70) % 2 == 0)
    await scores.cover(scorer, embeddings, opened(70))
    assert_array_equal(scores.scores, judged([Judge(head, MARGIN)], embeddings).scores[0])


async def test_whoever_asked_is_told_of_a_failure_and_the_next_one_is_served():
    scorer, judge = PoolScorer(Threads(SCORING)), Judge(make_head(1, DIM, 3), MARGIN)
    narrow = make_embeddings(1, 4, DIM - 1)
    with pytest.raises(ValueError, match="do not fit a head of 24 values"):
        await scorer.score([judge], narrow, np.arange(4))
    scores, _ = await scorer.score([judge], make_embeddings(1, 4, DIM), np.arange(4))
    assert scores.shape == (1, 4)
