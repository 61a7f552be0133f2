"""Encoders that are loaded when they are first asked for."""

import asyncio
import threading
from typing import Any

import grpc
import pytest
from tests.rpc.embedding.serving import error_details, request, serve, stream
from tests.unit.embedding.gated_encoder import WAIT_S, GatedEncoder, clip
from tests.unit.embedding.recordings import pcm, tone

from aloe.embedding.domain.errors import ConfigurationError
from aloe.embedding.ports.encoder import Encoder, LazyEncoder
from aloe.v1 import embedding_service_pb2 as pb2

CLIP = pcm(clip(1))


class Loading:
    """Loads the gated encoder as often as it is told to, and fails before."""

    def __init__(self, *, failure_count: int = 0, is_held: bool = False) -> None:
        self.load_count = 0
        self.started = threading.Event()
        self.may_end = threading.Event()
        if not is_held:
            self.may_end.set()
        self._failure_count = failure_count
        self.encoder = LazyEncoder("gated", 60.0, self._load)

    def _load(self) -> Encoder:
        self.load_count += 1
        self.started.set()
        assert self.may_end.wait(WAIT_S), "the test never let it end"
        if self.load_count <= self._failure_count:
            raise ConfigurationError("cannot fetch it: download it by hand")
        return GatedEncoder(is_open=True)


async def test_an_encoder_is_loaded_by_the_first_call_that_names_it(logmel: Encoder) -> None:
    loading = Loading()
    async with serve(logmel, loading.encoder) as stub:
        await stub.Embed(request(pcm(tone())))
        assert loading.load_count == 0
        for _ in range(2):
            await stub.Embed(request(CLIP, encoder_id="gated"))
        assert loading.load_count == 1


async def test_it_is_listed_by_name_before_and_in_full_after(logmel: Encoder) -> None:
    loading = Loading()
    async with serve(logmel, loading.encoder) as stub:
        _, before = (await stub.ListEncoders(pb2.ListEncodersRequest())).encoders
        assert (before.encoder_id, before.fingerprint, before.embedding_dim) == ("gated", "", 0)
        got = await stub.GetEncoder(pb2.GetEncoderRequest(encoder_id="gated"))
        assert got.encoder.embedding_dim == 2
        _, after = (await stub.ListEncoders(pb2.ListEncodersRequest())).encoders
        assert after == got.encoder


async def test_all_who_ask_meanwhile_wait_for_the_same_and_others_go_on(logmel: Encoder) -> None:
    loading = Loading(is_held=True)
    async with serve(logmel, loading.encoder) as stub:
        calls = [
            asyncio.ensure_future(stub.Embed(request(CLIP, encoder_id="gated"))) for _ in range(5)
        ]
        streamed = asyncio.create_task(stream(stub, [[CLIP]], encoder_id="gated"))
        await asyncio.to_thread(loading.started.wait, WAIT_S)
        await stub.Embed(request(pcm(tone())))
        assert not any(call.done() for call in calls)
        loading.may_end.set()
        await asyncio.gather(*calls, streamed)
        assert loading.load_count == 1


async def test_one_who_gives_up_does_not_end_the_loading() -> None:
    loading = Loading(is_held=True)
    async with serve(loading.encoder) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Embed(request(CLIP), timeout=0.1)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        loading.may_end.set()
        await stub.Embed(request(CLIP))
        assert loading.load_count == 1


async def test_a_failure_tells_its_cause_and_the_next_call_tries_again() -> None:
    loading = Loading(failure_count=1)
    async with serve(loading.encoder) as stub:
        with pytest.raises(grpc.aio.AioRpcError, match=r"be loaded: .*by hand") as caught:
            await stub.Embed(request(CLIP))
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert reason(caught.value) == "ENCODER_UNAVAILABLE"
        await stub.Embed(request(CLIP))
        assert loading.load_count == 2


def reason(error: Any) -> str:
    return str(error_details(error)["ErrorInfo"].reason)
