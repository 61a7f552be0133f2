"""What is sent says what was asked; what comes back is read whole."""

import inspect
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aloe import client
from aloe.client import AcquisitionFunction, SelectionRule, types
from aloe.client.operations import label_import, labeling, pools, predictions, results, tasks
from aloe.v1 import audio_pb2, head_pb2, labeling_pb2, pool_pb2, task_pb2
from aloe.wire.arrays import encode_matrix
from aloe.wire.settings import encode_strategy

IDS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.~-]{0,127}", fullmatch=True)
COUNTS = st.integers(0, 2**32 - 1)
STRATEGIES = st.builds(
    client.QueryStrategy, st.sampled_from(AcquisitionFunction), st.sampled_from(SelectionRule)
)
RECIPES = st.one_of(
    st.builds(client.AdamRecipe, st.floats(allow_nan=False), COUNTS, COUNTS),
    st.builds(client.LbfgsRecipe, st.floats(allow_nan=False)),
    st.builds(
        client.LogisticRecipe, st.floats(allow_nan=False), COUNTS, st.floats(allow_nan=False)
    ),
    st.builds(client.RidgeRecipe, st.floats(allow_nan=False), st.floats(allow_nan=False)),
)
PARTS = st.floats(allow_nan=False)
PLAIN_RULES = (
    st.builds(client.PlateauRule, COUNTS, PARTS)
    | st.builds(client.StablePredictionsRule, COUNTS, PARTS, st.booleans())
    | st.builds(client.UncertaintyRule, PARTS)
    | st.builds(client.LabelCountRule, st.integers(0, 2**64 - 1))
)
RULES = PLAIN_RULES | st.builds(
    lambda kind, rules: kind(tuple(rules)),
    st.sampled_from([client.AnyOfRules, client.AllOfRules]),
    st.lists(PLAIN_RULES, max_size=3),
)
DURATIONS = st.timedeltas(timedelta(0), timedelta(days=1))


@settings(deadline=None)
@given(
    task_id=IDS,
    pool_id=IDS,
    classes=st.lists(st.text(min_size=1), max_size=4),
    query_strategy=STRATEGIES,
    head_recipe=RECIPES,
    representation=st.sampled_from(client.Representation),
    label_budget=st.none() | st.integers(0, 2**64 - 1),
    lease_duration=DURATIONS,
    seed=st.integers(0, 2**64 - 1),
    max_leases_per_oracle=st.none() | st.integers(0, 2**32 - 1),
    stopping_rule=st.none() | RULES,
    estimate_accuracy=st.booleans(),
    audit_share=PARTS,
    window_spacing=DURATIONS,
    label_mode=st.sampled_from(client.LabelMode),
    unmentioned=st.sampled_from(client.Unmentioned),
)
def test_task_reads_as_it_was_created(task_id, pool_id, classes, **fields):
    operation = tasks.create_task(
        task_id, pool_id, classes, recipe=client.RecipeName.PAPER, **fields
    )
    echoed = task_pb2.Task()
    echoed.CopyFrom(operation.request.task)
    echoed.name, echoed.pool_state = f"tasks/{task_id}", task_pb2.POOL_STATE_OPEN
    task = operation.result(task_pb2.CreateTaskResponse(task=echoed))
    assert (task.task_id, task.pool_id, task.classes) == (task_id, pool_id, tuple(classes))
    assert {name: getattr(task, name) for name in fields} == fields
    assert task.training_head_version is None


def updated(**fields):
    parameters = inspect.signature(tasks.update_task).parameters
    unchanged = {name: client.UNCHANGED for name in parameters if name != "task_id"}
    return tasks.update_task("greetings", **{**unchanged, **fields}).request


def test_update_names_only_the_fields_that_are_given():
    request = updated(head_recipe=client.LbfgsRecipe(0.5))
    assert list(request.update_mask.paths) == ["head_recipe"]
    assert request.task.head_recipe.lbfgs.l2_penalty == 0.5
    assert not request.task.HasField("query_strategy")


def test_a_part_of_the_query_strategy_is_changed_without_the_other():
    request = updated(selection_rule=SelectionRule.CLASS_AGNOSTIC)
    assert list(request.update_mask.paths) == ["query_strategy.selection_rule"]
    strategy = request.task.query_strategy
    assert strategy.selection_rule == task_pb2.SELECTION_RULE_CLASS_AGNOSTIC
    assert strategy.acquisition_function == task_pb2.ACQUISITION_FUNCTION_UNSPECIFIED


def test_everything_is_changed_at_once():
    request = updated(
        acquisition_function=AcquisitionFunction.ENTROPY,
        selection_rule=SelectionRule.CLASS_AWARE,
        label_budget=3,
        stopping_rule=None,
    )
    assert set(request.update_mask.paths) == {
        "query_strategy.acquisition_function",
        "query_strategy.selection_rule",
        "label_budget",
        "stopping_rule",
    }


def test_query_strategy_is_given_whole_or_in_parts():
    with pytest.raises(client.InvalidArgument, match="selection_rule"):
        updated(query_strategy=client.QueryStrategy(), selection_rule=SelectionRule.CLASS_AGNOSTIC)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"head_recipe": client.AdamRecipe(epoch_count=-1)}, "head_recipe.adam.epoch_count"),
        (
            {"stopping_rule": client.AnyOfRules((client.LabelCountRule(2**64),))},
            "stopping_rule.any.rules[0].label_count.label_count",
        ),
    ],
)
def test_setting_that_does_not_fit_its_field_is_named(settings, field):
    with pytest.raises(client.InvalidArgument) as caught:
        updated(**settings)
    assert [violation.field for violation in caught.value.violations] == [field]


def test_no_budget_is_a_change_of_its_own():
    request = updated(label_budget=None)
    assert list(request.update_mask.paths) == ["label_budget"]
    assert not request.task.HasField("label_budget")


def test_zero_budget_is_not_no_budget():
    assert updated(label_budget=0).task.HasField("label_budget")


def test_update_without_a_field_is_refused():
    with pytest.raises(client.InvalidArgument, match="at least one"):
        updated()


def test_abstention_is_no_label():
    answers = [client.Answer("1", "yes"), client.Answer("2", None)]
    request = labeling.submit_labels("greetings", "anna", answers, request_id="r").request
    assert request.answers[0].label == "yes"
    assert request.answers[1].WhichOneof("answer") == "abstention"


NAMES = st.lists(st.text(min_size=1), max_size=3).map(tuple)
SETS = st.builds(client.LabelSet, NAMES, NAMES, NAMES)


@given(SETS)
def test_a_set_of_labels_is_read_as_it_was_sent(labels):
    answers = [client.Answer("1", labels)]
    request = labeling.submit_labels("greetings", "anna", answers, request_id="r").request
    known = label_import.encode_known_label("voices", client.KnownLabel("a", labels))
    stored = labeling_pb2.StoredLabel(
        clip="pools/voices/clips/a",
        labels=request.answers[0].labels,
        split=labeling_pb2.SPLIT_TRAIN,
    )
    stored.label_time.GetCurrentTime()
    (back,) = results.export_labels("greetings", "").parse(
        labeling_pb2.ExportLabelsResponse(labels=[stored])
    )
    assert back.label == labels
    assert known.labels == request.answers[0].labels


def test_a_retraction_is_neither_a_label_nor_an_abstention():
    answers = [client.Answer("1", None, retracted=True)]
    request = labeling.submit_labels("greetings", "anna", answers, request_id="r").request
    assert request.answers[0].WhichOneof("answer") == "retraction"


def test_a_known_label_carries_who_gave_it_and_when():
    given = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    known = [
        client.KnownLabel("a", "yes", oracle_id="anna", label_time=given),
        client.KnownLabel("b", None),
    ]
    first, second = (label_import.encode_known_label("voices", each) for each in known)
    assert (first.label, first.oracle_id) == ("yes", "anna")
    assert first.label_time.ToDatetime(tzinfo=UTC) == given
    assert second.WhichOneof("answer") == "abstention"
    assert not second.HasField("label_time")


def test_lease_without_a_head_has_no_score():
    operation = labeling.query(
        "greetings",
        "anna",
        max_clip_count=1,
        min_head_version=0,
        lease_duration=None,
        request_id="r",
    )
    response = labeling_pb2.QueryResponse(
        leases=[labeling_pb2.Lease(lease_id="1", clip="pools/voices/clips/a")],
        pool_state=task_pb2.POOL_STATE_OPEN,
    )
    (lease,) = operation.result(response).leases
    assert (lease.clip_id, lease.score) == ("a", None)
    response.leases[0].score = 0.0
    assert operation.result(response).leases[0].score == 0.0


def test_pool_and_its_clips_are_read_whole():
    message = pool_pb2.Pool(
        name="pools/voices",
        encoder_id="logmel",
        encoder_fingerprint="f00d",
        embedding_dim=4,
        keep_audio=True,
        clip_count=9,
    )
    message.create_time.FromDatetime(datetime(2023, 6, 4, tzinfo=UTC))
    pool = pools.get_pool("voices").result(pool_pb2.GetPoolResponse(pool=message))
    assert pool == client.Pool(
        "voices", "logmel", "f00d", 4, True, 9, datetime(2023, 6, 4, tzinfo=UTC)
    )


def prediction_of(embeddings, max_expected_error=None):
    return predictions.PredictRun(
        "greetings",
        predictions.embedding_inputs(embeddings),
        min_head_version=2,
        max_expected_error=max_expected_error,
        max_message_bytes=2**20,
    )


def test_predictions_are_a_matrix_with_the_classes_as_columns():
    probabilities = np.array([[0.25, 0.75]], np.float32)
    running = prediction_of(np.ones((1, 3), np.float32))
    (operation,) = running.operations()
    assert operation.request.embeddings.column_count == 3
    response = head_pb2.PredictResponse(
        probabilities=encode_matrix(probabilities),
        labels=["yes"],
        classes=["no", "yes"],
        head_version=2,
    )
    running.add(operation.result(response))
    predictions = running.finish()
    np.testing.assert_array_equal(predictions.probabilities, probabilities)
    assert predictions.labels == ("yes",)


def test_what_is_accepted_in_several_calls_is_put_together():
    running = prediction_of(np.ones((5_000, 3), np.float32), max_expected_error=0.1)
    for operation, accepted_count, error in zip(
        running.operations(), (4, 1, 0), (0.05, 0.1, None), strict=False
    ):
        assert operation.request.max_expected_error == 0.1
        count = operation.request.embeddings.row_count
        response = head_pb2.PredictResponse(
            probabilities=encode_matrix(np.full((count, 2), 0.5, np.float32)),
            labels=["yes"] * count,
            classes=["no", "yes"],
            accepted=[place < accepted_count for place in range(count)],
            expected_error=error,
        )
        running.add(operation.result(response))
    found = running.finish()
    assert found.accepted is not None
    assert sum(found.accepted) == 5
    assert found.accepted[:5] == (True,) * 4 + (False,)
    assert found.expected_error == pytest.approx((4 * 0.05 + 0.1) / 5)


def test_predictions_that_nobody_asked_to_accept_are_neither_accepted_nor_refused():
    running = prediction_of(np.ones((1, 3), np.float32))
    (operation,) = running.operations()
    assert not operation.request.HasField("max_expected_error")
    assert running.finish().accepted is None


def test_a_server_that_does_not_say_what_is_accepted_is_of_another_version():
    (operation,) = prediction_of(np.ones((1, 3), np.float32), 0.1).operations()
    response = head_pb2.PredictResponse(
        probabilities=encode_matrix(np.ones((1, 1), np.float32)), labels=["a"], classes=["a"]
    )
    with pytest.raises(client.Internal, match="one version"):
        operation.result(response)


def test_head_is_weights_biases_and_where_they_come_from():
    head = head_pb2.Head(
        task="tasks/greetings",
        version=3,
        weights=encode_matrix(np.arange(6, dtype=np.float32).reshape(3, 2)),
        biases=encode_matrix(np.ones((1, 2), np.float32)),
        classes=["no", "yes"],
        head_recipe=head_pb2.HeadRecipe(lbfgs=head_pb2.LbfgsRecipe(l2_penalty=0.25)),
    )
    parsed = results.export_head("greetings", 3).result(head_pb2.ExportHeadResponse(head=head))
    assert parsed.weights.shape == (3, 2)
    assert parsed.biases.shape == (2,)
    assert parsed.head_recipe == client.LbfgsRecipe(0.25)


def test_round_without_validation_clips_has_no_evaluation():
    rounds = [
        head_pb2.Round(
            head_version=1, test=head_pb2.Evaluation(accuracy=0.5, class_recalls=[1.0, math.nan])
        )
    ]
    page = results.list_rounds("greetings")("").result(head_pb2.ListRoundsResponse(rounds=rounds))
    (only,) = page.items
    assert only.validation is None
    assert only.test is not None
    assert math.isnan(only.test.class_recalls[1])
    assert only.head_recipe is None, "an older server does not tell"
    assert only.accuracy_estimate is None


def test_an_estimate_is_read_whole():
    message = head_pb2.AccuracyEstimate(
        value=0.9,
        low=0.8,
        high=0.95,
        label_count=60,
        audit_label_count=3,
        intercept=0.25,
        slope=1.5,
    )
    response = head_pb2.ListRoundsResponse(rounds=[head_pb2.Round(accuracy_estimate=message)])
    (only,) = results.list_rounds("greetings")("").result(response).items
    assert only.accuracy_estimate == client.AccuracyEstimate(0.9, 0.8, 0.95, 60, 3, 0.25, 1.5)


def test_answer_that_cannot_be_read_is_a_defect_of_the_server():
    (operation,) = prediction_of(np.ones((2, 3), np.float32)).operations()
    truncated = audio_pb2.FloatMatrix(row_count=2, column_count=1)
    with pytest.raises(client.Internal, match="one version"):
        operation.result(head_pb2.PredictResponse(probabilities=truncated))
    one_row = encode_matrix(np.ones((1, 2), np.float32))
    with pytest.raises(client.Internal, match="1 rows for 2 inputs"):
        operation.result(head_pb2.PredictResponse(probabilities=one_row, labels=["yes"]))


def test_state_that_is_new_to_the_client_is_told():
    operation = labeling.query(
        "greetings",
        "anna",
        max_clip_count=1,
        min_head_version=0,
        lease_duration=None,
        request_id=None,
    )
    with pytest.raises(client.Internal, match="pool_state"):
        operation.result(labeling_pb2.QueryResponse(pool_state=task_pb2.POOL_STATE_UNSPECIFIED))


@settings(deadline=None)
@given(number=st.integers() | st.just(2**32))
def test_number_out_of_range_is_refused(number):
    if 0 <= number < 2**32:
        assert results.export_head("greetings", number).request.head_version == number
        return
    with pytest.raises(client.InvalidArgument, match="head"):
        results.export_head("greetings", number)


def test_clips_are_named_by_the_pool_of_the_task_asked_for_once(learner_server, learner):
    task = task_pb2.Task(
        name="tasks/greetings",
        pool="pools/voices",
        query_strategy=encode_strategy(client.QueryStrategy()),
        head_recipe=head_pb2.HeadRecipe(adam=head_pb2.AdamRecipe()),
        pool_state=task_pb2.POOL_STATE_OPEN,
    )
    learner_server.on("GetTask", lambda *_: task_pb2.GetTaskResponse(task=task))
    learner_server.on("ImportLabels", lambda *_: labeling_pb2.ImportLabelsResponse(changed_count=1))
    one_row = encode_matrix(np.ones((1, 2), np.float32))
    learner_server.on(
        "Predict",
        lambda *_: head_pb2.PredictResponse(
            probabilities=one_row, labels=["yes"], classes=["no", "yes"]
        ),
    )
    known = types.KnownLabel("a", "yes", client.Split.TEST)
    for _ in range(2):
        assert learner.call("import_labels", "greetings", [known]).head_version is None
        learner.call("predict", "greetings", clip_ids=["a"])
    assert len(learner_server.requests["GetTask"]) == 1
    assert learner_server.requests["ImportLabels"][1].labels[0] == labeling_pb2.KnownLabel(
        clip="pools/voices/clips/a", label="yes", split=labeling_pb2.SPLIT_TEST
    )
    assert list(learner_server.requests["Predict"][1].clips.names) == ["pools/voices/clips/a"]


@pytest.mark.parametrize("inputs", [{}, {"audio": [b"x"], "clip_ids": ["a"]}])
def test_predict_takes_exactly_one_input(learner, inputs):
    with pytest.raises(client.InvalidArgument, match="one of"):
        learner.call("predict", "greetings", **inputs)


def test_a_duration_that_cannot_be_is_told_in_seconds(learner):
    with pytest.raises(client.InvalidArgument, match=r"window_spacing: .*, got -2\.5 s"):
        learner.call(
            "create_task", "t", "voices", ["a", "b"], window_spacing=timedelta(seconds=-2.5)
        )
