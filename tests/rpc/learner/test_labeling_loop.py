"""The loop: seed labels, a head, a query, answers, the next head."""

import asyncio

import numpy as np
from numpy.testing import assert_allclose
from tests.rpc.learner.scenes import (
    CLASSES,
    QUICK,
    Scene,
    clusters,
    fails_with,
    make_scene,
    new_id,
)

from aloe.client import (
    AcquisitionFunction,
    AsyncLearnerClient,
    FailedPrecondition,
    HeadNotTrained,
    KnownLabel,
    LearnerClient,
    PoolState,
    QueryStrategy,
    SelectionRule,
    Split,
)
from aloe.oracle import SimulatedOracle, label_task


def test_a_round_from_seed_labels_to_the_next_head(client: LearnerClient):
    scene = make_scene(client, 90)
    first = scene.seed_labels(row_count=9, validation_count=30)
    assert first == 1
    asked = client.query(scene.task_id, "ann", max_clip_count=3, min_head_version=first)
    assert (asked.head_version, asked.pool_state) == (1, PoolState.OPEN)
    # Class-aware: one clip of each predicted class before any class has a second.
    assert {lease.predicted_class for lease in asked.leases} == set(CLASSES)
    submitted = scene.answer(asked.leases)
    assert (submitted.head_version, submitted.label_count) == (2, 12)
    following = client.query(scene.task_id, "ann", max_clip_count=3, min_head_version=2)
    assert following.head_version == 2
    asked_clips = {lease.clip_id for lease in asked.leases + following.leases}
    labeled = set(list(scene.truth)[:9]) | set(list(scene.truth)[-30:])
    assert len(asked_clips) == 6
    assert asked_clips.isdisjoint(labeled)


def test_rounds_tell_labels_accuracy_and_times(client: LearnerClient):
    scene = make_scene(client, 90)
    version = scene.seed_labels(row_count=9, validation_count=30)
    for _ in range(3):
        leases = scene.query(max_clip_count=3, min_head_version=version)
        version = scene.answer(leases).head_version or 0
    client.predict(scene.task_id, embeddings=scene.embeddings[:1], min_head_version=version)
    rounds = client.list_rounds(scene.task_id)
    newest = rounds[-1].head_version
    assert client.list_rounds(scene.task_id, newest) == rounds[-1:]
    assert not client.list_rounds(scene.task_id, newest + 1)
    assert [each.head_version for each in rounds] == [1, 2, 3, 4]
    assert [each.label_count for each in rounds] == [9, 12, 15, 18]
    for each in rounds:
        assert each.test is None
        assert each.validation is not None
        assert each.validation.clip_count == 30
        assert 0.5 < each.validation.accuracy <= 1.0
        assert len(each.validation.class_recalls) == 3
        assert each.training_duration.total_seconds() > 0
        assert 0 < each.training_loss < 2
    assert [each.start_time for each in rounds] == sorted(each.start_time for each in rounds)


def test_a_rounds_accuracy_is_that_of_its_head_on_the_split(client: LearnerClient):
    scene = make_scene(client, 60)
    rows = list(scene.truth.items())
    labels = [KnownLabel(*row) for row in rows[:6]]
    labels += [KnownLabel(*row, Split.VALIDATION) for row in rows[20:40]]
    labels += [KnownLabel(*row, Split.TEST) for row in rows[40:]]
    version = client.import_labels(scene.task_id, labels).head_version
    assert version == 1
    predicted = client.predict(
        scene.task_id, embeddings=scene.embeddings[20:], min_head_version=version
    )
    right = np.array(predicted.labels) == np.array(list(scene.truth.values())[20:])
    (only,) = client.list_rounds(scene.task_id)
    assert only.validation is not None
    assert only.test is not None
    assert_allclose(only.validation.accuracy, right[:20].mean())
    assert_allclose(only.test.accuracy, right[20:].mean())
    assert (only.validation.clip_count, only.test.clip_count) == (20, 20)


def test_validation_and_test_clips_are_never_asked(client: LearnerClient, scene: Scene):
    rows = list(scene.truth.items())
    held_out = [KnownLabel(*row, Split.TEST) for row in rows[:20]]
    held_out += [KnownLabel(*row, Split.VALIDATION) for row in rows[20:40]]
    assert client.import_labels(scene.task_id, held_out).head_version is None
    leases = scene.query(max_clip_count=60)
    assert {lease.clip_id for lease in leases} == {clip_id for clip_id, _ in rows[40:]}


def test_a_cold_start_asks_in_a_seeded_random_order(client: LearnerClient):
    scenes = [make_scene(client, seed=seed) for seed in (3, 3, 4)]
    orders = []
    for scene in scenes:
        asked = client.query(scene.task_id, "ann", max_clip_count=60)
        assert asked.head_version == 0
        assert all(lease.score is None and not lease.predicted_class for lease in asked.leases)
        orders.append([lease.clip_id for lease in asked.leases])
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert sorted(orders[0]) == sorted(scenes[0].truth) != orders[0]


def test_a_head_comes_with_the_second_class(client: LearnerClient, scene: Scene):
    low = [clip for clip, label in scene.truth.items() if label == "low"]
    one_class = [KnownLabel(clip, "low") for clip in low[:5]]
    assert client.import_labels(scene.task_id, one_class).head_version is None
    with fails_with("HEAD_NOT_TRAINED", HeadNotTrained):
        client.predict(scene.task_id, embeddings=scene.embeddings[:1])
    with fails_with("HEAD_NOT_TRAINED", HeadNotTrained):
        client.export_head(scene.task_id)
    leases = scene.query(max_clip_count=60)
    other = [lease for lease in leases if scene.truth[lease.clip_id] == "high"]
    assert scene.answer(other[:1]).head_version == 1
    predicted = client.predict(scene.task_id, embeddings=scene.embeddings[:1], min_head_version=1)
    assert predicted.head_version == 1


def test_a_head_that_is_not_in_the_making_is_no_reason_to_wait(client: LearnerClient, scene: Scene):
    version = scene.seed_labels()
    for wanted in (version + 1, 2**32 - 1):
        with fails_with("HEAD_VERSION_UNKNOWN", FailedPrecondition):
            scene.query(min_head_version=wanted)
        with fails_with("HEAD_VERSION_UNKNOWN", FailedPrecondition):
            client.predict(scene.task_id, embeddings=scene.embeddings[:1], min_head_version=wanted)
    scene.query(min_head_version=version)
    with fails_with("HEAD_VERSION_UNKNOWN", FailedPrecondition):
        client.export_head(scene.task_id, version + 1)


def test_the_ranking_is_by_the_tasks_own_formula(client: LearnerClient):
    strategy = QueryStrategy(AcquisitionFunction.SMALLEST_MARGIN, SelectionRule.CLASS_AGNOSTIC)
    scene = make_scene(client, query_strategy=strategy)
    version = scene.seed_labels()
    leases = scene.query(max_clip_count=54, min_head_version=version)
    head = client.export_head(scene.task_id)
    logits = scene.embeddings @ head.weights + head.biases
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    ordered = np.sort(probabilities, axis=1)
    scores = [lease.score or 0.0 for lease in leases]
    margins = dict(zip(scene.truth, ordered[:, -2] - ordered[:, -1], strict=True))
    assert_allclose(scores, [margins[lease.clip_id] for lease in leases], atol=1e-5)
    assert scores == sorted(scores, reverse=True)
    predicted = dict(zip(scene.truth, probabilities.argmax(axis=1), strict=True))
    assert [lease.predicted_class for lease in leases] == [
        CLASSES[predicted[lease.clip_id]] for lease in leases
    ]


def test_equal_seeds_and_answers_give_the_same_picks_and_heads(client: LearnerClient):
    histories = []
    for seed in (7, 7, 8):
        scene = make_scene(client, seed=seed)
        version, picks = scene.seed_labels(), []
        for _ in range(4):
            leases = scene.query(max_clip_count=3, min_head_version=version)
            picks += [(lease.clip_id, lease.score) for lease in leases]
            version = scene.answer(leases).head_version or 0
        client.predict(scene.task_id, embeddings=scene.embeddings[:1], min_head_version=version)
        head = client.export_head(scene.task_id)
        histories.append((picks, head.weights.tobytes(), head.biases.tobytes(), head.version))
    assert histories[0] == histories[1]
    assert histories[0][1] != histories[2][1]


async def test_a_person_never_waits_for_training(
    client: LearnerClient, async_client: AsyncLearnerClient
):
    scene = make_scene(client, 300)
    version = scene.seed_labels(row_count=30)
    heads = []
    for _ in range(20):
        asked = await async_client.query(scene.task_id, "ann", max_clip_count=2)
        heads.append(asked.head_version)
        version = scene.answer(asked.leases).head_version or version
    assert heads == sorted(heads)
    last = await async_client.query(scene.task_id, "ann", min_head_version=version)
    assert last.head_version == version


async def test_several_tasks_learn_at_once_on_one_pool(
    client: LearnerClient, async_client: AsyncLearnerClient
):
    embeddings, _ = clusters(60)
    scene = make_scene(client)
    truths = {}
    for dimension in range(3):
        task_id = new_id()
        client.create_task(task_id, scene.pool_id, ("no", "yes"), head_recipe=QUICK)
        answers = np.where(embeddings[:, dimension] > 1.5, "yes", "no")
        truths[task_id] = dict(zip(scene.truth, map(str, answers), strict=True))
    reports = await asyncio.gather(
        *(
            label_task(
                async_client,
                task_id,
                SimulatedOracle(truth, ("no", "yes")),
                oracle_id="ann",
                batch_size=4,
                rounds=6,
            )
            for task_id, truth in truths.items()
        )
    )
    assert [report.label_count for report in reports] == [24] * 3
    for task_id, truth in truths.items():
        labels = {each.clip_id: each.label for each in client.export_labels(task_id)}
        assert labels == {clip: truth[clip] for clip in labels}
        assert len(labels) == 24
