"""Names of heads: given, given to others, taken off; and what keeps a head."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aloe.learner.domain.errors import (
    HeadVersionUnknown,
    InvalidInput,
    PromotionNotFound,
    TaskChanged,
)
from aloe.learner.domain.events import START_OF_LOG, TaskView
from aloe.learner.domain.leases import LabelChange
from aloe.learner.domain.promotions import MOST_EARLIER, MOST_PROMOTIONS
from aloe.values.kept_heads import KEPT_HEADS
from aloe.values.states import ClipState, EventKind

from .conftest import Scene
from .heads import a_head, a_round

HOLD = timedelta(minutes=1)


async def train(scene: Scene, versions: range) -> None:
    for version in versions:
        labels = [LabelChange(row, ClipState.LABELED, (row + version) % 2) for row in (0, 1)]
        await scene.store.import_labels(scene.task, labels, replace=True)
        ticket = await scene.store.begin_round(scene.task, "t", HOLD)
        assert ticket is not None
        assert await scene.store.publish_head(ticket, a_head(version), a_round(version))


async def test_a_name_tells_its_head_and_those_before_the_latest_first(scene: Scene):
    await train(scene, range(1, 4))
    for version in (1, 3, 2):
        promotion = await scene.store.promote_head(scene.task, "production", version)
    assert [promotion.head.version, *(each.version for each in promotion.earlier)] == [2, 3, 1]
    times = [promotion.head.promote_time, *(each.promote_time for each in promotion.earlier)]
    assert times == sorted(times, reverse=True)
    await scene.store.promote_head(scene.task, "a-canary", 3)
    found = await scene.store.read_promotions(scene.task)
    assert [each.promotion_id for each in found] == ["a-canary", "production"]
    assert found[1] == promotion


async def test_a_head_that_was_ever_promoted_is_kept(scene: Scene):
    await train(scene, range(1, 3))
    await scene.store.promote_head(scene.task, "production", 1)
    await scene.store.promote_head(scene.task, "production", 2)
    await scene.store.demote_head(scene.task, "production")
    newest = 2 * KEPT_HEADS
    await train(scene, range(3, newest + 1))
    kept = [v for v in range(newest + 2) if await scene.store.read_head(scene.task, v)]
    assert kept == [1, 2, *range(newest - KEPT_HEADS + 1, newest + 1)]


async def test_only_a_head_that_is_kept_can_be_promoted(scene: Scene):
    await train(scene, range(1, KEPT_HEADS + 2))
    for version in (0, 1, KEPT_HEADS + 2):
        with pytest.raises(HeadVersionUnknown, match=f"keeps no head {version}:"):
            await scene.store.promote_head(scene.task, "production", version)
    assert await scene.store.read_promotions(scene.task) == []


async def test_promoting_again_changes_nothing(scene: Scene):
    await train(scene, range(1, 2))
    first = await scene.store.promote_head(scene.task, "production", 1)
    assert await scene.store.promote_head(scene.task, "production", 1) == first
    kinds = [each.kind for each in await scene.store.read_events(scene.task, START_OF_LOG)]
    assert kinds.count(EventKind.HEAD_PROMOTED) == 1


async def test_a_view_of_the_log_knows_the_names(scene: Scene):
    await train(scene, range(1, 3))
    await scene.store.promote_head(scene.task, "production", 2)
    await scene.store.promote_head(scene.task, "canary", 1)
    await scene.store.promote_head(scene.task, "production", 1)
    await scene.store.demote_head(scene.task, "canary")
    view = TaskView(0)
    for event in await scene.store.read_events(scene.task, START_OF_LOG):
        view.apply(event)
    assert view.promoted == {"production": 1}


async def test_a_name_that_no_head_has_cannot_be_taken_off(scene: Scene):
    with pytest.raises(PromotionNotFound, match="'production'"):
        await scene.store.demote_head(scene.task, "production")


async def test_a_task_has_so_many_names_at_most(scene: Scene):
    await train(scene, range(1, 2))
    for number in range(MOST_PROMOTIONS):
        await scene.store.promote_head(scene.task, f"name-{number}", 1)
    with pytest.raises(InvalidInput, match="names already"):
        await scene.store.promote_head(scene.task, "one-more", 1)
    await scene.store.demote_head(scene.task, "name-0")
    await scene.store.promote_head(scene.task, "one-more", 1)


async def test_so_many_earlier_heads_are_remembered(scene: Scene):
    await train(scene, range(1, 3))
    for number in range(MOST_EARLIER + 5):
        promotion = await scene.store.promote_head(scene.task, "production", 1 + number % 2)
    assert len(promotion.earlier) == MOST_EARLIER
    assert (await scene.store.read_promotions(scene.task))[0] == promotion


async def test_a_task_made_anew_has_no_names(scene: Scene):
    await train(scene, range(1, 2))
    await scene.store.promote_head(scene.task, "production", 1)
    await scene.store.delete_task(scene.task.task_id)
    anew = await scene.store.create_task(replace(scene.task, epoch="other"))
    assert await scene.store.read_promotions(anew) == []
    for call in (
        scene.store.promote_head(scene.task, "production", 1),
        scene.store.demote_head(scene.task, "production"),
        scene.store.read_promotions(scene.task),
    ):
        with pytest.raises(TaskChanged):
            await call
