"""Uncertainty herding, by hand and by its properties."""

import math
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from tests.unit.learner.batches.scenes import line, random_situation

from aloe.learner.domain.batches.distances import DistancesTo
from aloe.learner.domain.batches.herding import HerdingState, References, herd
from aloe.learner.domain.batches.situation import Picks, Situation, uncertainty

SEEDS = st.integers(0, 2**32 - 1)


def check_by_formula(situation: Situation, picks: Picks) -> None:
    """Check each pick against the gains of all, as the formula is worded."""
    references = References(situation.references)

    def similarity(points):
        distances = DistancesTo(situation.references).of(points).astype(np.float64)
        return np.exp(-distances / references.width)

    weights = uncertainty(situation.reference_probabilities)
    similarities = similarity(situation.candidates)
    cover = similarity(situation.covered).max(axis=0, initial=0)
    for place, gain in zip(picks.places, picks.gains, strict=True):
        gains = (weights * np.maximum(similarities - cover, 0)).sum(axis=1)
        assert_allclose(gains[place], gains.max(), rtol=1e-4, atol=1e-5)
        assert_allclose(gain, gains[place], rtol=1e-4, atol=1e-5)
        cover = np.maximum(cover, similarities[place])
        similarities[place] = 0


def test_the_width_is_twice_the_median_squared_distance_to_the_tenth_neighbour():
    # 0 to 10: the tenth of place p is the farthest, max(p, 10 - p): 10 9 8 7 6 5 6 7 8 9 10; 8.
    assert math.isclose(References(line(*range(11))).width, 2 * 8**2, rel_tol=1e-5)
    # Of three, the farthest: 3, 2, 3.
    assert math.isclose(References(line(0, 1, 3)).width, 2 * 3**2, rel_tol=1e-5)


def test_herding_by_hand():
    # References 0, 1, 3 with u = 1, 0.5, 1 and h = 18; 0 is covered: cover 1, e^-1/18, e^-9/18.
    # Candidate 3 adds 0.5 (e^-4/18 - e^-1/18 < 0: nothing) + 1 (1 - e^-1/2) = 0.393469.
    # Candidate 1 adds 0.5 (1 - e^-1/18) + (e^-4/18 - e^-1/2) = 0.027020 + 0.194206 = 0.221226;
    # after 3 only the first part.
    situation = Situation(
        candidates=line(1, 3),
        probabilities=np.array([[0.5, 0.5], [0.5, 0.5]], np.float32),
        scores=np.zeros(2, np.float32),
        covered=line(0),
        covered_labels=np.array([0]),
        covered_probabilities=np.array([[0.5, 0.5]], np.float32),
        references=line(0, 1, 3),
        reference_probabilities=np.array([[0.5, 0.5], [0.75, 0.25], [0.5, 0.5]], np.float32),
        seed=0,
        count=2,
    )
    picks = herd(situation)
    assert picks.places.tolist() == [1, 0]
    assert_allclose(picks.gains, [0.393469, 0.027020], atol=1e-5)
    (only,) = herd(replace(situation, candidates=line(1), **_of_one())).gains
    assert_allclose(only, 0.221226, atol=1e-5)


def _of_one():
    return {
        "probabilities": np.array([[0.5, 0.5]], np.float32),
        "scores": np.zeros(1, np.float32),
    }


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_picks_are_those_of_the_formula(seed):
    situation = random_situation(seed)
    picks = herd(situation)
    assert len(picks.places) == situation.pick_count
    check_by_formula(situation, picks)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_gains_never_increase(seed):
    gains = herd(random_situation(seed, count=50)).gains
    assert (np.diff(gains) <= 0).all()
    assert (gains >= 0).all()


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_the_order_of_the_candidates_matters_for_ties_alone(seed):
    situation = random_situation(seed, count=50)
    order = np.random.default_rng(seed).permutation(len(situation.candidates))
    moved = replace(
        situation,
        candidates=situation.candidates[order],
        probabilities=situation.probabilities[order],
        scores=situation.scores[order],
    )
    picks, others = herd(situation), herd(moved)
    for place, other, gain, other_gain in zip(
        picks.places, order[others.places], picks.gains, others.gains, strict=True
    ):
        assert gain == other_gain
        if not np.array_equal(situation.candidates[place], situation.candidates[other]):
            break  # a tie: what comes after it differs


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_a_state_answers_any_query_as_a_situation_of_its_own_would_be(seed):
    """Clips are labeled, leased and given back between the queries of one head."""
    situation, rng = random_situation(seed), np.random.default_rng(seed)
    references = References(situation.references)
    similarities = references.similarities(situation.candidates)
    state = HerdingState(uncertainty(situation.reference_probabilities), similarities)
    labeled = references.cover(situation.covered)
    for _ in range(3):
        is_taken = rng.random(len(situation.candidates)) < rng.random()
        others = rng.normal(size=(2, situation.candidates.shape[1])).astype(np.float32)
        cover, taken = np.maximum(references.cover(others), labeled), np.flatnonzero(is_taken)
        picks = state.pick(situation.count, cover, taken)
        covered = np.concatenate([situation.covered, others, situation.candidates[is_taken]])
        uniform = np.full((len(covered), situation.probabilities.shape[1]), 0.5, np.float32)
        alone = herd(
            replace(
                situation,
                candidates=situation.candidates[~is_taken],
                probabilities=situation.probabilities[~is_taken],
                scores=situation.scores[~is_taken],
                covered=covered,
                covered_labels=np.full(len(covered), -1),
                covered_probabilities=uniform,
            )
        )
        assert_array_equal(picks.places, np.flatnonzero(~is_taken)[alone.places])
        assert_array_equal(picks.gains, alone.gains)


def test_what_is_covered_gains_nothing():
    situation = random_situation(3)
    all_covered = replace(
        situation,
        covered=situation.references,
        covered_labels=np.zeros(len(situation.references), np.int64),
        covered_probabilities=situation.reference_probabilities,
    )
    picks = herd(all_covered)
    assert picks.places.tolist() == list(range(situation.pick_count))
    assert picks.gains.tolist() == [0] * situation.pick_count
