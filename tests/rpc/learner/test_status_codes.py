"""Whatever is sent, each RPC answers with one of the documented codes, and the service lives on."""

import math
import random
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
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
GARBAGE = [
    "",
    "\0",
    "../../etc/passwd",
    "'; DROP TABLE clips; --",
    "{pool:x}",
    "*",
    "tasks/",
    "pools/x/clips/y",
    "tasks/x",
    "pools/x",
    "-1",
    "99999999999999999999",
    "\u202e\N{PILE OF POO}",
    "%s%n${HOME}",
    "file:///etc/passwd",
    "a" * 300,
    "ж" * 70_000,
]
EXTREMES: dict[int, list[Any]] = {
    FieldDescriptor.CPPTYPE_BOOL: [False, True],
    FieldDescriptor.CPPTYPE_ENUM: [0, 1, 2, 7, 1_000, -1],
    FieldDescriptor.CPPTYPE_UINT32: [0, 1, 8, 1_000, 2**31, 2**32 - 1],
    FieldDescriptor.CPPTYPE_UINT64: [0, 1, 2**53 + 1, 2**64 - 1],
    FieldDescriptor.CPPTYPE_INT32: [0, -1, 2**31 - 1],
    FieldDescriptor.CPPTYPE_INT64: [0, 1, -1, 2**63 - 1],
    FieldDescriptor.CPPTYPE_DOUBLE: [0.0, -1.0, 1e308, math.nan, math.inf],
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


def fill(
    message: Message, generator: random.Random, names: dict[str, list[str]], depth: int = 0
) -> None:
    """Set some fields at random: garbage in strings, extremes in numbers, unknown enum values."""
    for field in message.DESCRIPTOR.fields:
        if generator.random() < 0.3 or depth > 4:
            continue
        values = [
            value_of(field, generator, names, depth)
            for _ in range(generator.randint(1, 3) if field.is_repeated else 1)
        ]
        if field.message_type is None:
            if field.is_repeated:
                getattr(message, field.name).extend(values)
            else:
                setattr(message, field.name, values[0])
        elif field.is_repeated:
            getattr(message, field.name).extend(values)
        else:
            getattr(message, field.name).CopyFrom(values[0])


def value_of(field: Any, generator: random.Random, names: dict[str, list[str]], depth: int) -> Any:
    """Make a value for one field."""
    if field.message_type is not None:
        message = GetMessageClass(field.message_type)()
        fill(message, generator, names, depth + 1)
        return message
    if field.type == FieldDescriptor.TYPE_BYTES:
        return generator.randbytes(generator.choice([0, 1, 4, 32, 1_000]))
    if field.type == FieldDescriptor.TYPE_STRING:
        # A real name half of the time, or no call would get past its first check.
        return generator.choice([*GARBAGE, *names.get(field.name, []) * len(GARBAGE)])
    return generator.choice(EXTREMES[field.cpp_type])


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
    for _ in range(count):
        request = new_request(rpc)
        fill(request, generator, names)
        yield request


@pytest.mark.parametrize("rpc", RPCS)
def test_garbage_is_answered_or_refused(raw, scene: Scene, rpc):
    scene.seed_labels()
    for request in garbled(rpc, scene, 40):
        check(call(raw, rpc, request), request)
    # The service has not suffered.
    raw.ListPools(pool_pb2.ListPoolsRequest(page_size=1), timeout=5)
