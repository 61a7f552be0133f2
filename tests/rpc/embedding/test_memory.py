"""The service as a process gives back what a burst of long clips takes, and never takes much."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tests.audio_files import made, speechlike
from tests.rpc.embedding.serving import audio, request

from aloe.v1 import embedding_service_pb2 as pb2
from aloe.v1 import embedding_service_pb2_grpc as pb2_grpc

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

SECONDS = 59
QUEUE_MB = 256
MOST_WITH_SCRATCH_MB = 300
"""TensorFlow keeps the scratch memory of its largest batches, for each thread."""


def memory_mb(process: subprocess.Popen[str], what: str) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(rf"{what}:\s+(\d+) kB", status)
    assert found
    return int(found[1]) // 1024


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[str], Any]]:
    command = [sys.executable, "-m", "aloe.embedding", "--address", "127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, "--queue-mb", str(QUEUE_MB)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        address = process.stdout.readline().split()[-1]
        with grpc.insecure_channel(address) as channel:
            yield process, pb2_grpc.EmbeddingServiceStub(channel)
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_a_burst_of_silence_is_bounded_and_given_back(
    server: tuple[subprocess.Popen[str], Any],
) -> None:
    process, stub = server
    stub.Embed(request(*[made("flac", speechlike(seed=seed)) for seed in range(32)]))
    before_mb = memory_mb(process, "VmRSS")
    silences = [
        made("flac", np.zeros(SECONDS * 16_000 - number, np.int16)) for number in range(300)
    ]
    with pytest.raises(grpc.RpcError) as caught:
        stub.Embed(request(*silences * 3))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    clips = [
        pb2.StreamedClip(sequence_number=number, audio=audio(content))
        for number, content in enumerate(silences)
    ]
    messages = [pb2.EmbedStreamRequest(clips=clips[begin : begin + 100]) for begin in (0, 100, 200)]
    results = [each for answer in stub.EmbedStream(iter(messages)) for each in answer.results]
    assert sum(result.WhichOneof("result") == "embedding" for result in results) == len(clips)
    # Batches, and what lies free between others, come to what the queue holds.
    assert memory_mb(process, "VmHWM") - before_mb < 2.5 * QUEUE_MB
    until = time.monotonic() + 20
    while memory_mb(process, "VmRSS") - before_mb > MOST_WITH_SCRATCH_MB:
        assert time.monotonic() < until, (before_mb, memory_mb(process, "VmRSS"))
        time.sleep(0.2)
