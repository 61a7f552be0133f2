"""Callers that begin something and then are silent: streams half sent or unread, bare connections.

They hold what they hold for a while and then go without a word.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import grpc
from tests.chaos.scene import PLANS, VECTORS

from aloe.v1 import (
    embedding_service_pb2,
    embedding_service_pb2_grpc,
    learner_service_pb2_grpc,
    pool_pb2,
    task_pb2,
)

_MOST_OF_A_KIND = 20
_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_EMPTY_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
# HEADERS of stream 1 that promise more to come, which never does.
_HALF_HEADERS = b"\x00\x00\x20\x01\x00\x00\x00\x00\x01\x83"
_OPENINGS = (
    b"",
    b"GET / HT",
    _HTTP2_PREFACE[:9],
    _HTTP2_PREFACE,
    _HTTP2_PREFACE + _EMPTY_SETTINGS,
    _HTTP2_PREFACE + _EMPTY_SETTINGS + _HALF_HEADERS,
)


async def stall(
    learner_address: str, embedding_address: str, rng: random.Random, for_s: float
) -> None:
    """Open some of each kind to both services, be silent for so long, and go."""
    async with AsyncExitStack() as closing:
        learner: Any = learner_service_pb2_grpc.LearnerServiceStub(
            await closing.enter_async_context(grpc.aio.insecure_channel(learner_address))
        )
        embedding: Any = embedding_service_pb2_grpc.EmbeddingServiceStub(
            await closing.enter_async_context(grpc.aio.insecure_channel(embedding_address))
        )
        openers: list[Callable[[], Any]] = [
            lambda: learner.ImportClips(_then_silence(_first_import(rng))),
            lambda: embedding.EmbedStream(
                _then_silence(embedding_service_pb2.EmbedStreamRequest())
            ),
            lambda: learner.WatchTask(
                task_pb2.WatchTaskRequest(task=f"tasks/{rng.choice(PLANS).task_id}")
            ),
        ]
        for open_stream in openers:
            for _ in range(rng.randint(1, _MOST_OF_A_KIND)):
                closing.callback(open_stream().cancel)
        for address in (learner_address, embedding_address):
            for _ in range(rng.randint(1, _MOST_OF_A_KIND)):
                await _open_bare(closing, address, rng.choice(_OPENINGS))
        await asyncio.sleep(for_s)


def _first_import(rng: random.Random) -> pool_pb2.ImportClipsRequest:
    """A first message without clips, or with one whose vector is missing."""
    clips = [pool_pb2.NewClip(clip_id="stalled")] if rng.random() < 0.5 else []
    return pool_pb2.ImportClipsRequest(pool=f"pools/{VECTORS}", clips=clips)


async def _then_silence(first: Any) -> AsyncIterator[Any]:
    yield first
    await asyncio.Event().wait()


async def _open_bare(closing: AsyncExitStack, address: str, opening: bytes) -> None:
    host, _, port = address.rpartition(":")
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection(host, int(port))
        closing.callback(writer.transport.abort)
        writer.write(opening)
