"""What a task keeps to pick batches is, bit for bit, what would be made anew."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from aloe.learner.cache.batches import Cover, Herd, Herds, Nearness
from aloe.learner.domain.batches.ground import Ground
from aloe.learner.domain.batches.herding import HerdingState
from aloe.learner.domain.head import Head

CLIP_COUNT, DIM, REFERENCE_COUNT = 700, 20, 30
SEEDS = st.integers(0, 2**32 - 1)
VECTORS = np.random.default_rng(1).normal(size=(CLIP_COUNT, DIM)).astype(np.float32)
GROUND = Ground.of(np.arange(0, CLIP_COUNT, CLIP_COUNT // REFERENCE_COUNT), VECTORS)
OTHER_GROUND = Ground.of(np.arange(len(GROUND.rows)), VECTORS)
WEIGHTS = np.random.default_rng(2).random(len(GROUND.rows), np.float32)
HEADS = [Head(n, np.zeros((DIM, 2), np.float32), np.zeros(2, np.float32)) for n in range(3)]


def some_rows(rng: np.random.Generator, most: int = 400):
    return rng.permutation(CLIP_COUNT)[: rng.integers(0, most)]


def alone(rows):
    """Work out how clips lie, each by itself."""
    found = [GROUND.references.similarities(VECTORS[row : row + 1]) for row in rows]
    return np.concatenate([np.empty((0, len(GROUND.rows)), np.float32), *found])


def herd_of(head: Head, rows) -> Herd:
    state = HerdingState(WEIGHTS, GROUND.references.similarities(VECTORS[rows]))
    return Herd(head, GROUND, rows, state)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_what_is_known_of_clips_and_what_is_worked_out_in_shares_are_the_same_bits(seed):
    rng = np.random.default_rng(seed)
    known, rows = herd_of(HEADS[0], some_rows(rng)), some_rows(rng)
    nearness = Nearness(GROUND, VECTORS, rows, known)
    assert nearness.missing_count == len(np.setdiff1d(rows, known.rows))
    middle = int(rng.integers(0, nearness.missing_count + 1))
    nearness.share(middle, nearness.missing_count)
    nearness.share(0, middle)
    assert_array_equal(nearness.similarities, alone(rows))


def test_what_is_known_on_another_ground_is_not_used():
    rows = np.arange(5)
    known = herd_of(HEADS[0], rows)
    nearness = Nearness(OTHER_GROUND, VECTORS, rows, known)
    assert nearness.missing_count == 5
    assert_array_equal(nearness.all(), OTHER_GROUND.references.similarities(VECTORS[rows]))


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_a_cover_that_grows_is_that_of_all_its_clips(seed):
    rng = np.random.default_rng(seed)
    order, known = rng.permutation(CLIP_COUNT), herd_of(HEADS[0], some_rows(rng))
    cover = Cover.of_nothing(GROUND)
    for count in np.sort(rng.integers(0, CLIP_COUNT, 3)):
        rows = np.sort(order[:count])
        cover = cover.grown(VECTORS, rows, known)
        assert_array_equal(cover.rows, rows)
        assert_array_equal(cover.values, alone(rows).max(axis=0, initial=0))


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_a_task_covers_and_picks_as_one_that_kept_nothing(seed):
    """Clips are leased, given back and answered, and answers taken back, under several heads."""
    rng, herds = np.random.default_rng(seed), Herds()
    answered = np.zeros(CLIP_COUNT, np.bool_)
    for _ in range(6):
        head, rows = HEADS[rng.integers(3)], some_rows(rng)
        answered[rng.integers(0, CLIP_COUNT, 9)] = True
        answered[rng.integers(0, CLIP_COUNT, rng.integers(2))] = False
        herd = herds.made(head, GROUND, lambda: WEIGHTS, VECTORS, rows)
        outside, leased = np.flatnonzero(answered), rng.integers(0, CLIP_COUNT, 5)
        leased = np.setdiff1d(leased, outside)
        cover = herds.cover(GROUND, VECTORS, outside, leased)
        fresh = Herds()
        assert_array_equal(cover, alone(np.r_[outside, leased]).max(axis=0))
        assert_array_equal(cover, fresh.cover(GROUND, VECTORS, outside, leased))
        expected = fresh.made(head, GROUND, lambda: WEIGHTS, VECTORS, rows).state.pick(9, cover)
        found = herd.state.pick(9, cover)
        assert_array_equal(found.places, expected.places)
        assert_array_equal(found.gains, expected.gains)


def test_what_was_made_ready_is_taken_once_its_head_is_asked_for():
    herds, rows = Herds(), np.arange(50)
    before = herds.made(HEADS[0], GROUND, lambda: WEIGHTS, VECTORS, rows)
    ready = herd_of(HEADS[1], rows)
    herds.next = ready, Cover.of_nothing(GROUND)
    both = before.state.byte_count + ready.state.byte_count
    assert herds.byte_count == both
    assert herds.made(HEADS[0], GROUND, lambda: WEIGHTS, VECTORS, rows) is before
    assert herds.made(HEADS[1], GROUND, lambda: WEIGHTS, VECTORS, rows) is ready
    assert herds.next is None
    herds.forget()
    assert herds.byte_count == 0
