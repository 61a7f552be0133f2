"""Failed calls are repeated where that is safe and useful, within one deadline."""

import threading
import time
from datetime import timedelta

import grpc
import pytest
from tests.unit.client.scripted_server import (
    LEARNER,
    Driver,
    ScriptedServer,
    fail,
    failing_first,
    never,
)

from aloe.client import (
    ConnectOptions,
    DeadlineExceeded,
    InvalidArgument,
    Overloaded,
    ResourceExhausted,
    Unavailable,
    connect,
)
from aloe.v1 import labeling_pb2, task_pb2

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
SOON = timedelta(seconds=0.5)


def no_leases(request, context):
    return labeling_pb2.QueryResponse(pool_state=task_pb2.POOL_STATE_EXHAUSTED)


def stored(request, context):
    return labeling_pb2.SubmitLabelsResponse(label_count=7)


def test_unavailable_server_is_asked_again_with_the_same_request_id(learner_server, learner):
    learner_server.on("Query", failing_first(2, no_leases, UNAVAILABLE, reason="STORE_UNAVAILABLE"))
    learner.call("query", "greetings", "anna")
    attempts = learner_server.requests["Query"]
    assert len(attempts) == 3
    assert attempts[0].request_id
    assert {attempt.request_id for attempt in attempts} == {attempts[0].request_id}


def test_answers_are_submitted_again_with_the_same_request_id(learner_server, learner):
    learner_server.on("SubmitLabels", failing_first(1, stored, UNAVAILABLE))
    assert learner.call("submit_labels", "greetings", "anna", []).label_count == 7
    first, second = learner_server.requests["SubmitLabels"]
    assert first.request_id == second.request_id != ""


def test_two_calls_have_two_request_ids(learner_server, learner):
    learner_server.on("Query", no_leases)
    learner.call("query", "greetings", "anna")
    learner.call("query", "greetings", "anna")
    first, second = learner_server.requests["Query"]
    assert first.request_id != second.request_id


def test_who_wants_to_know_is_told_of_each_failure_that_is_no_end(learner_server):
    learner_server.on("Query", failing_first(2, no_leases, UNAVAILABLE, reason="STORE_UNAVAILABLE"))
    told: list[Exception] = []
    options = ConnectOptions(on_repeat=told.append)
    with connect(learner_server.target, options) as client:
        client.query("greetings", "anna")
        assert [type(each) for each in told] == [Unavailable, Unavailable]
        learner_server.on("Query", lambda _, context: fail(context, UNAVAILABLE))
        with pytest.raises(Unavailable) as caught:
            client.query("greetings", "anna", timeout=SOON)
    assert caught.value not in told


def test_given_request_id_is_sent(learner_server, learner):
    learner_server.on("Query", no_leases)
    learner.call("query", "greetings", "anna", request_id="mine")
    assert learner_server.requests["Query"][0].request_id == "mine"


def test_overloaded_server_is_asked_again_after_the_time_it_names(learner_server, learner):
    learner_server.on(
        "Query", failing_first(1, no_leases, EXHAUSTED, reason="OVERLOADED", retry_after_s=0.2)
    )
    begin_s = time.monotonic()
    learner.call("query", "greetings", "anna")
    assert time.monotonic() - begin_s >= 0.2
    assert len(learner_server.requests["Query"]) == 2


def test_delay_beyond_the_deadline_is_not_waited_for(learner_server, learner):
    learner_server.on(
        "Query", lambda _, context: fail(context, EXHAUSTED, reason="OVERLOADED", retry_after_s=60)
    )
    with pytest.raises(Overloaded) as caught:
        learner.call("query", "greetings", "anna")
    assert caught.value.retry_after == timedelta(seconds=60)
    assert len(learner_server.requests["Query"]) == 1


def test_exhausted_limit_without_a_delay_is_not_tried_again(learner_server, learner):
    learner_server.on("Query", lambda _, context: fail(context, EXHAUSTED))
    with pytest.raises(ResourceExhausted) as caught:
        learner.call("query", "greetings", "anna")
    assert not isinstance(caught.value, Overloaded)
    assert len(learner_server.requests["Query"]) == 1


def test_invalid_argument_is_not_tried_again(learner_server, learner):
    learner_server.on("Query", lambda _, context: fail(context, grpc.StatusCode.INVALID_ARGUMENT))
    with pytest.raises(InvalidArgument):
        learner.call("query", "greetings", "anna")
    assert len(learner_server.requests["Query"]) == 1


def test_silent_server_ends_with_the_deadline(learner_server, learner):
    learner_server.on("Query", lambda _, context: never(context))
    begin_s = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="longer"):
        learner.call("query", "greetings", "anna", timeout=SOON)
    assert 0.4 <= time.monotonic() - begin_s < 5


def test_deadline_bounds_all_attempts_together(learner_server, learner):
    remaining_s = []

    def refuse(request, context):
        remaining_s.append(context.time_remaining())
        fail(context, EXHAUSTED, reason="OVERLOADED", retry_after_s=0.2)

    learner_server.on("Query", refuse)
    begin_s = time.monotonic()
    with pytest.raises(Overloaded):
        learner.call("query", "greetings", "anna", timeout=timedelta(seconds=1))
    assert time.monotonic() - begin_s < 5
    first_s, second_s = remaining_s[:2]
    assert first_s <= 1.1
    assert second_s <= 0.85


def test_unavailable_server_is_given_up_before_the_deadline(learner_server, learner):
    learner_server.on("Query", lambda _, context: fail(context, UNAVAILABLE))
    begin_s = time.monotonic()
    with pytest.raises(Unavailable):
        learner.call("query", "greetings", "anna", timeout=SOON)
    assert time.monotonic() - begin_s < 5
    assert len(learner_server.requests["Query"]) > 1


def test_missing_server_is_named(learner_server, learner):
    learner_server.stop()
    with pytest.raises(Unavailable, match=learner_server.target):
        learner.call("get_pool", "voices", timeout=SOON)


@pytest.mark.parametrize("timeout", [timedelta(0), timedelta(seconds=-1)])
def test_timeout_must_be_positive(learner, timeout):
    with pytest.raises(InvalidArgument, match="timeout"):
        learner.call("get_pool", "voices", timeout=timeout)


def test_call_outlives_a_restart_of_the_server(learner_server: ScriptedServer, learner: Driver):
    begun = threading.Event()

    def hang(request, context):
        begun.set()
        never(context)

    learner_server.on("Query", hang)
    replacement = []

    def restart():
        begun.wait()
        learner_server.stop()
        server = ScriptedServer(LEARNER, learner_server.target)
        server.on("Query", no_leases)
        replacement.append(server)

    restarter = threading.Thread(target=restart)
    restarter.start()
    try:
        learner.call("query", "greetings", "anna", timeout=timedelta(seconds=20))
    finally:
        restarter.join()
        replacement[0].stop()
    assert (
        replacement[0].requests["Query"][0].request_id
        == learner_server.requests["Query"][0].request_id
    )
