"""A call is cancelled by its caller or by close(); one that gRPC cancels by itself is lost."""

import asyncio
import threading

import pytest
from tests.unit.client.scripted_server import never

from aloe import client
from aloe.client.asyncio.runner import AsyncRunner
from aloe.v1 import labeling_pb2, task_pb2
from aloe.v1.embedding_service_pb2_grpc import EmbeddingServiceStub


def hang(begun: threading.Event):
    def script(request, context):
        begun.set()
        never(context)
        return labeling_pb2.QueryResponse(pool_state=task_pb2.POOL_STATE_OPEN)

    return script


async def test_call_of_a_cancelled_task_is_cancelled_and_not_made_again(learner_server):
    begun = threading.Event()
    learner_server.on("Query", hang(begun))
    async with client.connect_async(learner_server.target) as connected:
        asked = asyncio.create_task(connected.query("greetings", "anna"))
        await asyncio.to_thread(begun.wait, 5)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
    assert len(learner_server.requests["Query"]) == 1


async def test_call_that_runs_when_the_client_closes_is_cancelled(learner_server):
    begun = threading.Event()
    learner_server.on("Query", hang(begun))
    connected = client.connect_async(learner_server.target)
    asked = asyncio.create_task(connected.query("greetings", "anna"))
    await asyncio.to_thread(begun.wait, 5)
    await connected.close()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert len(learner_server.requests["Query"]) == 1


async def test_call_that_nobody_cancelled_is_lost(embedding_server):
    runner = AsyncRunner(EmbeddingServiceStub, embedding_server.target, client.ConnectOptions())
    failure = await runner.failure("EmbedStream", asyncio.CancelledError())
    assert isinstance(failure, client.Unavailable)
    await runner.close()
