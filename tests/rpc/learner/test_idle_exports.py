"""Exports of which nothing is taken end, and others find their places."""

import time
from collections.abc import Iterable
from pathlib import Path

import grpc
import numpy as np
import pytest
from tests.rpc.learner.scenes import FINGERPRINT, failure_of
from tests.rpc.learner.test_hearing_remotely import learner

from aloe.client.types import NewClip
from aloe.learner.rpc.gates import EXPORT_COUNT
from aloe.v1 import labeling_pb2, pool_pb2
from aloe.v1 import learner_service_pb2_grpc as pb_grpc

DIM = 1024
CLIP_COUNT = 3_000
"""With 12 MB of vectors: more than lies between a server and a caller that does not take them."""


_SMALL_WINDOW = (("grpc.http2.lookahead_bytes", 1024), ("grpc.http2.bdp_probe", 0))


def read(call: Iterable[pool_pb2.ExportClipsResponse]) -> int:
    return sum(len(message.clips) for message in call)


@pytest.mark.slow
def test_exports_that_nobody_takes_end_and_one_caller_gets_half_of_the_places(tmp_path: Path):
    request = pool_pb2.ExportClipsRequest(pool="pools/p")
    with learner(tmp_path, "--address", "127.0.0.1:0", "--export-idle-s", "4") as client:
        client.create_pool("p", encoder_fingerprint=FINGERPRINT, embedding_dim=DIM)
        vectors = np.random.default_rng(5).normal(size=(CLIP_COUNT, DIM)).astype(np.float32)
        clips = (NewClip(f"c{row}", embedding=vector) for row, vector in enumerate(vectors))
        client.import_clips("p", clips)
        client.create_task("t", "p", ["no", "yes"])
        with grpc.insecure_channel(client._runner.endpoint.target, _SMALL_WINDOW) as channel:
            stub = pb_grpc.LearnerServiceStub(channel)
            most = EXPORT_COUNT // 2 + 1
            unread = [stub.ExportClips(request, timeout=60) for _ in range(most)]
            for call in unread:
                next(call)
            with pytest.raises(grpc.RpcError) as refused:
                read(stub.ExportClips(request, timeout=60))
            failure = failure_of(refused.value)
            assert failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "this caller has 33 of the 64 places for exports" in failure.message
            # Another connection finds a place.
            assert len(list(client.export_clips("p"))) == CLIP_COUNT
            time.sleep(6)
            assert read(stub.ExportClips(request, timeout=60)) == CLIP_COUNT
            labels = stub.ExportLabels(labeling_pb2.ExportLabelsRequest(task="tasks/t"), timeout=60)
            assert not [label for message in labels for label in message.labels]
            with pytest.raises(grpc.RpcError) as ended:
                read(unread[0])
            failure = failure_of(ended.value)
            assert (failure.code, failure.reason) == (
                grpc.StatusCode.DEADLINE_EXCEEDED,
                "STREAM_IDLE",
            )
