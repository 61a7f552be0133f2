"""The service as a process: one line when it serves, one line when it cannot."""

import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.contract.encoders.saved_models import save_like_yamnet
from tests.rpc.embedding.serving import audio, matrix, request
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


def read_until_metrics(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Read the log up to the address of the metrics; return that, and the log."""
    assert process.stderr
    log = ""
    for line in process.stderr:
        log += line
        if match := re.search(r"metrics are at (http://127\.0\.0\.1:\d+/metrics)", line):
            return match[1], log
    raise AssertionError(log)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout, stderr


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_it_says_where_it_listens_serves_and_ends_with_code_0(number: int, tmp_path: Path) -> None:
    flags = ("--address", "127.0.0.1:0", "--max-clip-s", "7", "--metrics-address", "127.0.0.1:0")
    process = start(*flags, TMPDIR=str(tmp_path))
    assert process.stdout
    line = process.stdout.readline()
    match = re.fullmatch(r"aloe\.embedding listening on (127\.0\.0\.1:[1-9]\d*)\n", line)
    assert match, line
    url, log = read_until_metrics(process)
    with grpc.insecure_channel(match[1]) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        for name in ("", "aloe.v1.EmbeddingService"):
            answer = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=10)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        stub = pb2_grpc.EmbeddingServiceStub(channel)
        assert stub.Embed(request(pcm(tone())), timeout=10).embeddings.row_count == 1
        with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310
            assert b'cache_lookups_total{encoder="logmel",outcome="miss"} 1.0' in response.read()
        stream = stub.EmbedStream(endless_stream())
        assert next(stream).results
        process.send_signal(number)
        # The message may get lost: the stream still sends when the connection goes.
        with pytest.raises(grpc.RpcError) as caught:
            for _ in stream:
                pass
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert process.wait(timeout=60) == 0
    assert process.stdout.read() == ""
    # Not communicate(), which would miss what was read ahead with the log above.
    stderr = log + (process.stderr.read() if process.stderr else "")
    assert "Traceback" not in stderr
    assert "max_clip_s=7.0" in stderr
    assert not list(tmp_path.iterdir())
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
        (
            ["--cache-redis-url", "http://u:p@h"],
            "--cache-redis-url: the URL must have one of the forms redis:",
        ),
        pytest.param(
            ["--metrics-address", "nowhere"],
            "cannot serve metrics on 'nowhere'",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ["--device", "cpu", "--precision", "tf32"],
            "--precision tf32 is not for the processor: give float32 or bfloat16",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_wrong_configuration_ends_with_code_2_and_one_line(
    flags: list[str], message: str
) -> None:
    quiet = ("--log-level", "WARNING", "--address", "127.0.0.1:0")
    code, stdout, stderr = ended(start(*quiet, *flags))
    assert code == 2
    assert stdout == ""
    assert message in stderr
    assert stderr.count("\n") == 1, stderr


@pytest.mark.slow
def test_a_taken_address_ends_with_code_2_and_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, stdout, stderr = ended(
            start("--log-level", "WARNING", ALOE_EMBEDDING_ADDRESS=address)
        )
    assert (code, stdout) == (2, "")
    assert f"cannot listen on {address}" in stderr
    assert stderr.count("\n") == 1, stderr


@pytest.mark.slow
def test_another_precision_is_another_fingerprint_and_about_the_same_embedding() -> None:
    found = []
    for precision in ("float32", "bfloat16"):
        process = start("--address", "127.0.0.1:0", "--device", "cpu", "--precision", precision)
        assert process.stdout
        with grpc.insecure_channel(process.stdout.readline().split()[-1]) as channel:
            stub = pb2_grpc.EmbeddingServiceStub(channel)
            found.append(stub.Embed(request(pcm(tone())), timeout=10))
        process.terminate()
        assert ended(process)[0] == 0
    exact, rough = found
    assert exact.fingerprint != rough.fingerprint
    np.testing.assert_allclose(matrix(exact), matrix(rough), rtol=0, atol=0.05)


@pytest.mark.slow
def test_a_server_that_loads_an_encoder_for_a_caller_ends_when_told_to(tmp_path: Path) -> None:
    save_like_yamnet(tmp_path / "net")
    manifest = tmp_path / "encoders.toml"
    manifest.write_text(
        '[[encoder]]\nlocation = "logmel"\n[[encoder]]\nlocation = "net"\nload = "lazy"\n'
    )
    process = start("--address", "127.0.0.1:0", "--manifest", str(manifest))
    assert process.stdout
    with grpc.insecure_channel(process.stdout.readline().split()[-1]) as channel:
        stub = pb2_grpc.EmbeddingServiceStub(channel)
        call = stub.Embed.future(request(pcm(tone()), encoder_id="net"), timeout=60)
        assert process.stderr
        for line in process.stderr:
            if "loading net" in line:
                break
        process.terminate()
        assert process.wait(timeout=30) == 0
        call.exception(timeout=10)  # it is over, whether answered or not
