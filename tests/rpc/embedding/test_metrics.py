"""Metrics as Prometheus reads them: over HTTP."""

import asyncio
import math
import urllib.request
from typing import Any

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.rpc.embedding.serving import request, serve, stream
from tests.unit.embedding.gated_encoder import GatedEncoder, clip
from tests.unit.embedding.recordings import pcm

from aloe.embedding.adapters.prometheus import PrometheusRecorder
from aloe.embedding.batching.batcher import Batcher
from aloe.embedding.batching.limits import BatchLimits
from aloe.embedding.rpc.servicer import rpc_service
from aloe.embedding.rpc.statuses import status_of
from aloe.embedding.usecases.service import EmbeddingService, ServiceLimits
from aloe.serving.metrics import MetricsUnavailable
from aloe.serving.server import RpcServer
from aloe.v1 import embedding_service_pb2_grpc as pb2_grpc

Samples = dict[str, float]


def scrape(url: str) -> Samples:
    """Read every sample of the gated encoder: its name, and the other labels, to its value."""
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310
        text = response.read().decode()
    samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {key: text for key, text in sample.labels.items() if key != "encoder"}
            if sample.labels.get("encoder") == "gated":
                key = " ".join([sample.name.removeprefix("aloe_embedding_"), *labels.values()])
                samples[key] = sample.value
    return samples


async def test_what_the_service_did_is_counted() -> None:
    recorder = PrometheusRecorder()
    url = recorder.serve("127.0.0.1:0", dict, ())
    encoder = GatedEncoder(is_open=True)
    limits = ServiceLimits(batch=BatchLimits(sizes=(4,)))
    async with serve(encoder, limits=limits, recorder=recorder) as stub:
        await stub.Embed(request(*(pcm(clip(value)) for value in (1, 2, 3, 3))))
        await stub.Embed(request(pcm(clip(1))))
        await stream(stub, [[pcm(clip(9))]])
    found = await asyncio.to_thread(scrape, url)
    assert found["cache_lookups_total miss"] == 4
    assert found["cache_lookups_total memory"] == 1
    assert found["cache_lookups_total joined"] == 1
    # Batches of three and one clips of 10 samples, in four rows each.
    assert (found["batch_clips_count"], found["batch_clips_sum"]) == (2, 4)
    assert (found["samples_total"], found["padding_samples_total"]) == (80, 40)
    assert found["decode_seconds_count"] == 3
    assert found["queue_seconds_count"] == 4
    assert found["inference_seconds_count"] == 2
    assert found["inference_seconds_sum"] > 0


async def test_an_empty_queue_has_depth_0() -> None:
    recorder = PrometheusRecorder()
    service = EmbeddingService([GatedEncoder()], ServiceLimits(), recorder=recorder)
    url = recorder.serve("127.0.0.1:0", service.queue_depths, ())
    assert (await asyncio.to_thread(scrape, url))["queue_clips"] == 0
    await service.close()


async def test_clips_that_wait_are_in_the_depth_and_those_that_run_are_not() -> None:
    encoder = GatedEncoder()
    batcher = Batcher(BatchLimits(), on_batch=lambda _: None)
    url = PrometheusRecorder().serve("127.0.0.1:0", batcher.queue_depths, ())
    batcher.submit(encoder, [clip(1)], math.inf)
    await asyncio.to_thread(encoder.wait_until_running)
    batcher.submit(encoder, [clip(2), clip(3)], math.inf)
    assert (await asyncio.to_thread(scrape, url))["queue_clips"] == 2
    encoder.open(10)
    await batcher.close()


def test_a_port_alone_is_on_loopback() -> None:
    assert PrometheusRecorder().serve("0", dict, ()).startswith("http://127.0.0.1:")


@pytest.mark.parametrize("address", ["127.0.0.1:notaport", "127.0.0.1:99999", "nowhere", "{taken}"])
def test_an_address_that_cannot_be_served_is_named_with_a_remedy(address: str) -> None:
    taken = PrometheusRecorder().serve("127.0.0.1:0", dict, ()).removesuffix("/metrics")
    address = address.format(taken=taken.removeprefix("http://"))
    with pytest.raises(MetricsUnavailable, match=r"cannot serve metrics on .*give another"):
        PrometheusRecorder().serve(address, dict, ())


async def test_refused_calls_are_counted_whatever_they_found_no_room_for() -> None:
    service = EmbeddingService(
        [GatedEncoder()], ServiceLimits(max_clip_count=1, max_stream_count=1)
    )
    rpc = rpc_service(service)
    url = PrometheusRecorder().serve("127.0.0.1:0", dict, rpc.gates.values())
    server = RpcServer([rpc], status_of=status_of)
    address = await server.start("127.0.0.1:0")
    await rpc.gates["EmbedStream"].enter("a connection")
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = pb2_grpc.EmbeddingServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError, match="all 1 places for streams"):
            await stream(stub, [[pcm(clip(9))]])
        with service.budget.enter(clips=1), pytest.raises(grpc.aio.AioRpcError, match="is full"):
            await stub.Embed(request(pcm(clip(1))))
    assert await asyncio.to_thread(calls_of, url) == {
        "refused_total": {"calls": 1, "reads": 0, "streams": 1},
        "waiting": {"calls": 0, "reads": 0, "streams": 0},
        "working": {"calls": 0, "reads": 0, "streams": 1},
    }
    await server.stop(drain_s=0)
    await service.close()


def calls_of(url: str) -> dict[str, Samples]:
    """Read what is told of calls, by kind."""
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310
        text = response.read().decode()
    found: dict[str, Samples] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            _, is_of_calls, name = sample.name.partition("aloe_embedding_calls_")
            if is_of_calls:
                found.setdefault(name, {})[sample.labels["kind"]] = sample.value
    return found
