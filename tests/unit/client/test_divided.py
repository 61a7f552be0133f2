"""What does not fit into one message goes in several calls; what comes back is put in order."""

from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import pytest
from tests.unit.client.scripted_server import fail

from aloe import client
from aloe.client import types
from aloe.client.operations.chunks import AUDIO_BYTES, Sized, group_sized
from aloe.client.operations.encoders import EmbedRun
from aloe.serving.status import FieldViolation
from aloe.v1 import embedding_service_pb2 as pb
from aloe.v1 import head_pb2, labeling_pb2, task_pb2
from aloe.wire.arrays import decode_matrix, encode_matrix
from aloe.wire.settings import encode_strategy

Versions = Callable[[], int]


def predicting(next_version: Versions, classes: Callable[[int], list[str]]) -> Any:
    """Answer with each embedding's first value as its probability of the second class."""

    def answer(request: head_pb2.PredictRequest, context: Any) -> head_pb2.PredictResponse:
        given = decode_matrix(request.embeddings)
        version = next_version()
        rows = np.stack([1 - given[:, 0], given[:, 0]], axis=1)
        return head_pb2.PredictResponse(
            probabilities=encode_matrix(rows),
            labels=["no"] * len(given),
            classes=classes(version),
            head_version=version,
        )

    return answer


def embeddings(count: int) -> types.Float32Array:
    return np.arange(count, dtype=np.float32)[:, None] / np.float32(count)


def test_rows_of_several_calls_are_in_the_order_of_the_inputs_with_their_heads(
    learner_server, learner
):
    versions = iter([7, 8, 9])
    learner_server.on("Predict", predicting(versions.__next__, lambda _: ["no", "yes"]))
    progress: list[int] = []
    found = learner.call(
        "predict", "greetings", embeddings=embeddings(9_000), on_progress=progress.append
    )
    np.testing.assert_array_equal(found.probabilities[:, 1], embeddings(9_000)[:, 0])
    counts = [each.embeddings.row_count for each in learner_server.requests["Predict"]]
    assert counts == [4_096, 4_096, 808]
    assert (found.head_versions[0], found.head_versions[4_096], found.head_version) == (7, 8, 9)
    assert progress == [4_096, 8_192, 9_000, 9_000]


def test_a_task_that_is_made_anew_between_calls_is_no_answer(learner_server, learner):
    versions = iter([1, 2])
    learner_server.on(
        "Predict", predicting(versions.__next__, lambda version: ["no", f"yes {version}"])
    )
    with pytest.raises(client.Aborted, match="made anew"):
        learner.call("predict", "greetings", embeddings=embeddings(5_000))


def test_recordings_that_cannot_be_read_keep_their_places(learner_server, learner, tmp_path):
    def answer(request: head_pb2.PredictRequest, context: Any) -> head_pb2.PredictResponse:
        count = len(request.audio.clips)
        return head_pb2.PredictResponse(
            probabilities=encode_matrix(np.full((count, 2), 0.5, np.float32)),
            labels=["no"] * count,
            classes=["no", "yes"],
            head_version=1,
        )

    learner_server.on("Predict", answer)
    good, gone, folder = tmp_path / "good.wav", tmp_path / "gone.wav", tmp_path
    good.write_bytes(b"x")
    found = learner.call("predict", "greetings", audio=[gone, good, folder, b"x"])
    assert found.labels == (None, "no", None, "no")
    assert [(each.index, each.name) for each in found.failures] == [
        (0, str(gone)),
        (2, str(folder)),
    ]
    assert "is a folder" in found.failures[1].message
    none = learner.call("predict", "greetings", audio=[gone])
    assert (none.probabilities.shape, none.labels, none.classes) == ((1, 0), (None,), ())
    assert len(learner_server.requests["Predict"]) == 1


def embedding_of(fingerprints: Callable[[], str]) -> Any:
    def answer(request: pb.EmbedRequest, context: Any) -> pb.EmbedResponse:
        bad = [n for n, clip in enumerate(request.clips) if clip.encoded == b"bad"]
        if bad:
            fail(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                reason="INVALID_INPUT",
                violations=tuple(FieldViolation(f"clips[{n}].encoded", "no audio") for n in bad),
            )
        sizes = np.array([[len(clip.encoded)] for clip in request.clips], np.float32)
        response = pb.EmbedResponse(embeddings=encode_matrix(sizes), fingerprint=fingerprints())
        for _ in request.clips:
            response.durations.add()
            response.reports.add()
        return response

    return answer


def test_many_clips_are_embedded_in_order_and_a_bad_one_is_named_by_its_place(
    embedding_server, embedding
):
    embedding_server.on("Embed", embedding_of(lambda: "f00d"))
    clips = [b"x" * (1 + n) for n in range(150)]
    done = embedding.call("embed", clips)
    assert done.values[:, 0].tolist() == list(range(1, 151))
    assert (len(done.durations), len(done.reports)) == (150, 150)
    assert [len(each.clips) for each in embedding_server.requests["Embed"]] == [64, 64, 22]
    clips[140] = b"bad"
    with pytest.raises(client.InvalidArgument) as caught:
        embedding.call("embed", clips)
    assert [each.field for each in caught.value.violations] == ["clips[140].encoded"]


def test_embeddings_of_two_encoders_are_not_mixed(embedding_server, embedding):
    fingerprints = iter(["f00d", "beef"])
    embedding_server.on("Embed", embedding_of(fingerprints.__next__))
    with pytest.raises(client.EncoderMismatch, match="another meanwhile"):
        embedding.call("embed", [b"x"] * 65)


def test_large_recordings_are_divided_by_bytes():
    clips = [b"x" * (AUDIO_BYTES // 2 - 100)] * 5
    running = EmbedRun(clips, encoder_id="", fingerprint="", max_clip_bytes=AUDIO_BYTES)
    requests = [each.request for each in running.operations()]
    assert [len(each.clips) for each in requests] == [2, 2, 1]
    running = EmbedRun(clips, encoder_id="", fingerprint="", max_clip_bytes=AUDIO_BYTES // 2)
    assert [len(each.request.clips) for each in running.operations()] == [1] * 5


def test_nothing_is_stored_of_labels_that_a_check_refuses(learner_server, learner):
    task = task_pb2.Task(
        name="tasks/greetings",
        pool="pools/voices",
        query_strategy=encode_strategy(client.QueryStrategy()),
        head_recipe=head_pb2.HeadRecipe(adam=head_pb2.AdamRecipe()),
        pool_state=task_pb2.POOL_STATE_OPEN,
    )
    learner_server.on("GetTask", lambda *_: task_pb2.GetTaskResponse(task=task))

    def answer(request: labeling_pb2.ImportLabelsRequest, context: Any) -> Any:
        places = [n for n, each in enumerate(request.labels) if each.label == "other"]
        if places and not request.replace:
            fail(
                context,
                grpc.StatusCode.ALREADY_EXISTS,
                reason="ALREADY_EXISTS",
                violations=(FieldViolation(f"labels[{places[0]}]", "differs"),),
                metadata={"violation_count": str(len(places))},
            )
        return labeling_pb2.ImportLabelsResponse(changed_count=len(request.labels), head_version=3)

    learner_server.on("ImportLabels", answer)
    labels = [types.KnownLabel(f"c{n}", "yes") for n in range(20_001)]
    labels[15_000] = labels[15_001] = types.KnownLabel("c", "other")
    labels[20_000] = types.KnownLabel("c", "other")
    with pytest.raises(client.AlreadyExists, match="3 of 20,001 labels are refused") as caught:
        learner.call("import_labels", "greetings", iter(labels))
    assert [each.field for each in caught.value.violations] == ["labels[15000]", "labels[20000]"]
    assert all(each.validate_only for each in learner_server.requests["ImportLabels"])
    done = learner.call("import_labels", "greetings", iter(labels), replace=True)
    assert (done.changed_count, done.head_version) == (20_001, 3)
    last = learner_server.requests["ImportLabels"][-3:]
    assert [(len(each.labels), each.validate_only) for each in last] == [
        (10_000, False),
        (10_000, False),
        (1, False),
    ]


def test_groups_are_full_but_for_items_that_are_larger_than_one():
    sizes = [3, 3, 5, 20, 1, 1, 1, 1]
    items = [Sized(place, "", size) for place, size in enumerate(sizes)]
    groups = [
        [each.place for each in group] for group in group_sized(items, max_count=3, max_bytes=10)
    ]
    assert groups == [
        [0, 1],
        [2],
        [3],
        [4, 5, 6],
        [7],
    ]


def test_two_labels_of_a_clip_are_compared_however_far_apart(learner_server, learner):
    task = task_pb2.Task(
        name="tasks/greetings",
        pool="pools/voices",
        query_strategy=encode_strategy(client.QueryStrategy()),
        head_recipe=head_pb2.HeadRecipe(adam=head_pb2.AdamRecipe()),
        pool_state=task_pb2.POOL_STATE_OPEN,
    )
    learner_server.on("GetTask", lambda *_: task_pb2.GetTaskResponse(task=task))
    stored: list[int] = []

    def answer(request: labeling_pb2.ImportLabelsRequest, context: Any) -> Any:
        if not request.validate_only:
            stored.append(len(request.labels))
        return labeling_pb2.ImportLabelsResponse()

    learner_server.on("ImportLabels", answer)
    labels = [types.KnownLabel(f"c{number}", "yes") for number in range(25_000)]
    other = [*labels, types.KnownLabel("c7", "no")]
    with pytest.raises(client.InvalidArgument) as caught:
        learner.call("import_labels", "greetings", other)
    (violation,) = caught.value.violations
    assert violation.field == "labels[25000]"
    assert "another label in labels[7]" in violation.description
    assert stored == []
    learner.call("import_labels", "greetings", [*labels, labels[7]])
    assert sum(stored) == 25_001
