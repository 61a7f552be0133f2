"""A learner that keeps what it is sent by ImportClips, and clips to send."""

import grpc
import numpy as np
from tests.unit.client.scripted_server import fail

from aloe import client
from aloe.v1 import pool_pb2


class ImportLog:
    """Stands in for the learner: keeps the messages of each stream."""

    def __init__(self, *, broken_streams: int = 0) -> None:
        self.streams: list[list[pool_pb2.ImportClipsRequest]] = []
        self._broken_streams = broken_streams

    def __call__(self, requests, context):
        if len(self.streams) < self._broken_streams:
            self.streams.append([next(requests)])
            fail(context, grpc.StatusCode.UNAVAILABLE)
        self.streams.append(list(requests))
        return pool_pb2.ImportClipsResponse(imported_count=len(self.clip_ids(-1)))

    def clip_ids(self, stream: int) -> list[str]:
        return [clip.clip_id for request in self.streams[stream] for clip in request.clips]


def embeddings(count: int, dim: int = 4):
    return [client.NewClip(f"clip{n}", embedding=np.full(dim, n, np.float32)) for n in range(count)]
