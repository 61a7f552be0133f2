"""Calls that the learner refuses are seen in its metrics."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.unit.learner.test_metrics import scrape

from aloe.learner.adapters.audio.files import AudioFiles
from aloe.learner.adapters.memory.store import MemoryStore
from aloe.learner.adapters.prometheus import PrometheusRecorder
from aloe.learner.rpc.servicer import rpc_service
from aloe.learner.rpc.statuses import status_of
from aloe.learner.usecases.learner import Learner
from aloe.serving.server import RpcServer
from aloe.v1 import learner_service_pb2_grpc as pb2_grpc
from aloe.v1 import pool_pb2


async def test_a_refused_call_is_in_the_metrics(tmp_path: Path):
    store, recorder = MemoryStore(), PrometheusRecorder()
    # No audio is embedded here.
    nothing: Any = None
    audio = AudioFiles(str(tmp_path), store.identity)
    rpc = rpc_service(
        Learner(
            store,
            nothing,
            audio,
            lambda: datetime.now(UTC),
            recording_files=nothing,
            recording_decoder=nothing,
        ),
        export_idle_s=60,
    )
    url = recorder.serve("127.0.0.1:0", lambda: 0, rpc.gates.values())
    server = RpcServer([rpc], status_of=status_of)
    address = await server.start("127.0.0.1:0")
    gate = rpc.gates["ExportClips"]
    for number in range(gate.width):
        await gate.enter(f"connection {number}")
    async with grpc.aio.insecure_channel(address) as channel:
        stub = pb2_grpc.LearnerServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ExportClips(pool_pb2.ExportClipsRequest()).read()
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    found = await asyncio.to_thread(scrape, url)
    assert found["calls_refused_total exports"] == 1
    assert found["calls_working exports"] == gate.width
    assert (found["calls_refused_total queries"], found["calls_waiting queries"]) == (0, 0)
    await server.stop(drain_s=0)
