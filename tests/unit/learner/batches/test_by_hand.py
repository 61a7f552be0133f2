"""Each rule on clips whose picks are worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from tests.unit.learner.batches.scenes import line, probabilities, random_situation

from aloe.learner.domain.batches.badge import badge
from aloe.learner.domain.batches.bait import bait
from aloe.learner.domain.batches.clustered_margin import clustered_margin
from aloe.learner.domain.batches.density import densities, information_density, mean_direction
from aloe.learner.domain.batches.drawing import draw, generator
from aloe.learner.domain.batches.k_center import k_center
from aloe.learner.domain.batches.k_means import k_means
from aloe.learner.domain.batches.probcover import probcover
from aloe.learner.domain.batches.situation import Picks, Situation
from aloe.learner.domain.batches.stages import stages
from aloe.learner.domain.batches.typiclust import typicality, typiclust
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.kernels.gradients import nearer_gradients

TEN_AND_ONE = line(0, 0.1, 0.2, 0.3, 50, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
NOTHING, NO_LABELS = line(), np.empty(0, np.int64)


def cold(candidates, covered=NOTHING, labels=NO_LABELS, references=None, count=9) -> Situation:
    """Make the situation of two classes and no head."""
    references = candidates if references is None else references
    return Situation.without_head(
        candidates, references, covered, labels, class_count=2, seed=0, count=count
    )


def check(picks: Picks, places, gains, rtol=1e-5):
    assert picks.places.tolist() == places
    assert_allclose(picks.gains, gains, rtol=rtol)


def test_k_center_takes_the_farthest_clip_again_and_again():
    # Distances to 0: 1, 5, 9. After 9: 1, 4. After 5: 1.
    check(k_center(cold(line(1, 5, 9), line(0), np.array([1]))), [2, 1, 0], [81, 16, 1])


def test_k_center_begins_in_the_middle():
    # The mean is 5; then 1 and 9 are equally far: the lower place.
    check(k_center(cold(line(1, 5, 9))), [1, 0, 2], [np.inf, 16, 16])


def test_k_means_takes_what_lowers_the_sum_of_squares_most():
    # From the farthest: 25 + 16 + 25 = 66. With 0: 0 + 1 + 25; with 1: 1 + 0 + 16; with 5:
    # 25 + 16 + 0. After 1 there are 1 + 0 + 16: 5 lowers it by 16, 0 by 1.
    check(k_means(cold(line(0, 1, 5))), [1, 2, 0], [49, 16, 1])
    # With 0 covered: 0 + 1 + 25. With 1: 0 + 0 + 16; with 5: 0 + 1 + 0, and then 1 is left.
    situation = cold(line(1, 5), line(0), np.array([0]), references=line(0, 1, 5))
    check(k_means(situation), [1, 0], [25, 1])
    # A head that is certain of 5 leaves the 1 of clip 1.
    certain = np.array([[0.5, 0.5], [0.5, 0.5], [1, 0]], np.float32)
    check(k_means(replace(situation, reference_probabilities=certain)), [0, 1], [1, 0])


def test_probcover_takes_the_ball_with_most_that_no_ball_holds():
    # Two clusters, 0 1 2 and 10 11; to the other: 10, 9, 8, 8, 9. Balls of radius 8 are pure and
    # hold less than that: the first three hold 3, the others 2.
    places = line(0, 1, 2, 10, 11)
    check(probcover(cold(places)), [0, 3, 1, 2, 4], [3, 2, 0, 0, 0])
    # 0 is covered, and with it 1 and 2.
    situation = cold(places[1:], places[:1], np.array([0]), references=places)
    check(probcover(situation), [2, 0, 1, 3], [2, 0, 0, 0])


def test_typicality_is_the_inverse_of_the_mean_distance_to_the_neighbours():
    # Of five references the four others: (1+2+10+11)/4, (1+1+9+10)/4, (2+1+8+9)/4,
    # (10+9+8+1)/4, (11+10+9+1)/4. Clip 4 is none of them: (4+3+2+6+7)/5 but for the farthest.
    places = line(0, 1, 2, 10, 11)
    found = typicality(places, places)
    assert_allclose(1 / found, [6, 5.25, 5, 7, 7.75], rtol=1e-5)
    assert_allclose(1 / typicality(line(4), places), [(4 + 3 + 2 + 6) / 4], rtol=1e-5)
    assert_allclose(1 / typicality(line(4), line(1)), [3], rtol=1e-5)


def test_typiclust_takes_the_most_typical_clip_of_the_largest_cluster_without_a_label():
    # One covered and one to pick: two clusters, of which 10 and 11 have no label.
    places = line(0, 1, 2, 10, 11)
    check(typiclust(cold(places, line(0.5), np.array([0]), count=1)), [3], [1 / 7])
    # Nothing covered, one to pick: one cluster, the most typical of all.
    check(typiclust(cold(places, count=1)), [2], [1 / 5])
    # Both clusters are covered once: the larger one, with the covered clips 3 + 1 to 2 + 1.
    covered = line(0.5, 10.5)
    situation = cold(line(0, 1, 2, 10, 11), covered, np.array([0, NO_CLASS]), count=1)
    (place,) = typiclust(situation).places
    assert place in (0, 1, 2)


def test_badge_begins_with_the_longest_gradient_and_draws_no_clip_like_it():
    # p - onehot: (-0.4, 0.4), (-0.1, 0.1), the same as the first, (-0.5, 0.5); squares 0.32, 0.02,
    # 0.32, 0.5. Times x^2: 0.32 * 4, 0.02 * 4, 0.32 * 4, 0.5.
    situation = replace(
        cold(line(2, 2, 2, 1)),
        probabilities=np.array([[0.6, 0.4], [0.9, 0.1], [0.6, 0.4], [0.5, 0.5]], np.float32),
    )
    for seed in range(20):
        picks = badge(replace(situation, seed=seed))
        assert picks.places[0] == 0
        # Place 2 is at no distance from place 0: it is left for last.
        assert picks.places[3] == 2
        assert set(picks.places[1:3]) == {1, 3}
    assert_allclose(picks.gains[0], 1.28, rtol=1e-5)
    # To the first, in one coordinate of two equal ones: 2 (0.8 - 0.2)^2 and 2 (0.8 - 0.5)^2.
    expected = {1: 2 * 0.6**2, 3: 2 * 0.3**2}
    assert_allclose(picks.gains[1], expected[int(picks.places[1])], rtol=1e-4)


def test_badge_counts_what_waits_for_an_answer_as_picked():
    situation = replace(
        cold(line(2, 3), line(3, 2), np.array([NO_CLASS, 1]), count=1),
        probabilities=np.array([[0.6, 0.4], [0.6, 0.4]], np.float32),
        covered_probabilities=np.array([[0.6, 0.4], [0.6, 0.4]], np.float32),
    )
    # 3 has the longer gradient, but one like it is leased; the labeled 2 does not count.
    check(badge(situation), [0], [2 * (0.4 * 3 - 0.4 * 2) ** 2], rtol=1e-4)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_distances_of_gradients_are_those_of_the_outer_products(seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(6, 5)).astype(np.float32)
    errors = probabilities(rng, 6, 3) - np.eye(3, dtype=np.float32)[0]
    gradients = (errors[:, :, None] * vectors[:, None, :]).reshape(6, -1)
    nearest = np.full(6, np.inf, np.float32)
    nearer_gradients(vectors, errors, vectors[0], errors[0], nearest)
    plain = np.square(gradients - gradients[0]).sum(axis=1)
    assert_allclose(nearest, plain, rtol=1e-3, atol=1e-4)
    nearer_gradients(vectors, errors, vectors[1], errors[1], nearest)
    other = np.square(gradients - gradients[1]).sum(axis=1)
    assert_allclose(nearest, np.minimum(plain, other), rtol=1e-3, atol=1e-4)


def test_a_draw_is_in_proportion_to_the_weights():
    weights = np.array([0, 1, 0, 3, 0], np.float32)
    drawn = [draw(generator(seed), weights) for seed in range(400)]
    assert set(drawn) == {1, 3}
    # 100 expected; three standard deviations are 26.
    assert 74 <= drawn.count(1) <= 126


def test_bait_lowers_the_trace_most():
    # p (1 - p) = 0.25 of each of two classes. I = 0.25 x^2 = 0.25 of reference 1. M = 1, with clip
    # 1 it is 1.25, with clip 2 it is 2: 0.5 (1 - 0.8) and 0.5 (1 - 0.5). After clip 2:
    # 0.5 (0.5 - 1 / 2.25).
    picks = bait(cold(line(1, 2), references=line(1)))
    check(picks, [1, 0], [0.25, 0.0277778], rtol=1e-4)
    # A covered clip 1 leaves 0.5 (0.8 - 1 / 2.25) for clip 2.
    picks = bait(cold(line(1, 2), line(1), np.array([0]), references=line(1), count=1))
    check(picks, [1], [0.1777778], rtol=1e-4)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_bait_picks_by_the_formula(seed):
    situation = random_situation(seed)
    unit = np.square(situation.references.astype(np.float64)).mean()

    def information(vectors, p):
        return (p * (1 - p))[:, :, None] * (np.square(vectors.astype(np.float64)) / unit)[:, None]

    told = information(situation.candidates, situation.probabilities)
    wanted = information(situation.references, situation.reference_probabilities).mean(axis=0)
    known = information(situation.covered, situation.covered_probabilities).sum(axis=0) + 1
    picks = bait(situation)
    is_open = np.ones(len(told), np.bool_)
    for place, gain in zip(picks.places, picks.gains, strict=True):
        gains = (wanted / known - wanted / (known + told)).sum(axis=(1, 2))
        assert_allclose(gain, gains[place], rtol=1e-3, atol=1e-6)
        assert_allclose(gains[place], gains[is_open].max(), rtol=1e-3, atol=1e-6)
        known = known + told[place]
        is_open[place] = False
    assert (np.diff(picks.gains) <= 0).all()


@pytest.mark.parametrize(
    ("covered", "expected"),
    [
        # The best ten are one cluster: the best. For four of forty there are two, of ten with
        # place 0, which has had a turn, and of one: place 4, the worst by score.
        ([], [0, 4, 1, 2, 3, 5, 6, 7, 8, 9, 10]),
        # A clip by place 4 waits: it comes in the second turn, before the larger cluster.
        ([51.0], [0, 4, 1, 2, 3, 5, 6, 7, 8, 9, 10]),
        # Two do: it comes in the third turn, after place 1 of the second.
        ([51.0, 51.0], [0, 1, 4, 2, 3, 5, 6, 7, 8, 9, 10]),
    ],
)
def test_clustered_margin_asks_the_smallest_cluster_first(covered, expected):
    waiting = np.full(len(covered), NO_CLASS)
    situation = cold(TEN_AND_ONE, line(*covered), waiting, count=99)
    scores = -np.arange(11, dtype=np.float32)
    scores[4] = -20
    check(clustered_margin(replace(situation, scores=scores)), expected, scores[expected])


def test_a_label_is_no_turn_of_a_cluster():
    picks = clustered_margin(cold(TEN_AND_ONE, line(51, 51), np.array([0, 1]), count=2))
    assert picks.places.tolist() == [0, 4]


def test_stages_grow_until_the_batch_is_full():
    assert list(stages(0)) == []
    assert list(stages(1)) == [(1, 1)]
    assert list(stages(4)) == [(1, 1), (4, 4)]
    assert list(stages(6)) == [(1, 1), (4, 4), (6, 16)]


def test_information_density_is_entropy_times_mean_similarity():
    # Unit references (1, 0) and (0, 1), mean (0.5, 0.5). Cosines 0.5, 0.5, -0.5 and 0 for nothing.
    direction = mean_direction(np.array([[2, 0], [0, 1]], np.float32))
    vectors = np.array([[1, 0], [0, 7], [-3, 0], [0, 0]], np.float32)
    found = densities(vectors, direction)
    assert_allclose(found, [0.75, 0.75, 0.25, 0.5], rtol=1e-6)
    entropies = np.array([1, 0.4, 2, 0], np.float32)
    assert_allclose(information_density(entropies, found), [0.75, 0.3, 0.5, 0], rtol=1e-6)
    assert mean_direction(np.empty((0, 2), np.float32)).tolist() == [0, 0]
    assert mean_direction(np.zeros((3, 2), np.float32)).tolist() == [0, 0]
