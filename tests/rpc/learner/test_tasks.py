"""Tasks: create, change, list, watch, delete."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from tests.rpc.learner.scenes import CLASSES, QUICK, Scene, fails_with, make_scene, new_id, refused

from aloe.client import (
    AcquisitionFunction,
    AdamRecipe,
    AlreadyExists,
    AsyncLearnerClient,
    LbfgsRecipe,
    LearnerClient,
    NewClip,
    NotFound,
    PoolState,
    QueryStrategy,
    RecipeName,
    Representation,
    SelectionRule,
)
from aloe.v1 import task_pb2
from aloe.values.named_recipes import recipe_named

RANDOM = QueryStrategy(AcquisitionFunction.RANDOM, SelectionRule.CLASS_AGNOSTIC)


def test_a_task_without_options_has_the_best_recipe(client: LearnerClient, scene: Scene):
    task = client.create_task(new_id(), scene.pool_id, CLASSES)
    best = recipe_named(RecipeName.BEST)
    assert task.query_strategy == best.query_strategy
    assert task.head_recipe == best.head_recipe
    assert task.representation is best.representation
    assert (task.label_budget, task.lease_duration, task.seed) == (None, timedelta(minutes=5), 0)
    assert (task.head_version, task.training_head_version) == (0, None)
    assert (task.clip_counts.unlabeled, task.pool_state) == (60, PoolState.OPEN)


def test_the_papers_recipe_is_one_word_away(client: LearnerClient, scene: Scene):
    task = client.create_task(new_id(), scene.pool_id, CLASSES, recipe=RecipeName.PAPER)
    assert task.query_strategy == QueryStrategy(
        AcquisitionFunction.SMALLEST_MARGIN, SelectionRule.CLASS_AWARE
    )
    assert task.head_recipe == AdamRecipe(0.001, 100, 32)
    assert task.representation is Representation.NONE


def test_a_recipe_stands_for_what_is_not_said(client: LearnerClient, scene: Scene):
    task = client.create_task(
        new_id(),
        scene.pool_id,
        CLASSES,
        recipe=RecipeName.LINEAR,
        query_strategy=RANDOM,
    )
    linear = recipe_named(RecipeName.LINEAR)
    assert task.query_strategy == RANDOM
    assert (task.head_recipe, task.representation) == (linear.head_recipe, linear.representation)


def test_a_task_keeps_every_option(client: LearnerClient, scene: Scene):
    options: dict[str, Any] = {
        "query_strategy": RANDOM,
        "head_recipe": LbfgsRecipe(0.25),
        "label_budget": 7,
        "lease_duration": timedelta(seconds=1.5),
        "seed": 2**64 - 1,
    }
    task = client.create_task(new_id(), scene.pool_id, CLASSES, **options)
    assert client.get_task(task.task_id) == task
    assert {name: getattr(task, name) for name in options} == options
    assert (task.pool_id, task.classes) == (scene.pool_id, CLASSES)


def test_creating_a_task_again_is_no_error_unless_it_differs(client: LearnerClient, scene: Scene):
    task_id = new_id()
    first = client.create_task(task_id, scene.pool_id, CLASSES, seed=4)
    assert client.create_task(task_id, scene.pool_id, CLASSES, seed=4) == first
    for change in ({"seed": 5}, {"label_budget": 3}, {"head_recipe": QUICK}):
        with fails_with("ALREADY_EXISTS", AlreadyExists):
            client.create_task(task_id, scene.pool_id, CLASSES, **({"seed": 4} | change))
    with fails_with("ALREADY_EXISTS", AlreadyExists):
        client.create_task(task_id, scene.pool_id, CLASSES[::-1], seed=4)
    assert client.get_task(task_id) == first


def test_only_what_the_mask_names_changes(client: LearnerClient, scene: Scene):
    before = client.get_task(scene.task_id)
    task = client.update_task(scene.task_id, query_strategy=RANDOM)
    assert (task.query_strategy, task.head_recipe) == (RANDOM, before.head_recipe)
    task = client.update_task(
        scene.task_id,
        head_recipe=LbfgsRecipe(0.5),
        label_budget=9,
        lease_duration=timedelta(hours=1),
    )
    assert (task.query_strategy, task.head_recipe) == (RANDOM, LbfgsRecipe(0.5))
    assert (task.label_budget, task.lease_duration) == (9, timedelta(hours=1))
    task = client.update_task(scene.task_id, label_budget=None, lease_duration=None)
    assert (task.label_budget, task.lease_duration) == (None, timedelta(minutes=5))
    assert client.get_task(scene.task_id) == task


def test_a_mask_may_lead_into_a_setting(client: LearnerClient, raw, scene: Scene):
    client.update_task(scene.task_id, query_strategy=RANDOM)
    task = client.update_task(
        scene.task_id, acquisition_function=AcquisitionFunction.ENTROPY, label_budget=7
    )
    assert task.query_strategy == QueryStrategy(AcquisitionFunction.ENTROPY, RANDOM.selection_rule)
    # A path into what the request leaves out goes back to the default, as a whole setting does.
    path = "query_strategy.acquisition_function"
    request = task_pb2.UpdateTaskRequest(
        task=task_pb2.Task(name=f"tasks/{scene.task_id}"), update_mask=FieldMask(paths=[path])
    )
    raw.UpdateTask(request)
    changed = client.get_task(scene.task_id)
    assert changed.query_strategy == QueryStrategy(selection_rule=RANDOM.selection_rule)
    assert changed.label_budget == 7


def test_a_path_inside_another_of_the_mask_adds_nothing(client: LearnerClient, raw, scene: Scene):
    task = task_pb2.Task(name=f"tasks/{scene.task_id}")
    task.head_recipe.lbfgs.l2_penalty = 0.5
    paths = ["head_recipe", "head_recipe.adam.learning_rate"]
    raw.UpdateTask(task_pb2.UpdateTaskRequest(task=task, update_mask=FieldMask(paths=paths)))
    assert client.get_task(scene.task_id).head_recipe == LbfgsRecipe(0.5)


async def test_updates_of_different_settings_at_once_lose_nothing(
    async_client: AsyncLearnerClient, scene: Scene
):
    async def change(name: str, values: list[Any]) -> None:
        for value in values:
            task = await async_client.update_task(scene.task_id, **{name: value})
            assert getattr(task, name) == value

    budgets = list(range(1, 51))
    durations = [timedelta(seconds=seconds) for seconds in range(1, 51)]
    await asyncio.gather(change("label_budget", budgets), change("lease_duration", durations))
    task = await async_client.get_task(scene.task_id)
    assert (task.label_budget, task.lease_duration) == (50, timedelta(seconds=50))


@pytest.mark.parametrize(
    "paths",
    [
        [],
        ["classes"],
        ["seed"],
        ["name"],
        ["nonsense"],
        ["query_strategy", "pool"],
        ["query_strategy.nonsense"],
        ["label_budget.value"],
        ["clip_counts.labeled"],
    ],
)
def test_a_mask_of_anything_else_changes_nothing(raw, scene: Scene, paths):
    before = scene.snapshot()
    task = task_pb2.Task(name=f"tasks/{scene.task_id}", seed=9, classes=["x", "y"], label_budget=1)
    request = task_pb2.UpdateTaskRequest(task=task, update_mask=FieldMask(paths=paths))
    with pytest.raises(Exception, match="update_mask"):
        raw.UpdateTask(request)
    assert scene.snapshot() == before


def test_a_changed_strategy_ranks_the_next_query(client: LearnerClient, scene: Scene):
    scene.seed_labels()
    by_margin = scene.query(max_clip_count=5, min_head_version=1)
    client.release_leases(scene.task_id, "ann")
    client.update_task(
        scene.task_id,
        query_strategy=QueryStrategy(AcquisitionFunction.ENTROPY, SelectionRule.CLASS_AGNOSTIC),
    )
    by_entropy = scene.query(max_clip_count=5)
    assert all(lease.score is not None and lease.score > 0 for lease in by_entropy)
    assert all(lease.score is not None and lease.score <= 0 for lease in by_margin)
    scores = [lease.score or 0.0 for lease in by_entropy]
    assert scores == sorted(scores, reverse=True)


def test_a_lowered_budget_ends_the_queries(client: LearnerClient, scene: Scene):
    scene.answer(scene.query(max_clip_count=4))
    task = client.update_task(scene.task_id, label_budget=4)
    assert task.pool_state is PoolState.BUDGET_SPENT
    assert scene.query(max_clip_count=1) == ()
    client.update_task(scene.task_id, label_budget=5)
    assert len(scene.query(max_clip_count=9)) == 1


def test_wrong_changes_are_refused_and_nothing_changes(client: LearnerClient, scene: Scene):
    before = scene.snapshot()
    with refused("task.lease_duration"):
        client.update_task(scene.task_id, lease_duration=timedelta(days=2))
    with refused("task.label_budget"):
        client.update_task(scene.task_id, label_budget=0, query_strategy=RANDOM)
    with refused("task.head_recipe.adam.batch_size"):
        client.update_task(scene.task_id, head_recipe=AdamRecipe(batch_size=0))
    assert scene.snapshot() == before


def test_tasks_are_listed_by_name_and_by_pool_page_by_page(
    client: LearnerClient, raw, scene: Scene
):
    ids = sorted([scene.task_id, *(new_id() for _ in range(4))])
    for task_id in ids:
        if task_id != scene.task_id:
            client.create_task(task_id, scene.pool_id, CLASSES)
    assert [task.task_id for task in client.list_tasks(scene.pool_id)] == ids
    assert {*ids} <= {task.task_id for task in client.list_tasks()}
    names, token, page_count = [], "", 0
    while token or not page_count:
        page = raw.ListTasks(
            task_pb2.ListTasksRequest(page_size=2, page_token=token, pool=f"pools/{scene.pool_id}")
        )
        names += [task.name for task in page.tasks]
        token, page_count = page.next_page_token, page_count + 1
    assert (names, page_count) == ([f"tasks/{task_id}" for task_id in ids], 3)


def test_tasks_of_an_unknown_pool_are_not_found(client: LearnerClient):
    with fails_with("POOL_NOT_FOUND", NotFound):
        client.list_tasks(new_id())


def test_a_deleted_task_is_gone_for_every_call(client: LearnerClient, scene: Scene):
    leases = scene.query(max_clip_count=2)
    client.delete_task(scene.task_id)
    calls: list[Callable[[], object]] = [
        lambda: client.get_task(scene.task_id),
        lambda: client.delete_task(scene.task_id),
        lambda: client.update_task(scene.task_id, label_budget=3),
        scene.query,
        lambda: scene.answer(leases),
        lambda: client.release_leases(scene.task_id, "ann"),
        lambda: client.predict(scene.task_id, embeddings=scene.embeddings[:1]),
        scene.seed_labels,
        lambda: client.list_rounds(scene.task_id),
        lambda: next(client.watch_task(scene.task_id)),
        lambda: list(client.export_labels(scene.task_id)),
        lambda: client.export_head(scene.task_id),
    ]
    for call in calls:
        with fails_with("TASK_NOT_FOUND", NotFound):
            call()
    assert client.get_pool(scene.pool_id).clip_count == 60


def test_a_task_made_anew_begins_anew(client: LearnerClient, scene: Scene):
    scene.seed_labels()
    first = scene.query(max_clip_count=2, request_id="r1", min_head_version=1)
    scene.answer(first)
    client.delete_task(scene.task_id)
    task = client.create_task(scene.task_id, scene.pool_id, CLASSES, seed=1, head_recipe=QUICK)
    assert (task.head_version, task.clip_counts.unlabeled) == (0, 60)
    again = client.query(scene.task_id, "ann", max_clip_count=2, request_id="r1")
    assert again.head_version == 0
    assert {lease.lease_id for lease in again.leases}.isdisjoint(lease.lease_id for lease in first)
    assert client.get_task(scene.task_id).clip_counts.leased == 2
    assert scene.answer(again.leases).label_count == 2


def test_a_watcher_sees_every_step_of_a_task(scene: Scene, client: LearnerClient):
    updates = client.watch_task(scene.task_id)
    first = next(updates)
    assert (first.task.clip_counts.unlabeled, first.last_round) == (60, None)
    version = scene.seed_labels(validation_count=12)
    for update in updates:
        if update.task.head_version == version:
            break
    assert update.last_round is not None
    assert update.last_round.head_version == version
    assert (update.task.clip_counts.labeled, update.task.clip_counts.validation) == (6, 12)
    scene.query(max_clip_count=3)
    for update in updates:
        if update.task.clip_counts.leased == 3:
            break
    client.delete_task(scene.task_id)
    with fails_with("TASK_NOT_FOUND", NotFound):
        for _ in updates:
            pass


async def test_many_watchers_do_not_hold_up_other_calls(
    client: LearnerClient, async_client: AsyncLearnerClient, scene: Scene
):
    watchers = [async_client.watch_task(scene.task_id) for _ in range(20)]
    for watcher in watchers:
        await anext(watcher)
    version = (await async_client.query(scene.task_id, "ann", max_clip_count=2)).head_version
    assert version == 0
    for watcher in watchers:
        assert (await anext(watcher)).task.clip_counts.leased == 2


def test_two_tasks_of_one_pool_do_not_touch_each_other(client: LearnerClient, scene: Scene):
    other = client.create_task(new_id(), scene.pool_id, ("yes", "no")).task_id
    scene.answer(scene.query(max_clip_count=60))
    task = client.get_task(other)
    assert (task.clip_counts.unlabeled, task.clip_counts.labeled) == (60, 0)
    assert len(client.query(other, "ann", max_clip_count=60).leases) == 60


def test_clips_added_later_become_unlabeled_clips_of_every_task(client: LearnerClient):
    scene = make_scene(client, 6)
    assert len(scene.query(max_clip_count=9)) == 6
    client.import_clips(scene.pool_id, [NewClip("later", embedding=np.ones(8, np.float32))])
    assert client.get_task(scene.task_id).clip_counts.unlabeled == 1
    assert [lease.clip_id for lease in scene.query(max_clip_count=9)] == ["later"]
