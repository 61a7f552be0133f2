"""The learner as a process: how it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SIGNALS = [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]


def start(redis_url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "aloe.learner", "--address", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"ALOE_LEARNER_REDIS_URL": redis_url},
    )


def ended(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    return process.returncode, stderr


@pytest.mark.parametrize("number", SIGNALS)
def test_it_ends_in_order_from_the_moment_it_listens(number: int):
    process = start("memory://")
    assert process.stdout
    assert "listening on 127.0.0.1:" in process.stdout.readline()
    code, stderr = ended(process, number)
    assert code == 0
    assert stderr.rstrip().endswith("stopping")


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
