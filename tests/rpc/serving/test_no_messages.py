"""Bytes that are no message get INVALID_ARGUMENT with its reason, and no trace in the log."""

from collections.abc import Iterator, Sequence
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from tests.rpc.learner.scenes import failure_of, new_id

from aloe.local import LocalStack
from aloe.v1 import embedding_service_pb2, learner_service_pb2, pool_pb2

LEARNER = learner_service_pb2.DESCRIPTOR.services_by_name["LearnerService"]
EMBEDDING = embedding_service_pb2.DESCRIPTOR.services_by_name["EmbeddingService"]
HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"]
REFLECTION = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
METHODS = [
    method for service in (LEARNER, EMBEDDING, HEALTH, REFLECTION) for method in service.methods
]
NO_MESSAGES = {
    "a varint without end": b"\x08" + b"\xff" * 11,
    "a field that is cut off": b"\x0a\x7fabc",
    "the wire type 7": b"\x0f",
    "the field number 0": b"\x02\x00",
}
STREAMED = [method for method in METHODS if method.input_type.fields and method.client_streaming]


def check(stack: LocalStack, method: Any, messages: Sequence[bytes]) -> None:
    """Send bytes to a method and expect its refusal."""
    service = method.containing_service
    address = stack.embedding_address if service is EMBEDDING else stack.learner_address
    with grpc.insecure_channel(address) as channel:
        streams = (
            "stream" if method.client_streaming else "unary",
            "stream" if method.server_streaming else "unary",
        )
        call = getattr(channel, "_".join(streams))(f"/{service.full_name}/{method.name}")
        sent = iter(messages) if method.client_streaming else messages[0]
        with pytest.raises(grpc.RpcError) as caught:
            _answers(call(sent, timeout=20))
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason, failure.fields) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_INPUT",
        (),
    )
    assert failure.message.startswith("unreadable: ")


def _answers(answer: Any) -> None:
    """Read all that a call is answered."""
    if isinstance(answer, Iterator):
        list(answer)


@pytest.fixture
def quiet_logs(stack: LocalStack) -> Iterator[None]:
    """Expect that no service logs a trace."""
    logs = sorted(stack.log_dir.glob("*.log"))
    lengths = [log.stat().st_size for log in logs]
    yield
    for log, length in zip(logs, lengths, strict=True):
        assert "Traceback" not in log.read_bytes()[length:].decode(errors="replace"), log


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_bytes_that_are_no_message_are_refused(stack: LocalStack, quiet_logs: None, method):
    for content in NO_MESSAGES.values():
        check(stack, method, [content])


def first_message(method: Any, client: Any) -> Message:
    """Return a good message for a stream to begin with."""
    if method.containing_service is LEARNER:
        pool = client.create_pool(new_id(), encoder_fingerprint="f", embedding_dim=1)
        return pool_pb2.ImportClipsRequest(pool=f"pools/{pool.pool_id}")
    if method.containing_service is EMBEDDING:
        return embedding_service_pb2.EmbedStreamRequest()
    return reflection_pb2.ServerReflectionRequest(list_services="")


@pytest.mark.parametrize("method", STREAMED, ids=lambda method: method.full_name)
def test_what_is_no_message_in_the_middle_of_a_stream_is_refused(
    stack: LocalStack, client, quiet_logs: None, method
):
    first = first_message(method, client).SerializeToString()
    for content in NO_MESSAGES.values():
        check(stack, method, [first, content])
