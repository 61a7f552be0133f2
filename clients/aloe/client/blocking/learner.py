"""The blocking client of the learner service."""

from typing import Self

from aloe.client import types
from aloe.client.blocking.learner_calls.clips import ClipCalls
from aloe.client.blocking.learner_calls.heads import HeadCalls
from aloe.client.blocking.learner_calls.labeling import LabelingCalls
from aloe.client.blocking.learner_calls.pools import PoolCalls
from aloe.client.blocking.learner_calls.recordings import RecordingCalls
from aloe.client.blocking.runner import SyncRunner
from aloe.v1.learner_service_pb2_grpc import LearnerServiceStub


class LearnerClient(PoolCalls, ClipCalls, RecordingCalls, LabelingCalls, HeadCalls):
    """Calls a learner service. Made by connect(); `with` closes it.

    Threads may share one client; processes may not: open it after a fork, never before.

    Every method raises an AloeError where the call fails, InvalidArgument for arguments at fault.
    Calls are repeated while the server is away or overloaded, within their `timeout`, whose
    default is ConnectOptions.timeout; no repeat asks or answers anything twice.
    """

    def __init__(self, target: str, options: types.ConnectOptions) -> None:
        self._runner = SyncRunner(LearnerServiceStub, target, options)
        self._pool_ids: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; calls that run fail."""
        self._runner.close()
