"""Both services and a Redis of their own, as a user starts them, and clients on them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.rpc.stacks import running_stack

from aloe.client import (
    AsyncLearnerClient,
    EmbeddingClient,
    LearnerClient,
    connect,
    connect_async,
    connect_embedding,
)
from aloe.local import LocalStack, StackOptions


@pytest.fixture(scope="session")
def readable_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one folder whose files clients of `stack` may name by URI."""
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="session")
def stack_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="session")
def stack(stack_data_dir: Path, readable_folder: Path) -> Iterator[LocalStack]:
    """A stack that nobody kills; its pools and tasks are told apart by their ids."""
    # A prefix without a slash must not open folders whose names begin alike.
    prefixes = (readable_folder.as_uri(),)
    options = StackOptions(data_dir=stack_data_dir, audio_uri_prefixes=prefixes)
    with running_stack(options) as running:
        yield running


@pytest.fixture(scope="session")
def client(stack: LocalStack) -> Iterator[LearnerClient]:
    with connect(stack.learner_address) as connected:
        yield connected


@pytest.fixture(scope="session")
def embedding_client(stack: LocalStack) -> Iterator[EmbeddingClient]:
    with connect_embedding(stack.embedding_address) as connected:
        yield connected


@pytest.fixture
async def async_client(stack: LocalStack) -> AsyncIterator[AsyncLearnerClient]:
    async with connect_async(stack.learner_address) as connected:
        yield connected
