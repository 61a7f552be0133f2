"""The asyncio client of the learner service."""

from typing import Self

from aloe.client import types
from aloe.client.asyncio.learner_calls.clips import ClipCalls
from aloe.client.asyncio.learner_calls.heads import HeadCalls
from aloe.client.asyncio.learner_calls.labeling import LabelingCalls
from aloe.client.asyncio.learner_calls.pools import PoolCalls
from aloe.client.asyncio.learner_calls.recordings import RecordingCalls
from aloe.client.asyncio.runner import AsyncRunner
from aloe.v1.learner_service_pb2_grpc import LearnerServiceStub


class AsyncLearnerClient(PoolCalls, ClipCalls, RecordingCalls, LabelingCalls, HeadCalls):
    """LearnerClient for asyncio: the same methods, awaited. Made by connect_async().

    The tasks of one event loop may share a client; threads and processes may not.
    """

    def __init__(self, target: str, options: types.ConnectOptions) -> None:
        self._runner = AsyncRunner(LearnerServiceStub, target, options)
        self._pool_ids: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._runner.close()
