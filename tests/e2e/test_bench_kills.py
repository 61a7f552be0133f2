"""An experiment is killed, or interrupted, and goes on as if nothing had been."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from tests.needing_redis import needing_redis

from aloe.bench.datasets.synthesis import synthesize
from aloe.bench.results import schema
from aloe.local import find_redis_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
FIXED = [name for name in schema.SCHEMA.names if name not in schema.TIME_COLUMNS]
RUN_COUNT = 3 + 2 * 3


@pytest.fixture(scope="module", autouse=True)
def _redis() -> None:
    with needing_redis():
        find_redis_server()


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("speech")
    for clip in synthesize(7, 400):
        path = folder / clip.vowel / f"{clip.clip_id}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, (clip.samples * 32767).astype(np.int16), 16_000)
    return folder


def start(speech: Path, output: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "aloe.cli", "bench", "run", "--dataset", str(speech)),
            *(
                "--acquisition-functions",
                "smallest_margin,random",
                "--rounds",
                "15",
                "--seeds",
                "3",
                "--jobs",
                "2",
            ),
            *("--output", str(output)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished_runs(output: Path) -> int:
    return len(list((output / "runs").glob("*.parquet")))


def wait_until(process: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    """Wait until something is reached, or the process has ended."""
    deadline = time.monotonic() + 120
    while not reached() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_killed_three_times_it_finds_what_it_would_have_found(speech: Path, tmp_path: Path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    process = start(speech, whole)
    assert process.wait(240) == 0
    generator = random.Random(int(os.environ.get("ALOE_TEST_SEED", time.time_ns() % 1000)))
    moments = [0, *sorted(generator.sample(range(1, RUN_COUNT - 1), 2))]
    for run_count in moments:
        process = start(speech, killed)
        wait_until(process, lambda: finished_runs(killed) >= run_count)  # noqa: B023
        pause_s = generator.uniform(0.0, 0.5 if run_count else 8.0)
        began = time.monotonic()
        # On a fast machine, before it is done with all of them.
        wait_until(
            process,
            lambda: time.monotonic() - began > pause_s or finished_runs(killed) >= RUN_COUNT - 2,  # noqa: B023
        )
        process.kill()
        process.wait()
        assert not (killed / schema.RESULTS_FILE).exists(), moments
    process = start(speech, killed)
    assert process.wait(240) == 0, process.communicate()[1]
    tables = [pq.read_table(each / schema.RESULTS_FILE) for each in (whole, killed)]
    assert tables[0].select(FIXED).equals(tables[1].select(FIXED)), moments
    metadata = [table.schema.metadata[schema.METADATA_KEY] for table in tables]
    assert metadata[0] == metadata[1]


def test_interrupted_it_ends_everything_and_says_how_to_go_on(speech: Path, tmp_path: Path):
    process = start(speech, tmp_path)
    wait_until(process, lambda: finished_runs(tmp_path) >= 2)
    children = children_of(process.pid)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    told = process.communicate()[1]
    assert "the same command goes on from there" in told
    assert "Traceback" not in told
    assert len(children) == 1 + (os.cpu_count() or 1)  # Redis, a learner per core
    assert not any(Path(f"/proc/{pid}/cmdline").exists() for pid in children)


def test_a_quick_look_that_is_interrupted_leaves_nothing_behind(tmp_path: Path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "aloe.cli", "demo", "--plot", str(tmp_path / "curves.png")],
        env=os.environ | {"TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(process, lambda: bool(list(temporary.glob("*/runs/*.parquet"))))
    children = children_of(process.pid)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert "Traceback" not in process.communicate()[1]
    assert len(children) == 3  # Redis, embedding service, learner
    assert not any(Path(f"/proc/{pid}/cmdline").exists() for pid in children)
    assert list(tmp_path.iterdir()) == [temporary]
    # TensorFlow may leave files of its own.
    assert list(temporary.glob("aloe-*")) == []


def children_of(pid: int) -> list[int]:
    return [
        int(each)
        for thread in Path(f"/proc/{pid}/task").iterdir()
        for each in (thread / "children").read_text().split()
    ]
