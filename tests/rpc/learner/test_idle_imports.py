"""An import that sends nothing more ends, and what had come of it is stored."""

import threading
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from tests.rpc.learner.scenes import DIM, FINGERPRINT, failure_of
from tests.rpc.learner.test_hearing_remotely import learner

from aloe.v1 import learner_service_pb2_grpc as pb_grpc
from aloe.v1 import pool_pb2


@pytest.mark.slow
def test_an_import_that_sends_nothing_ends_and_is_stored_so_far(tmp_path: Path):
    over = threading.Event()

    def messages() -> Iterator[pool_pb2.ImportClipsRequest]:
        request = pool_pb2.ImportClipsRequest(pool="pools/p", encoder_fingerprint=FINGERPRINT)
        request.clips.add(clip_id="a")
        request.embeddings.values = np.ones(DIM, np.float32).tobytes()
        request.embeddings.row_count, request.embeddings.column_count = 1, DIM
        yield request
        over.wait(60)

    with learner(tmp_path, "--address", "127.0.0.1:0", "--import-idle-s", "1") as client:
        client.create_pool("p", encoder_fingerprint=FINGERPRINT, embedding_dim=DIM)
        with grpc.insecure_channel(client._runner.endpoint.target) as channel:
            with pytest.raises(grpc.RpcError) as caught:
                pb_grpc.LearnerServiceStub(channel).ImportClips(messages(), timeout=60)
            over.set()
        failure = failure_of(caught.value)
        assert (failure.code, failure.reason) == (
            grpc.StatusCode.DEADLINE_EXCEEDED,
            "STREAM_IDLE",
        )
        assert "what had come whole is stored" in failure.message
        assert client.get_pool("p").clip_count == 1
