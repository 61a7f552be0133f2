"""Lists come page by page; streams go on where they broke."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from itertools import count

import grpc
import numpy as np
import pytest
from tests.unit.client.scripted_server import fail, never

from aloe.client import DeadlineExceeded, Internal, StoredLabel, Unavailable
from aloe.v1 import head_pb2, labeling_pb2, pool_pb2, task_pb2
from aloe.v1 import prediction_pb2 as pb
from aloe.wire.arrays import encode_matrix
from aloe.wire.names import clip_name

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
SOON = timedelta(seconds=0.4)


def stored_label(clip_id: str) -> labeling_pb2.StoredLabel:
    return labeling_pb2.StoredLabel(
        clip=clip_name("voices", clip_id), label="yes", split=labeling_pb2.SPLIT_TRAIN
    )


def task(head_version: int) -> task_pb2.Task:
    return task_pb2.Task(
        name="tasks/greetings",
        pool="pools/voices",
        query_strategy=task_pb2.QueryStrategy(
            acquisition_function=task_pb2.ACQUISITION_FUNCTION_ENTROPY,
            selection_rule=task_pb2.SELECTION_RULE_CLASS_AWARE,
        ),
        head_recipe=head_pb2.HeadRecipe(adam=head_pb2.AdamRecipe()),
        head_version=head_version,
        pool_state=task_pb2.POOL_STATE_OPEN,
    )


def test_list_is_read_to_its_last_page(learner_server, learner):
    pages = {"": (["a", "b"], "2"), "2": ([], "3"), "3": (["c"], "")}

    def list_clips(request, context):
        clip_ids, next_token = pages[request.page_token]
        clips = [pool_pb2.Clip(name=clip_name("voices", clip_id)) for clip_id in clip_ids]
        return pool_pb2.ListClipsResponse(clips=clips, next_page_token=next_token)

    learner_server.on("ListClips", list_clips)
    assert [clip.clip_id for clip in learner.call("list_clips", "voices")] == ["a", "b", "c"]


def test_broken_export_goes_on_without_repeating_a_label(learner_server, learner):
    attempts = count()

    def export(request, context):
        yield labeling_pb2.ExportLabelsResponse(labels=[stored_label("a"), stored_label("b")])
        if next(attempts) == 0:
            fail(context, UNAVAILABLE)
        yield labeling_pb2.ExportLabelsResponse(labels=[stored_label("c")])

    learner_server.on("ExportLabels", export)
    labels = learner.call("export_labels", "greetings")
    assert all(isinstance(label, StoredLabel) for label in labels)
    assert [label.clip_id for label in labels] == ["a", "b", "c"]


def test_broken_prediction_goes_on_behind_the_last_clip_with_the_same_head(learner_server, learner):
    requests = []

    def predict(request, context):
        requests.append(request)
        first = request.min_clip_number
        yield pool_prediction(range(first, first + 2), ["no", "yes"])
        if len(requests) == 1:
            yield pool_prediction(range(2, 4))
            fail(context, UNAVAILABLE)

    learner_server.on("PredictPool", predict)
    blocks = learner.call("predict_pool", "greetings", head="production", max_expected_error=0.1)
    assert [number for each in blocks for number in each.clip_numbers] == [0, 1, 2, 3, 4, 5]
    assert {(each.classes, each.clip_count) for each in blocks} == {(("no", "yes"), 6)}
    asked = [(each.head, each.min_clip_number, each.max_expected_error) for each in requests]
    assert asked == [("production", 0, 0.1), ("7", 4, 0.1)]


def pool_prediction(numbers: range, classes: Sequence[str] = ()) -> pb.PredictPoolResponse:
    count = len(numbers)
    return pb.PredictPoolResponse(
        clip_ids=[f"clip-{number}" for number in numbers],
        clip_numbers=numbers,
        probabilities=encode_matrix(np.full((count, 2), 0.5, np.float32)),
        states=[labeling_pb2.CLIP_STATE_UNLABELED] * count,
        label_indices=[-1] * count,
        accepted=[True] * count,
        classes=classes,
        head_version=7,
        clip_count=6,
    )


def test_a_prediction_whose_lists_differ_is_a_defect_of_the_server(learner_server, learner):
    message = pool_prediction(range(2), ["no", "yes"])
    message.clip_numbers.append(9)
    learner_server.on("PredictPool", lambda request, context: iter([message]))
    with pytest.raises(Internal, match="values for 2 clips"):
        learner.call("predict_pool", "greetings")


def test_export_ends_with_its_deadline(learner_server, learner):
    def export(request, context):
        yield labeling_pb2.ExportLabelsResponse(labels=[stored_label("a")])
        never(context)

    learner_server.on("ExportLabels", export)
    with pytest.raises(DeadlineExceeded):
        learner.call("export_labels", "greetings", timeout=SOON)


def test_broken_watch_is_taken_up_again(learner_server, learner):
    versions = count()

    def watch(request, context):
        yield task_pb2.WatchTaskResponse(task=task(next(versions)))
        fail(context, UNAVAILABLE)

    learner_server.on("WatchTask", watch)
    updates = learner.take(4, "watch_task", "greetings", timeout=SOON)
    assert [update.task.head_version for update in updates] == [0, 1, 2, 3]


def test_watch_that_the_server_ends_is_taken_up_again(learner_server, learner):
    versions = count()
    learner_server.on(
        "WatchTask",
        lambda request, context: iter([task_pb2.WatchTaskResponse(task=task(next(versions)))]),
    )
    updates = learner.take(3, "watch_task", "greetings")
    assert [update.task.head_version for update in updates] == [0, 1, 2]


def test_quiet_watch_that_breaks_after_its_timeout_is_taken_up_again(learner_server, learner):
    versions = count()
    timeout = timedelta(seconds=0.1)

    def watch(request, context):
        yield task_pb2.WatchTaskResponse(task=task(next(versions)))
        threading.Event().wait(1.5 * timeout.total_seconds())
        fail(context, UNAVAILABLE)

    learner_server.on("WatchTask", watch)
    updates = learner.take(2, "watch_task", "greetings", timeout=timeout)
    assert [update.task.head_version for update in updates] == [0, 1]


def test_watch_ends_when_the_server_stays_away(learner_server, learner):
    learner_server.stop()
    with pytest.raises(Unavailable):
        learner.take(1, "watch_task", "greetings", timeout=SOON)
