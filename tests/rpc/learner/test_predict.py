"""Predictions, and what a task gives away: labels and heads."""

import csv
import io
from datetime import UTC, datetime, timedelta

import grpc
import numpy as np
import pytest
from google.rpc import code_pb2
from numpy.testing import assert_allclose, assert_array_equal
from tests.rpc.learner.scenes import (
    CLASSES,
    DIM,
    FINGERPRINT,
    QUICK,
    Scene,
    clip_id,
    fails_with,
    failure_of,
    make_scene,
    new_id,
    refused,
)

from aloe.client import (
    Answer,
    FailedPrecondition,
    KnownLabel,
    LbfgsRecipe,
    LearnerClient,
    LogisticRecipe,
    NewClip,
    Representation,
    Split,
)
from aloe.v1 import audio_pb2, head_pb2
from aloe.wire.arrays import encode_matrix


def by_hand(head, embeddings):
    """Compute softmax(embeddings @ weights + biases) in float64."""
    logits = embeddings.astype(np.float64) @ head.weights + head.biases
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


def test_clips_and_their_embeddings_are_predicted_alike(client: LearnerClient, scene: Scene):
    version = scene.seed_labels()
    by_embedding = client.predict(
        scene.task_id, embeddings=scene.embeddings, min_head_version=version
    )
    ids = list(scene.truth)
    by_clip = client.predict(scene.task_id, clip_ids=ids)
    assert_array_equal(by_clip.probabilities, by_embedding.probabilities)
    assert by_clip.labels == by_embedding.labels
    assert (by_clip.classes, by_clip.head_version) == (CLASSES, version)
    backwards = client.predict(scene.task_id, clip_ids=[ids[5], ids[3], ids[5]])
    assert_allclose(backwards.probabilities, by_clip.probabilities[[5, 3, 5]], atol=1e-6)


def test_predictions_are_probabilities_and_learn_the_classes(client: LearnerClient, scene: Scene):
    version = scene.seed_labels(row_count=30)
    found = client.predict(scene.task_id, embeddings=scene.embeddings, min_head_version=version)
    assert found.probabilities.shape == (60, 3)
    assert_allclose(found.probabilities.sum(axis=1), 1, atol=1e-6)
    assert [CLASSES[row.argmax()] for row in found.probabilities] == list(found.labels)
    right = np.array(found.labels) == np.array(list(scene.truth.values()))
    assert right[30:].mean() > 0.8


def test_an_exported_head_predicts_the_same_elsewhere(client: LearnerClient, scene: Scene):
    version = scene.seed_labels()
    found = client.predict(scene.task_id, embeddings=scene.embeddings, min_head_version=version)
    head = client.export_head(scene.task_id)
    assert_allclose(by_hand(head, scene.embeddings), found.probabilities, atol=1e-5)
    assert (head.task_id, head.version, head.classes) == (scene.task_id, version, CLASSES)
    assert (head.encoder_fingerprint, head.label_count) == (FINGERPRINT, 6)
    assert (head.head_recipe, head.seed) == (QUICK, 1)
    assert (head.weights.shape, head.biases.shape) == ((8, 3), (3,))


def test_an_lbfgs_head_is_the_same_whatever_the_seed(client: LearnerClient):
    heads = []
    for seed in (1, 2):
        scene = make_scene(client, head_recipe=LbfgsRecipe(0.01), seed=seed)
        version = scene.seed_labels(row_count=30)
        client.predict(scene.task_id, embeddings=scene.embeddings[:1], min_head_version=version)
        heads.append(client.export_head(scene.task_id))
    assert heads[0].head_recipe == LbfgsRecipe(0.01)
    assert_array_equal(heads[0].weights, heads[1].weights)


def test_a_logistic_head_leaves_out_a_class_without_labels_and_rounds_say_how_it_was_trained(
    client: LearnerClient,
):
    recipe = LogisticRecipe(0.01, 25, class_balance=0.5)
    scene = make_scene(client, head_recipe=recipe)
    known = [KnownLabel(*row) for row in scene.truth.items() if row[1] != CLASSES[1]]
    version = client.import_labels(scene.task_id, known[:20]).head_version or 0
    found = client.predict(scene.task_id, embeddings=scene.embeddings, min_head_version=version)
    assert found.probabilities[:, 1].max() < 1e-30
    head = client.export_head(scene.task_id)
    assert_array_equal(head.weights[:, 1], 0)
    assert head.biases[1] == -1e4
    assert head.head_recipe == recipe
    client.update_task(scene.task_id, head_recipe=LogisticRecipe())
    assert client.get_task(scene.task_id).head_recipe == LogisticRecipe()
    assert [each.head_recipe for each in client.list_rounds(scene.task_id)] == [recipe]
    assert len(scene.query(max_clip_count=4, min_head_version=version)) == 4


@pytest.mark.slow
def test_a_head_that_no_message_holds_is_refused_and_one_of_a_kernel_exported(
    client: LearnerClient,
):
    dim, pool_id, tasks = 65_536, new_id(), [new_id(), new_id()]
    client.create_pool(pool_id, encoder_fingerprint=FINGERPRINT, embedding_dim=dim)
    vectors = np.random.default_rng(1).normal(size=(4, dim)).astype(np.float32)
    client.import_clips(pool_id, [NewClip(clip_id(n), embedding=v) for n, v in enumerate(vectors)])
    classes = [f"class {number}" for number in range(300)]
    for task_id, representation in zip(
        tasks, (Representation.NONE, Representation.KERNEL), strict=True
    ):
        client.create_task(task_id, pool_id, classes, representation=representation)
        labels = [KnownLabel(clip_id(number), classes[number]) for number in range(4)]
        version = client.import_labels(task_id, labels).head_version or 0
        by_server = client.predict(task_id, embeddings=vectors, min_head_version=version)
        if representation is Representation.NONE:
            with refused("task"):
                client.export_head(task_id)
        else:
            own = client.export_head(task_id).probabilities(vectors)
            assert np.allclose(own, by_server.probabilities, atol=1e-4)
        client.delete_task(task_id)
    client.delete_pool(pool_id)


def test_the_last_few_heads_can_be_exported(client: LearnerClient, scene: Scene):
    version = scene.seed_labels()
    for _ in range(6):
        leases = scene.query(max_clip_count=1, min_head_version=version)
        version = scene.answer(leases).head_version or 0
    client.predict(scene.task_id, embeddings=scene.embeddings[:1], min_head_version=version)
    assert version == 7
    assert client.export_head(scene.task_id).version == 7
    earlier = client.export_head(scene.task_id, 6)
    assert (earlier.version, earlier.label_count) == (6, 11)
    with fails_with("HEAD_VERSION_UNKNOWN", FailedPrecondition):
        client.export_head(scene.task_id, 1)


def test_clips_that_the_pool_does_not_hold_fail_and_the_others_keep_their_rows(
    client: LearnerClient, scene: Scene
):
    version = scene.seed_labels()
    ids = ["nowhere", "clip-0001", "no name", "clip-0002"]
    found = client.predict(scene.task_id, clip_ids=ids, min_head_version=version)
    good = client.predict(scene.task_id, clip_ids=ids[1::2])
    assert_array_equal(found.probabilities[1::2], good.probabilities)
    assert np.isnan(found.probabilities[::2]).all()
    assert found.labels == (None, good.labels[0], None, good.labels[1])
    assert [(each.index, each.name, each.reason) for each in found.failures] == [
        (0, "nowhere", "CLIP_NOT_FOUND"),
        (2, "no name", "INVALID_INPUT"),
    ]


def test_names_that_are_none_and_clips_of_other_pools_fail_alone(
    raw, client: LearnerClient, scene: Scene
):
    version = scene.seed_labels()
    other = make_scene(client, 6)
    clip_names = [
        f"pools/{pool}/clips/clip-0001" for pool in (scene.pool_id, other.pool_id, "nowhere")
    ]
    response = raw.Predict(
        head_pb2.PredictRequest(
            task=f"tasks/{scene.task_id}",
            clips=head_pb2.ClipNames(names=[*clip_names, "clip-0001"]),
            min_head_version=version,
        )
    )
    assert [each.index for each in response.failures] == [1, 2, 3]
    assert {each.status.code for each in response.failures} == {code_pb2.INVALID_ARGUMENT}
    assert response.probabilities.row_count == len(response.labels) == 4
    assert [bool(label) for label in response.labels] == [True, False, False, False]


def test_more_rows_than_an_answer_holds_are_refused_with_how_many_it_does(
    raw, client: LearnerClient, scene: Scene
):
    classes = [f"class-{number}" for number in range(1_000)]
    task = client.create_task(new_id(), scene.pool_id, classes, head_recipe=QUICK)
    labels = [KnownLabel(clip, classes[place]) for place, clip in enumerate(list(scene.truth)[:2])]
    client.import_labels(task.task_id, labels)
    row_count = 20_000
    given = np.zeros((row_count, DIM), np.float32)
    found = client.predict(task.task_id, embeddings=given, min_head_version=1)
    assert found.probabilities.shape == (row_count, 1_000)
    request = head_pb2.PredictRequest(task=f"tasks/{task.task_id}", embeddings=encode_matrix(given))
    with pytest.raises(grpc.RpcError) as caught:
        raw.Predict(request)
    assert failure_of(caught.value).fields == ("input",)
    assert "give at most" in failure_of(caught.value).message
    # Two megabytes whose answer would take two gigabytes.
    many = audio_pb2.FloatMatrix(values=bytes(4 * 500_000), row_count=500_000, column_count=1)
    with pytest.raises(grpc.RpcError) as caught:
        raw.Predict(head_pb2.PredictRequest(task=f"tasks/{task.task_id}", embeddings=many))
    assert failure_of(caught.value).fields == ("embeddings",)


def test_embeddings_that_are_none_fail_alone_and_those_of_another_size_are_refused(
    client: LearnerClient, scene: Scene
):
    version = scene.seed_labels()
    client.predict(scene.task_id, embeddings=scene.embeddings, min_head_version=version)
    wrong = scene.embeddings[:4].copy()
    wrong[1, 2], wrong[3, 0] = np.nan, np.inf
    found = client.predict(scene.task_id, embeddings=wrong)
    assert [(each.index, each.name) for each in found.failures] == [
        (1, "embeddings[1]"),
        (3, "embeddings[3]"),
    ]
    assert np.isnan(found.probabilities[[1, 3]]).all()
    assert_array_equal(
        found.probabilities[::2],
        client.predict(scene.task_id, embeddings=wrong[::2]).probabilities,
    )
    with refused("embeddings"):
        client.predict(scene.task_id, embeddings=scene.embeddings[:, :-1])
    with refused("embeddings"):
        client.predict(scene.task_id, embeddings=scene.embeddings[:0])
    with refused("clips.names"):
        client.predict(scene.task_id, clip_ids=[])
    with refused("audio.clips"):
        client.predict(scene.task_id, audio=[])


def test_exported_labels_tell_who_said_what_when_in_the_order_of_the_pool(
    client: LearnerClient, scene: Scene
):
    began = datetime.now(UTC)
    leases = scene.query(max_clip_count=3)
    answers = [Answer(leases[0].lease_id, "low"), Answer(leases[1].lease_id, None)]
    client.submit_labels(scene.task_id, "ann", answers)
    free = [clip for clip in scene.truth if clip not in {lease.clip_id for lease in leases}]
    client.import_labels(
        scene.task_id,
        [
            KnownLabel(free[2], "high", Split.TEST),
            KnownLabel(free[1], "mid", Split.VALIDATION),
            KnownLabel(free[0], "high"),
        ],
    )
    expected = {
        leases[0].clip_id: ("low", Split.TRAIN, "ann"),
        leases[1].clip_id: (None, Split.TRAIN, "ann"),
        free[0]: ("high", Split.TRAIN, ""),
        free[1]: ("mid", Split.VALIDATION, ""),
        free[2]: ("high", Split.TEST, ""),
    }
    labels = list(client.export_labels(scene.task_id))
    assert {each.clip_id: (each.label, each.split, each.oracle_id) for each in labels} == expected
    assert [each.clip_id for each in labels] == sorted(expected)
    second = timedelta(seconds=1)
    assert all(began - second < each.label_time < datetime.now(UTC) + second for each in labels)


def test_exported_labels_fit_a_csv_whatever_the_class_is_called(client: LearnerClient):
    scene = make_scene(client, 6)
    classes = ('a, "b"', "日本語", "semi;colon")
    task = client.create_task(f"{scene.task_id}-2", scene.pool_id, classes)
    clips = list(scene.truth)[:3]
    labels = [KnownLabel(*each) for each in zip(clips, classes, strict=True)]
    client.import_labels(task.task_id, labels)
    file = io.StringIO()
    csv.writer(file).writerows(
        (each.clip_id, each.label, each.split.value) for each in client.export_labels(task.task_id)
    )
    file.seek(0)
    assert list(csv.reader(file)) == [
        [clip, name, "train"] for clip, name in zip(clips, classes, strict=True)
    ]


def test_thousands_of_labels_are_exported(client: LearnerClient):
    scene = make_scene(client, 6_000)
    scene.seed_labels(row_count=6_000)
    labels = {each.clip_id: each.label for each in client.export_labels(scene.task_id)}
    assert labels == scene.truth
