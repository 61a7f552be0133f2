"""The service as a process: one line when it serves, one line when it cannot."""

import itertools
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.rpc.embedding.serving import audio, request
from tests.unit.embedding.recordings import pcm, tone

from aloe.v1 import embedding_service_pb2 as pb2
from aloe.v1 import embedding_service_pb2_grpc as pb2_grpc


def start(*flags: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "aloe.embedding", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def endless_stream() -> Iterator[pb2.EmbedStreamRequest]:
    for number in itertools.count():
        clip = pb2.StreamedClip(sequence_number=number, audio=audio(pcm(tone())))
        yield pb2.EmbedStreamRequest(clips=[clip])


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout, stderr


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_it_says_where_it_listens_serves_and_ends_with_code_0(number: int) -> None:
    process = start("--address", "127.0.0.1:0", "--max-clip-s", "7")
    assert process.stdout
    line = process.stdout.readline()
    match = re.fullmatch(r"aloe\.embedding listening on (127\.0\.0\.1:[1-9]\d*)\n", line)
    assert match, line
    with grpc.insecure_channel(match[1]) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        for name in ("", "aloe.v1.EmbeddingService"):
            answer = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=10)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        stub = pb2_grpc.EmbeddingServiceStub(channel)
        assert stub.Embed(request(pcm(tone())), timeout=10).embeddings.row_count == 1
        stream = stub.EmbedStream(endless_stream())
        assert next(stream).results
        process.send_signal(number)
        with pytest.raises(grpc.RpcError, match="shutting down") as caught:
            for _ in stream:
                pass
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    code, stdout, stderr = ended(process)
    assert code == 0
    assert stdout == ""
    assert "Traceback" not in stderr
    assert "max_clip_s=7.0" in stderr
    # TensorFlow's chatter would stand between the log lines.
    assert all(re.match(r"\d{4}-\d\d-\d\d ", line) for line in stderr.splitlines()), stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--encoder", "no-such"], "no encoder 'no-such'"),
        (["--length-policy", "zigzag"], "'zigzag' is no length policy; give exact"),
        (["--max-clip-s", "-3"], "--max-clip-s is '-3': "),
        (["--frobnicate", "1"], "frobnicate"),
        pytest.param(
            ["--device", "gpu:9"], "--device gpu:9: TensorFlow sees", marks=pytest.mark.slow
        ),
        (["--manifest", "nowhere.toml"], "the manifest nowhere.toml cannot be read"),
    ],
)
def test_a_wrong_configuration_ends_with_code_2_and_one_line(
    flags: list[str], message: str
) -> None:
    code, stdout, stderr = ended(start("--log-level", "WARNING", *flags))
    assert code == 2
    assert stdout == ""
    assert message in stderr
    assert stderr.count("\n") == 1, stderr


def test_a_taken_address_ends_with_code_2_and_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, stdout, stderr = ended(
            start("--log-level", "WARNING", ALOE_EMBEDDING_ADDRESS=address)
        )
    assert (code, stdout) == (2, "")
    assert f"cannot listen on {address}" in stderr
    assert stderr.count("\n") == 1, stderr
