from dataclasses import replace
from datetime import timedelta

import numpy as np

from aloe.learner.domain.leases import LabelChange
from aloe.values.kept_heads import KEPT_HEADS
from aloe.values.recipes import AdamRecipe
from aloe.values.states import ClipState

from .conftest import Scene
from .heads import a_head, a_round

HOLD = timedelta(minutes=1)
TWO_CLASSES = [LabelChange(0, ClipState.LABELED, 0), LabelChange(1, ClipState.LABELED, 1)]


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


async def test_the_last_few_heads_are_kept_and_every_round(scene: Scene):
    newest = KEPT_HEADS + 2
    for version in range(1, newest + 1):
        labels = [replace(each, class_index=(each.row + version) % 2) for each in TWO_CLASSES]
        await scene.store.import_labels(scene.task, labels, replace=True)
        ticket = await scene.store.begin_round(scene.task, "t", HOLD)
        assert ticket is not None
        await scene.store.publish_head(ticket, a_head(version), a_round(version))
    heads = [await scene.store.read_head(scene.task, n) for n in range(newest + 2)]
    kept = [head.version for head in heads if head is not None]
    assert kept == list(range(newest - KEPT_HEADS + 1, newest + 1))
    rounds = await scene.store.read_rounds(scene.task, 0, 100)
    assert [each.head_version for each in rounds] == list(range(1, newest + 1))
    assert await scene.store.read_rounds(scene.task, 1, 0) == []
