"""The clips that stand for a pool, and what tasks share of them."""

import gc
import weakref
from functools import partial

import numpy as np
from numpy.testing import assert_array_equal
from tests.unit.learner.batches.scenes import random_situation

from aloe.learner.cache.batches import Herds
from aloe.learner.domain.batches.ground import Ground, reference_rows
from aloe.learner.domain.batches.herding import HerdingState


def unsure(count: int):
    return np.ones(count, np.float32)


def test_tasks_without_a_head_share_one_state_until_the_last_has_a_head():
    vectors = random_situation(1).references
    ground = Ground.of(np.arange(len(vectors)), vectors)
    tasks = [Herds(), Herds()]
    weights = partial(unsure, len(vectors))
    states = [herds.made(None, ground, weights, vectors, ground.rows).state for herds in tasks]
    assert states[0] is states[1]
    found = states[0]
    alone = HerdingState(weights(), ground.references.similarities(vectors))
    cover = ground.references.cover(vectors[:2])
    assert_array_equal(found.pick(9, cover).places, alone.pick(9, cover).places)
    held = weakref.ref(found)
    del states, found, tasks
    gc.collect()
    assert held() is None
    assert ground.start().pick(9, cover).places.tolist() == alone.pick(9, cover).places.tolist()


def test_a_task_that_has_labels_already_has_candidates_of_its_own():
    vectors = random_situation(2).references
    ground = Ground.of(np.arange(len(vectors)), vectors)
    rows = ground.rows[3:]
    state = Herds().made(None, ground, partial(unsure, len(vectors)), vectors, rows).state
    assert state is not ground.start()
    assert len(state.pick(1_000, np.zeros(len(vectors), np.float32)).places) == len(rows)


def test_references_of_a_pool_that_grows_stay_but_for_those_that_new_clips_replace():
    few, many = reference_rows(5_000, []), reference_rows(5_100, [])
    assert len(few) == len(many) == 4_096
    kept = np.intersect1d(few, many)
    assert len(kept) > 3_950
    assert set(many) - set(kept) <= set(range(5_000, 5_100))
    assert reference_rows(10, [3, 4]).tolist() == [0, 1, 2, 5, 6, 7, 8, 9]
