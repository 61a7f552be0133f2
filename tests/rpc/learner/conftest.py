from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from tests.rpc.learner.scenes import Scene, make_scene, new_id

from aloe.client import LearnerClient, Pool
from aloe.local import LocalStack
from aloe.v1 import learner_service_pb2_grpc as pb_grpc


@pytest.fixture
def scene(client: LearnerClient) -> Scene:
    """A task of three classes on a pool of 60 embeddings, nothing labeled."""
    return make_scene(client)


@pytest.fixture
def audio_pool(client: LearnerClient) -> Pool:
    """An empty pool of the stack's own encoder that keeps its audio."""
    return client.create_pool(new_id(), keep_audio=True)


@pytest.fixture(scope="session")
def raw(stack: LocalStack) -> Iterator[Any]:
    """A stub of the learner service that sends whatever it is given."""
    with grpc.insecure_channel(stack.learner_address) as channel:
        yield pb_grpc.LearnerServiceStub(channel)
