"""What a server says of calls that it does not let through to its service."""

import logging
from typing import Any

import grpc
import pytest
from tests.rpc.learner.scenes import failure_of

from aloe.local import LocalStack
from aloe.serving.server import RpcServer, Service
from aloe.v1 import embedding_service_pb2 as pb2
from aloe.v1 import embedding_service_pb2_grpc as pb2_grpc
from aloe.v1 import learner_service_pb2
from aloe.wire.bounds import DEFAULT_REQUEST_BYTES

EMBEDDING = pb2.DESCRIPTOR.services_by_name["EmbeddingService"].full_name
LEARNER = learner_service_pb2.DESCRIPTOR.services_by_name["LearnerService"].full_name


async def test_a_method_that_a_servicer_lacks_is_unimplemented_without_a_trace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    servicer: Any = pb2_grpc.EmbeddingServiceServicer
    lacking = Service(
        EMBEDDING,
        servicer(),
        pb2_grpc.add_EmbeddingServiceServicer_to_server,
        {},
    )
    server = RpcServer([lacking], status_of=lambda _: None)
    address = await server.start("127.0.0.1:0")
    async with grpc.aio.insecure_channel(address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await pb2_grpc.EmbeddingServiceStub(channel).GetEncoder(pb2.GetEncoderRequest())
    await server.stop(drain_s=0)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


def test_a_request_that_is_too_large_is_blamed_itself(stack: LocalStack) -> None:
    size = DEFAULT_REQUEST_BYTES + 1
    with grpc.insecure_channel(stack.learner_address) as channel:
        call: Any = channel.unary_unary(f"/{LEARNER}/GetTask")
        with pytest.raises(grpc.RpcError) as caught:
            call(b"\0" * size, timeout=20)
    failure = failure_of(caught.value)
    assert (failure.reason, failure.fields) == ("INVALID_INPUT", ("request",))
    assert failure.message.startswith(f"request: a GetTaskRequest of {size:,} bytes; at most ")


def test_millions_of_empty_clips_are_refused_before_they_are_parsed(stack: LocalStack) -> None:
    clips = b"\x0a\x00" * 1_000_000
    request = b"\x12" + b"\x80\x89\x7a" + clips  # PredictRequest.audio
    with grpc.insecure_channel(stack.learner_address) as channel:
        call: Any = channel.unary_unary(f"/{LEARNER}/Predict")
        with pytest.raises(grpc.RpcError) as caught:
            call(request, timeout=20)
    failure = failure_of(caught.value)
    assert failure.fields == ("request",)
    assert "over 100,000 fields" in failure.message
