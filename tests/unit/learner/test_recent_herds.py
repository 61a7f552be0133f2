"""What tasks keep to pick batches stays within a budget."""

import numpy as np

from aloe.learner.cache.batches import Herds, RecentHerds
from aloe.learner.domain.batches.ground import Ground

VECTORS = np.random.default_rng(3).normal(size=(40, 4)).astype(np.float32)
GROUND = Ground.of(np.arange(40), VECTORS)
STATE_BYTES = 10 * 40 * 4


def unsure() -> np.ndarray:
    return np.ones(40, np.float32)


def asked(herds: Herds) -> None:
    herds.made(None, GROUND, unsure, VECTORS, np.arange(10))


def test_what_was_asked_longest_ago_gives_way():
    recent, tasks = RecentHerds(3 * STATE_BYTES), [Herds() for _ in range(4)]
    for herds in (*tasks[:3], tasks[0], tasks[3]):
        asked(herds)
        recent.used(herds)
    assert [herds.byte_count for herds in tasks] == [STATE_BYTES, 0, STATE_BYTES, STATE_BYTES]
    asked(tasks[1])
    assert tasks[1].byte_count == STATE_BYTES


def test_one_beyond_the_budget_is_kept_while_it_is_the_last():
    recent, herds = RecentHerds(1), Herds()
    asked(herds)
    recent.used(herds)
    assert herds.byte_count == STATE_BYTES


def test_tasks_that_are_gone_are_not_counted():
    recent = RecentHerds(2 * STATE_BYTES)
    for _ in range(5):
        gone = Herds()
        asked(gone)
        recent.used(gone)
    del gone
    kept = Herds()
    asked(kept)
    recent.used(kept)
    assert kept.byte_count == STATE_BYTES
    assert len(recent._kept) <= 2
