"""How a service starts and ends as a process, whatever it serves."""

import re
import signal
import socket
import subprocess
import sys
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

SIGNALS = [signal.SIGTERM, signal.SIGINT]


def start(*flags: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.rpc.serving.stuck_service", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stderr
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"it never said {text!r}")


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    stdout, stderr = process.communicate(timeout=30)
    return process.returncode, stdout, stderr


def test_it_serves_from_the_line_that_says_so_until_it_is_told_to_end():
    process = start()
    assert process.stdout
    match = re.fullmatch(r"stuck listening on (127\.0\.0\.1:\d+)\n", process.stdout.readline())
    assert match
    with grpc.insecure_channel(match[1]) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(service="test.Nothing"), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    process.terminate()
    code, stdout, stderr = ended(process)
    assert (code, stdout) == (0, "")
    told = [line.rpartition(": ")[2] for line in stderr.splitlines()]
    assert told[-3:] == ["stopping", "streams stopped", "closed"]


@pytest.mark.parametrize("number", SIGNALS)
def test_it_ends_in_order_while_a_thread_prepares_it_that_never_ends(number: int):
    process = start("--stuck", "preparing")
    read_until(process, "stuck in preparing")
    process.send_signal(number)
    code, stdout, stderr = ended(process)
    assert (code, stdout) == (0, "")
    assert "Traceback" not in stderr
    assert stderr.rstrip().endswith("closed")


@pytest.mark.parametrize("number", SIGNALS)
def test_it_ends_while_a_thread_builds_it_that_never_ends(number: int):
    process = start("--stuck", "building")
    read_until(process, "stuck in building")
    process.send_signal(number)
    code, stdout, stderr = ended(process)
    assert (code, stdout) == (0, "")
    assert stderr.rstrip().endswith("stopping")


def test_health_says_not_serving_while_it_is_prepared():
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = start("--stuck", "preparing", "--address", address)
    read_until(process, "stuck in preparing")
    with grpc.insecure_channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
    process.terminate()
    assert ended(process)[0] == 0


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--unfit"], "stuck: a thing that is unfit\n"),
        (["--address", "127.0.0.1:99999"], "stuck: cannot listen on 127.0.0.1:99999: "),
        (["--drain-s", "-1"], "stuck: --drain-s is '-1': "),
        (["--frobnicate", "1"], "stuck: error parsing CLI: unrecognized arguments: --frobnicate 1"),
    ],
)
def test_a_wrong_configuration_ends_it_with_code_2_and_one_line(flags: list[str], line: str):
    code, stdout, stderr = ended(start("--log-level", "WARNING", *flags))
    assert (code, stdout) == (2, "")
    assert stderr.startswith(line)
    assert stderr.count("\n") == 1


def test_a_taken_address_ends_it_with_code_2_and_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, _, stderr = ended(start("--log-level", "WARNING", "--address", address))
    assert code == 2
    assert stderr == (
        f"stuck: cannot listen on {address}: it is taken or not of this machine; give another\n"
    )
