"""Whatever is sent, each RPC answers with one of the documented codes, and the service lives on."""

import random
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from tests.fuzz.messages import Maker
from tests.rpc.learner.scenes import SERVICE, Scene, failure_of, new_id

from aloe.v1 import pool_pb2
from aloe.v1.error_reason_pb2 import ErrorReason

RPCS = [method.name for method in SERVICE.methods]
CODES = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
}
REASONS = {name.removeprefix("ERROR_REASON_") for name in ErrorReason.keys()} - {  # noqa: SIM118 - an enum wrapper is no dict
    "UNSPECIFIED",
    "INTERNAL",
}


def call(raw: Any, rpc: str, request: Message) -> Any:
    """Make a call; return its first response, or its error."""
    method = SERVICE.methods_by_name[rpc]
    stub = getattr(raw, rpc)
    try:
        response = stub(iter([request]) if method.client_streaming else request, timeout=20)
        if not method.server_streaming:
            return response
        found = next(response, None)
        response.cancel()
    except grpc.RpcError as error:
        return error
    else:
        return found


def check(outcome: Any, request: Message) -> None:
    """Accept a response, or an error of the documented kinds that says which."""
    if not isinstance(outcome, grpc.RpcError):
        return
    failure = failure_of(outcome)
    shown = (type(request).__name__, str(request)[:300], failure)
    assert failure.code in CODES, shown
    assert failure.reason in REASONS, shown
    assert 0 < len(failure.message) < 2_000, shown
    if failure.code is grpc.StatusCode.INVALID_ARGUMENT:
        assert failure.fields, shown
        assert all(failure.fields), shown


def new_request(rpc: str) -> Message:
    return GetMessageClass(SERVICE.methods_by_name[rpc].input_type)()


@pytest.mark.parametrize("rpc", RPCS)
def test_an_empty_request_is_answered_or_refused(raw, rpc):
    request = new_request(rpc)
    outcome = call(raw, rpc, request)
    check(outcome, request)
    assert isinstance(outcome, grpc.RpcError) is (rpc not in {"ListPools", "ListTasks"})


def test_an_empty_stream_is_refused(raw):
    with pytest.raises(grpc.RpcError) as caught:
        raw.ImportClips(iter([]))
    assert failure_of(caught.value).fields == ("pool",)


def garbled(rpc: str, scene: Scene, count: int) -> Iterator[Message]:
    """Make requests that are wrong in many ways, the same in every run."""
    generator = random.Random(f"garbage for {rpc}")
    task, pool = f"tasks/{scene.task_id}", f"pools/{scene.pool_id}"
    names = {
        "task": [task],
        "pool": [pool],
        "clip": [f"{pool}/clips/clip-0003"],
        "names": [f"{pool}/clips/clip-0003"],
        "name": [pool if "Pool" in rpc else task],
        "oracle_id": ["ann"],
        "label": ["low"],
        "classes": ["low", "mid"],
        "pool_id": [new_id()],
        "task_id": [new_id()],
        "clip_id": [new_id()],
        "paths": ["label_budget", "head_recipe", "query_strategy"],
    }
    maker = Maker(generator, names, wildness=0.5, fullness=0.7)
    for _ in range(count):
        yield maker.make(SERVICE.methods_by_name[rpc].input_type)


@pytest.mark.parametrize("rpc", RPCS)
def test_garbage_is_answered_or_refused(raw, scene: Scene, rpc):
    scene.seed_labels()
    for request in garbled(rpc, scene, 40):
        check(call(raw, rpc, request), request)
    # The service has not suffered.
    raw.ListPools(pool_pb2.ListPoolsRequest(page_size=1), timeout=5)
