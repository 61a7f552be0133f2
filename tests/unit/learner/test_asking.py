"""Batches larger than their candidates are filled up by score."""

import numpy as np
import pytest

from aloe.learner.cache.batches import Herds
from aloe.learner.domain.batches.ground import Ground
from aloe.learner.domain.batches.rules import RULES
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import Judge, Judgement
from aloe.learner.usecases import asking
from aloe.learner.usecases.asking import BatchRequest, pick_batch
from aloe.values.states import ClipState
from aloe.values.strategies import AcquisitionFunction

COUNT, DIM = 60, 4


@pytest.mark.parametrize("rule", RULES)
def test_every_open_clip_is_picked_once_however_many_are_wanted(rule, monkeypatch):
    monkeypatch.setattr(asking, "_MOST_CANDIDATES", 7)
    monkeypatch.setattr(asking, "REFERENCE_COUNT", 7)
    generator = np.random.default_rng(1)
    vectors = generator.normal(size=(COUNT, DIM)).astype(np.float32)
    head = Head(1, generator.normal(size=(DIM, 3)).astype(np.float32), np.zeros(3, np.float32))
    judge = Judge(head, AcquisitionFunction.SMALLEST_MARGIN)
    judgement = Judgement([judge], vectors, np.arange(COUNT))
    judgement.share(0, COUNT)
    states = np.full(COUNT, ClipState.UNLABELED, np.int8)
    states[:6] = ClipState.LABELED
    states[6:9] = ClipState.LEASED
    request = BatchRequest(
        rule=rule,
        head=head,
        class_count=3,
        ground=Ground.of(np.arange(10, 30), vectors),
        vectors=vectors,
        states=states,
        class_indices=np.where(states == ClipState.LABELED, 1, -1).astype(np.int32),
        may_be_candidate=states != ClipState.LABELED,
        may_be_asked=None,
        scores=judgement.scores[0],
        predicted=judgement.predicted[0],
        seed=0,
        batch_size=COUNT,
        wanted=COUNT,
    )
    batch = pick_batch(request, Herds())
    assert sorted(batch.rows.tolist()) == list(range(9, COUNT))
    assert len(batch.reasons) == len(batch.rows)
