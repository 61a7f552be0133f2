from collections.abc import Iterator

import pytest
from tests.unit.client.scripted_server import (
    EMBEDDING,
    LEARNER,
    Asyncio,
    Blocking,
    Driver,
    ScriptedServer,
)

from aloe import client


@pytest.fixture
def learner_server() -> Iterator[ScriptedServer]:
    server = ScriptedServer(LEARNER)
    yield server
    server.stop()


@pytest.fixture
def embedding_server() -> Iterator[ScriptedServer]:
    server = ScriptedServer(EMBEDDING)
    yield server
    server.stop()


@pytest.fixture(params=["blocking", "asyncio"])
def learner(request: pytest.FixtureRequest, learner_server: ScriptedServer) -> Iterator[Driver]:
    target = learner_server.target
    driver: Driver = (
        Blocking(client.connect(target))
        if request.param == "blocking"
        else Asyncio(lambda: client.connect_async(target))
    )
    yield driver
    driver.close()


@pytest.fixture(params=["blocking", "asyncio"])
def embedding(request: pytest.FixtureRequest, embedding_server: ScriptedServer) -> Iterator[Driver]:
    target = embedding_server.target
    driver: Driver = (
        Blocking(client.connect_embedding(target))
        if request.param == "blocking"
        else Asyncio(lambda: client.connect_embedding_async(target))
    )
    yield driver
    driver.close()
