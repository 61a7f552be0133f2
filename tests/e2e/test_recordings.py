"""Recordings on the command line, and what is left of an import that is killed."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.rpc.learner.recordings import tone
from tests.rpc.stacks import running_stack

from aloe.client import GridCut, LearnerClient, RecordingProgress, connect
from aloe.local import StackOptions
from aloe.windows.formats import TableFormat
from aloe.windows.window import Window
from aloe.windows.writing import windows_text

from .conftest import CommandLine

RATE_HZ = 16_000


def write_night(path: Path, duration_s: int, seed: int = 0) -> Path:
    """Write noise with a tone of a second in the middle of each ten."""
    samples = 0.01 * np.random.default_rng(seed).standard_normal(duration_s * RATE_HZ)
    for second in range(5, duration_s, 10):
        samples[second * RATE_HZ : (second + 1) * RATE_HZ] += tone(2_000, duration_s=1)
    soundfile.write(path, samples.astype(np.float32), RATE_HZ)
    return path


def test_a_recording_is_cut_listed_searched_and_deleted(aloe: CommandLine, tmp_path: Path):
    night = write_night(tmp_path / "night.flac", 30)
    cut = ("import", "nights", night, "--window", "2s", "--hop", "1s")
    (found,) = aloe.json(*cut)["recordings"]
    assert (found["imported_count"], found["recording"]["window_count"]) == (29, 29)
    (again,) = aloe.json(*cut)["recordings"]
    assert (again["imported_count"], again["existing_count"]) == (0, 29)
    first = aloe.output("clip", "list", "nights").splitlines()[:2]
    assert first[0].split()[:3] == ["clip", "start_s", "end_s"]
    assert first[1].split()[:3] == ["night.flac~0-2000", "0.000", "2.000"]
    (listed,) = aloe.json("recording", "list", "nights")
    assert (listed["recording_id"], listed["duration"]) == ("night.flac", 30.0)
    assert "night.flac" in aloe.output("recording", "show", "nights", "night.flac")
    like = ("search", "nights", "--like", "night.flac~5000-7000", "--count", "2")
    results = aloe.json(*like, "--filter", 'recording = "night.flac"')["results"]
    assert {each["start_s"] for each in results} == {15.0, 25.0}
    assert results[0]["end_s"] == results[0]["start_s"] + 2
    task = aloe.new_task("nights", "calls", "--window-spacing", "3s")
    asked = aloe.json("query", task, "--count", 3)["leases"]
    starts = sorted(each["start"] for each in asked)
    assert min(np.diff(starts)) >= 2 + 3
    deleted = aloe.json("recording", "delete", "nights", "night.flac", "-y")
    assert deleted == {"recording_count": 1, "window_count": 29}


def test_tables_of_every_kind_are_cut_out(aloe: CommandLine, tmp_path: Path):
    night = write_night(tmp_path / "night.wav", 20, seed=1)
    calls = [Window("night.wav", 5.0, 6.0, "call"), Window("night.wav", 15.25, 16.5, "call")]
    ids = {"night.wav~5000-6000", "night.wav~15250-16500"}
    for number, kind in enumerate(("csv", "raven", "audacity", "textgrid")):
        table = tmp_path / f"calls-{kind}.txt"
        if kind == "csv":
            table.write_text("path,start,end\nnight.wav,5,6\nnight.wav,15.25,16.5\n")
        else:
            text = windows_text(calls, TableFormat(kind), sample_rate_hz=RATE_HZ)
            table.write_text(text, newline="")
        pool = f"tables-{number}"
        aloe.output("import", pool, night, "--segments", table)
        assert {each["clip_id"] for each in aloe.json("clip", "list", pool)} >= ids, kind


def test_sounds_are_cut_out(aloe: CommandLine, tmp_path: Path):
    night = write_night(tmp_path / "night.wav", 30, seed=2)
    (found,) = aloe.json("import", "sounds", night, "--split-silence")["recordings"]
    assert found["imported_count"] == 3


def test_steady_noise_has_no_sounds_to_cut_out_and_that_is_told(aloe: CommandLine, tmp_path: Path):
    noise = np.random.default_rng(5).normal(scale=0.05, size=10 * RATE_HZ)
    soundfile.write(tmp_path / "rain.wav", noise, RATE_HZ)
    done = aloe.run("import", "steady", tmp_path / "rain.wav", "--split-silence")
    assert done.returncode == 0
    assert "0 windows imported" in done.stderr
    assert "nothing in it is 10 dB louder than its quiet parts" in " ".join(done.stderr.split())
    one = aloe.run("import", "steady", tmp_path / "rain.wav", "--window", "10s")
    assert "1 window imported" in one.stderr


def test_what_is_wrong_is_told_in_a_line(aloe: CommandLine, tmp_path: Path):
    night = write_night(tmp_path / "night.wav", 5, seed=3)
    for options, told in (
        (("--window", "10s"), "night.wav: --window: it lasts 5.000 s, less than a window of 10 s"),
        (("--window", "1s", "--hop", "0"), "--hop: 0 s; give how far the next window is"),
        (("--window", "61s"), "night.wav: --window: 61 s; at most 60 s are taken"),
        (("--window", "-1s"), "less than 0 s"),
        (("--window", "5 parsecs"), "no time"),
        (("--hop", "1s"), "--window"),
        (("--window", "1s", "--split-silence"), "give one of"),
        (("--window", "1s", "--replace"), "--replace"),
    ):
        done = aloe.run("import", "wrong", night, *options)
        assert done.returncode != 0, options
        assert told in " ".join(done.stderr.split()), (options, done.stderr)
        assert "Traceback" not in done.stderr
        assert "header." not in done.stderr
    table = tmp_path / "late.csv"
    table.write_text("path,start,end\nnight.wav,1,2\nnight.wav,4,7\n")
    done = aloe.run("import", "wrong", night, "--segments", table)
    assert done.returncode == 1
    told = " ".join(done.stderr.split())
    assert "night.wav: the segment from 4 to 7 s: it lasts 5.000 s" in told
    assert "behind that end segments 1 (4.000 to 7.000 s)" in told
    table.write_text("path,start,end\n")
    done = aloe.run("import", "wrong", night, "--segments", table)
    assert done.returncode == 1
    assert "late.csv has no segments" in " ".join(done.stderr.split())


@pytest.mark.slow
def test_a_learner_that_is_killed_goes_on_without_a_window_twice(tmp_path: Path):
    night = write_night(tmp_path / "night.flac", 900)
    killed: list[int] = []
    with running_stack(StackOptions()) as stack, connect(stack.learner_address) as learner:
        learner.create_pool("nights")

        def kill(progress: RecordingProgress) -> None:
            pid = stack.pids["the learner"]
            if progress.stored_count and not killed and pid is not None:
                killed.append(progress.stored_count)
                os.kill(pid, signal.SIGKILL)

        found = learner.import_recording(
            "nights",
            "night",
            night,
            GridCut(1.0, 0.2),
            on_progress=kill,
            timeout=timedelta(minutes=1),
        )
        ids = Counter(each.clip_id for each in learner.list_clips("nights"))
    assert killed
    assert found.existing_count >= killed[0]
    assert (len(ids), set(ids.values())) == (4_496, {1})
    assert found.recording.window_count == 4_496


@pytest.mark.slow
def test_ctrl_c_leaves_whole_windows_and_the_same_command_goes_on(
    aloe: CommandLine, learner: LearnerClient, tmp_path: Path
):
    night = write_night(tmp_path / "night.flac", 900, seed=4)
    cut = ("import", "stopped", str(night), "--window", "1s", "--hop", "0.2s")
    learner.create_pool("stopped")
    process = subprocess.Popen(
        [sys.executable, "-m", "aloe.cli", *cut],
        env={**os.environ, "ALOE_SERVER": aloe.server},
        stderr=subprocess.PIPE,
        text=True,
    )
    while not learner.get_pool("stopped").clip_count:
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the same command goes on from there" in " ".join(told.split())
    assert "Traceback" not in told
    (found,) = aloe.json(*cut)["recordings"]
    assert found["existing_count"] > 0
    assert found["imported_count"] + found["existing_count"] == 4_496
    assert learner.get_pool("stopped").clip_count == 4_496
