"""The learner as a process: how it ends, and one line when it cannot serve."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.needing_redis import needing_redis

from aloe.local.redis_server import redis_child

SIGNALS = [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]


def start(redis_url: str, *flags: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "aloe.learner", "--address", "127.0.0.1:0", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"ALOE_LEARNER_REDIS_URL": redis_url},
    )


def ended(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    return process.returncode, stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
def test_it_ends_in_order_from_the_moment_it_listens(number: int):
    process = start("memory://")
    assert process.stdout
    assert "listening on 127.0.0.1:" in process.stdout.readline()
    code, stderr = ended(process, number)
    assert code == 0
    assert stderr.rstrip().endswith("stopping")


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
def test_it_ends_in_order_while_it_waits_for_its_store(number: int, tmp_path: Path):
    process = start(f"unix://{tmp_path}/nobody.sock")
    assert process.stderr
    for line in process.stderr:
        if "waiting for the store" in line:
            break
    code, stderr = ended(process, number)
    assert code == 0
    assert "Traceback" not in stderr
    assert stderr.rstrip().endswith("stopping")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("redis_url", "flags", "messages"),
    [
        ("", [], ["no store: give --redis-url redis://HOST:6379"]),
        ("http://:hunter2@h", [], ["--redis-url: the URL must have one of the forms"]),
        ("redis://:hunter2/@h:1", [], ["--redis-url: the URL must have one of the forms"]),
        ("redis://h:1?hunter2=1", [], ["--redis-url: the URL must have one of the forms"]),
        (
            "memory://",
            ["--drain-s", "-1", "--pool-cache-mb", "much"],
            ["--drain-s is '-1': ", "--pool-cache-mb is 'much': ", "(see --help)"],
        ),
        (
            "memory://",
            ["--audio-uri-prefixes", "s3://key:hunter2@bucket/"],
            ["aloe.learner: --audio-uri-prefixes (of aloe up: --audio-from): ", "without a login"],
        ),
        ("memory://", ["--audio-root", "nosuch://h"], ["aloe.learner: --audio-root: 'nosuch://h'"]),
        ("memory://", ["--metrics-address", "nowhere"], ["cannot serve metrics on 'nowhere'"]),
        ("memory://", ["--address", "192.0.2.1:1"], ["cannot listen on 192.0.2.1:1"]),
    ],
)
def test_a_wrong_configuration_ends_with_code_2_and_one_line(
    redis_url: str, flags: list[str], messages: list[str]
):
    process = start(redis_url, *flags)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (2, "")
    assert stderr.startswith("aloe.learner: ")
    assert stderr.count("\n") == 1, stderr
    assert all(message in stderr for message in messages), stderr
    assert "hunter2" not in stderr


@pytest.mark.slow
def test_a_redis_that_deletes_labels_ends_it_with_code_2_and_one_line(tmp_path: Path):
    with needing_redis():
        child = redis_child(tmp_path / "data", tmp_path / "r.sock", tmp_path / "log")
    child.command += ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]
    child.start(timeout_s=30)
    try:
        process = start(f"unix://{tmp_path / 'r.sock'}", "--log-level", "WARNING")
        stdout, stderr = process.communicate(timeout=60)
    finally:
        child.stop()
    assert (process.returncode, stdout, stderr.count("\n")) == (2, "", 1), stderr
    assert "(maxmemory-policy allkeys-lru)" in stderr
    assert "set maxmemory-policy noeviction" in stderr


@pytest.mark.slow
def test_it_ends_in_order_while_its_kernels_are_compiled(tmp_path: Path):
    process = start(f"unix://{tmp_path}/nobody.sock", "--metrics-address", "127.0.0.1:0")
    assert process.stderr
    for line in process.stderr:
        if "metrics are at" in line:
            break
    code, stderr = ended(process, signal.SIGTERM)
    assert code == 0
    assert "Traceback" not in stderr
    assert stderr.rstrip().endswith("stopping")


@pytest.mark.slow
def test_a_variable_that_names_no_setting_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ALOE_LEARNER_AUDIO_ROOTS", "hunter2")
    _, stderr = start("").communicate(timeout=60)
    assert (
        "ALOE_LEARNER_AUDIO_ROOTS names no setting: do you mean ALOE_LEARNER_AUDIO_ROOT?" in stderr
    )
    assert "hunter2" not in stderr
