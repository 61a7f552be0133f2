import asyncio
from collections import Counter
from itertools import islice
from typing import Any

import grpc
from tests.rpc.embedding.serving import error_details, request, serve
from tests.unit.embedding.gated_encoder import GatedEncoder, clip
from tests.unit.embedding.recordings import pcm

from aloe.embedding.usecases.service import ServiceLimits

PLACE_COUNT = 8
# More than gRPC by itself lets wait for the server to look at them.
CALL_COUNT = 2_500


async def outcome(call: Any) -> str:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
            return error.code().name
        return "refused, with a time to come again" if "RetryInfo" in error_details(error) else ""
    return "answered"


async def test_of_thousands_of_calls_at_once_each_is_answered_or_told_when_to_come_again() -> None:
    encoder = GatedEncoder()
    async with serve(encoder, limits=ServiceLimits(max_clip_count=PLACE_COUNT)) as stub:
        message = request(pcm(clip(1)))
        calls = [asyncio.create_task(outcome(stub.Embed(message))) for _ in range(CALL_COUNT)]
        for call in islice(asyncio.as_completed(calls), CALL_COUNT - PLACE_COUNT):
            await call
        encoder.open(1_000)
        outcomes = Counter(await asyncio.gather(*calls))
    assert outcomes == {
        "answered": PLACE_COUNT,
        "refused, with a time to come again": CALL_COUNT - PLACE_COUNT,
    }
