"""A failed call raises the one class that says what went wrong."""

from datetime import timedelta

import grpc
import pytest
from tests.unit.client.scripted_server import fail

from aloe import client
from aloe.serving.status import FieldViolation

Code = grpc.StatusCode


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (Code.INVALID_ARGUMENT, "INVALID_INPUT", client.InvalidArgument),
        (Code.NOT_FOUND, "TASK_NOT_FOUND", client.NotFound),
        (Code.ALREADY_EXISTS, "ALREADY_EXISTS", client.AlreadyExists),
        (Code.FAILED_PRECONDITION, "POOL_IN_USE", client.FailedPrecondition),
        (Code.FAILED_PRECONDITION, "ENCODER_MISMATCH", client.EncoderMismatch),
        (Code.FAILED_PRECONDITION, "LEASE_LOST", client.LeaseLost),
        (Code.FAILED_PRECONDITION, "HEAD_NOT_TRAINED", client.HeadNotTrained),
        (Code.ABORTED, "TASK_CHANGED", client.Aborted),
        (Code.INTERNAL, "INTERNAL", client.Internal),
        (Code.PERMISSION_DENIED, "", client.AloeError),
    ],
)
def test_status_becomes_its_class(learner_server, learner, code, reason, kind):
    learner_server.on("GetTask", lambda _, context: fail(context, code, reason=reason))
    with pytest.raises(client.AloeError) as caught:
        learner.call("get_task", "greetings")
    assert type(caught.value) is kind
    assert caught.value.code == code.name
    assert caught.value.reason == reason


def test_error_carries_all_that_the_server_tells(learner_server, learner):
    learner_server.on(
        "GetTask",
        lambda _, context: fail(
            context,
            Code.INVALID_ARGUMENT,
            reason="INVALID_INPUT",
            message="2 fields are wrong",
            violations=(
                FieldViolation("task.classes", "takes at least two, got 1"),
                FieldViolation("task.seed", "must not be 7"),
            ),
            retry_after_s=1.5,
            metadata={"task": "greetings"},
        ),
    )
    with pytest.raises(client.InvalidArgument) as caught:
        learner.call("get_task", "greetings")
    error = caught.value
    assert error.violations == (
        client.FieldViolation("task.classes", "takes at least two, got 1"),
        client.FieldViolation("task.seed", "must not be 7"),
    )
    assert error.metadata == {"task": "greetings"}
    assert error.retry_after == timedelta(seconds=1.5)
    assert (
        str(error)
        == "2 fields are wrong; task.classes: takes at least two, got 1; task.seed: must not be 7"
    )


def test_message_that_tells_its_violation_does_not_tell_it_twice():
    violation = client.FieldViolation("seed", "must not be 7")
    error = client.InvalidArgument(
        "seed: must not be 7", code="INVALID_ARGUMENT", violations=(violation,)
    )
    assert str(error) == "seed: must not be 7"


def test_error_is_one_line():
    assert str(client.Internal("one\ntwo", code="INTERNAL")) == "one two"


def test_unknown_rpc_asks_for_the_right_service(learner):
    with pytest.raises(client.AloeError, match="same version"):
        learner.call("get_task", "greetings")


def test_url_is_no_target():
    with pytest.raises(client.InvalidArgument, match="host:port"):
        client.connect("http://127.0.0.1:50051")


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("get_pool", ["a/b"]),
        ("get_task", [""]),
        ("get_clip_audio", ["voices", "no spaces"]),
        ("query", ["tasks/greetings", "anna"]),
        ("export_head", ["greetings", -1]),
        ("list_clips", ["-voices"]),
    ],
)
def test_malformed_argument_is_refused_before_it_is_sent(
    learner_server, learner, method, arguments
):
    with pytest.raises(client.InvalidArgument) as caught:
        learner.call(method, *arguments)
    assert caught.value.violations
    assert not learner_server.requests
