from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from aloe.learner.domain.evaluation import Evaluation
from aloe.learner.domain.head import Head
from aloe.learner.domain.leases import LabelChange
from aloe.learner.domain.rounds import Round
from aloe.values import AdamRecipe, ClipState

from .conftest import DIM, Scene

HOLD = timedelta(minutes=1)
TWO_CLASSES = [LabelChange(0, ClipState.LABELED, 0), LabelChange(1, ClipState.LABELED, 1)]


def a_head(version: int) -> Head:
    generator = np.random.default_rng(version)
    return Head(
        version,
        generator.random((DIM, 2), dtype=np.float32),
        generator.random(2, dtype=np.float32),
    )


def a_round(version: int) -> Round:
    return Round(
        head_version=version,
        label_count=2,
        head_recipe=AdamRecipe(0.01, 7, 3),
        validation=Evaluation(4, 0.5, 0.25, (0.5, float("nan")), 0.7, 0.125),
        test=None,
        start_time=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
        training_s=0.25,
        evaluation_s=0.125,
        training_loss=0.6,
        prediction_agreement=0.75 if version > 1 else None,
        mean_uncertainty=0.375,
        statistics_s=0.5,
        store_s=0.0625,
    )


async def test_no_round_is_due_before_two_classes_are_labeled(scene: Scene):
    await scene.store.import_labels(scene.task, TWO_CLASSES[:1])
    assert await scene.store.begin_round(scene.task, "t", HOLD) is None


async def test_only_one_trainer_gets_a_round(scene: Scene):
    await scene.store.import_labels(scene.task, TWO_CLASSES)
    ticket = await scene.store.begin_round(scene.task, "t1", HOLD)
    assert ticket is not None
    assert ticket.head_version == 1
    assert await scene.store.begin_round(scene.task, "t2", HOLD) is None
    assert await scene.store.begin_round(scene.task, "t1", HOLD) == ticket


async def test_a_published_head_comes_back_bit_for_bit(scene: Scene):
    await scene.store.import_labels(scene.task, TWO_CLASSES)
    ticket = await scene.store.begin_round(scene.task, "t", HOLD)
    assert ticket is not None
    assert await scene.store.publish_head(ticket, a_head(1), a_round(1))
    head = await scene.store.read_head(scene.task, 1)
    assert head is not None
    assert np.array_equal(head.weights, a_head(1).weights)
    assert np.array_equal(head.biases, a_head(1).biases)
    (round_,) = await scene.store.read_rounds(scene.task, 1, 10)
    assert repr(round_) == repr(a_round(1))
    assert await scene.store.begin_round(scene.task, "t", HOLD) is None
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert (progress.head_version, progress.training_head_version) == (1, None)


async def test_labels_that_come_during_a_round_are_promised_the_next_head(scene: Scene):
    first = await scene.store.import_labels(scene.task, TWO_CLASSES)
    ticket = await scene.store.begin_round(scene.task, "t", HOLD)
    assert ticket is not None
    second = await scene.store.import_labels(scene.task, [LabelChange(2, ClipState.LABELED, 0)])
    third = await scene.store.import_labels(scene.task, [LabelChange(3, ClipState.LABELED, 0)])
    versions = [first.head_version, second.head_version, third.head_version]
    assert versions == [1, 2, 2]
    _, progress = await scene.store.read_task(scene.task.task_id)
    assert (progress.training_head_version, progress.promised_head_version) == (1, 2)
    await scene.store.publish_head(ticket, a_head(1), a_round(1))
    following = await scene.store.begin_round(scene.task, "t", HOLD)
    assert following is not None
    assert following.head_version == 2


async def test_a_round_taken_over_keeps_its_version_and_cutoff_and_fences_the_first(scene: Scene):
    await scene.store.import_labels(scene.task, TWO_CLASSES)
    dead = await scene.store.begin_round(scene.task, "t1", timedelta(0))
    assert dead is not None
    await scene.store.import_labels(scene.task, [LabelChange(2, ClipState.LABELED, 0)])
    heir = await scene.store.begin_round(scene.task, "t2", HOLD)
    assert heir is not None
    assert (heir.head_version, heir.cutoff_event_id) == (dead.head_version, dead.cutoff_event_id)
    assert heir.fence > dead.fence
    assert not await scene.store.publish_head(dead, a_head(1), a_round(1))
    assert await scene.store.read_head(scene.task, 1) is None
    assert await scene.store.publish_head(heir, a_head(1), a_round(1))


async def test_validation_labels_make_no_round_due(scene: Scene):
    await scene.store.import_labels(scene.task, TWO_CLASSES)
    ticket = await scene.store.begin_round(scene.task, "t", HOLD)
    assert ticket is not None
    await scene.store.publish_head(ticket, a_head(1), a_round(1))
    await scene.store.import_labels(scene.task, [LabelChange(3, ClipState.VALIDATION, 0)])
    assert await scene.store.begin_round(scene.task, "t", HOLD) is None


async def test_a_round_keeps_the_settings_it_began_with(scene: Scene):
    await scene.store.import_labels(scene.task, TWO_CLASSES)
    begun = await scene.store.begin_round(scene.task, "t1", timedelta(0))
    assert begun is not None
    changed = replace(scene.task, head_recipe=AdamRecipe(epoch_count=3))
    await scene.store.update_task(changed)
    heir = await scene.store.begin_round(changed, "t2", HOLD)
    assert heir is not None
    assert heir.task.head_recipe == begun.task.head_recipe == scene.task.head_recipe
