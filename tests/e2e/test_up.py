"""`aloe up`: what it starts ends with it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def up(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`aloe up`, with SIGINT ignored at its start, as shells do to background jobs."""
    process = subprocess.Popen(
        [
            *("sh", "-c", 'trap "" INT; exec "$0" "$@"', sys.executable, "-m", "aloe.cli", "up"),
            *("--json", "--data-dir", str(tmp_path), "--address", "127.0.0.1:0"),
            *("--embedding-address", "127.0.0.1:0", "--audio-from", "file:///data/"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()


@pytest.mark.slow
def test_up_tells_where_audio_is_kept_and_whether_clips_can_be_heard(
    up: subprocess.Popen[str], tmp_path: Path
):
    assert up.stdout is not None
    told = json.loads(up.stdout.readline())
    assert told["redis"] == (tmp_path / "redis.url").read_text()
    assert (told["audio"], told["hears_files"]) == (str(tmp_path / "audio"), True)
    assert told["audio_from"] == ["file:///data/"]


def pids_of(up: subprocess.Popen[str]) -> list[int]:
    """The processes that it started; waits until it is up."""
    assert up.stdout is not None
    pids = list(json.loads(up.stdout.readline())["pids"].values())
    assert all(_is_running(pid) for pid in pids)
    return pids


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_up_ends_everything_it_started(up: subprocess.Popen[str], number: signal.Signals):
    pids = pids_of(up)
    up.send_signal(number)
    assert up.wait(30) == 0
    assert not any(_is_running(pid) for pid in pids)


@pytest.mark.slow
def test_what_up_started_dies_with_it_even_when_it_is_killed(up: subprocess.Popen[str]):
    pids = pids_of(up)
    up.kill()
    up.wait()
    deadline = time.monotonic() + 10
    while any(_is_running(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that ended but was not waited for, by an init that is slow to do so.
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
