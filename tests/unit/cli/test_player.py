"""Players are programs on the PATH: here scripts, which hang, fail, lack or play."""

import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from aloe.cli.player import Player, PlayerFailed, find_player
from aloe.client import ClipAudio

WAV = ClipAudio(b"RIFF", "audio/wav")
SHORT = timedelta(seconds=0.1)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Puts a shell script in the place of a player, the only one; says where its notes go."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")

    def install(name: str, script: str) -> Path:
        program = programs / name
        program.write_text(f'#!/bin/sh\nnotes="{tmp_path}/notes"\n{script}\n')
        program.chmod(0o755)
        return tmp_path / "notes"

    return install


def never(timeout_s: float) -> bool:
    time.sleep(timeout_s)
    return False


def found() -> Player:
    command = find_player()
    assert command is not None
    return Player(command)


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "\nState:\tZ" not in status.read_text()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("media_type", "suffix"),
    [
        ("audio/wav", "wav"),
        ("audio/mpeg", "mp3"),
        ("audio/mp4", "m4a"),
        ("audio/x-ms-wma", "wma"),
        ("audio/ogg", "ogg"),
        ("application/octet-stream", "audio"),
        ("../../etc", "audio"),
    ],
)
def test_a_player_gets_the_recording_under_a_name_of_its_kind(install, media_type, suffix):
    notes = install("play", 'echo "$2" > "$notes"; cat "$2" >> "$notes"')
    found().play(ClipAudio(b"sound", media_type), SHORT, never)
    path, content = notes.read_text().splitlines()
    assert content == "sound"
    assert path.endswith(f".{suffix}")
    assert not Path(path).exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_player_that_hangs_is_stopped_with_all_it_started(install):
    notes = install("ffplay", 'echo $$ > "$notes"; sleep 600 & echo $! >> "$notes"; wait')
    began = time.monotonic()
    with pytest.raises(PlayerFailed, match=r"ffplay hung and was stopped after 5\.1 s"):
        found().play(WAV, SHORT, never)
    assert 5 < time.monotonic() - began < 60
    pids = [int(line) for line in notes.read_text().split()]
    assert len(pids) == 2
    wait_for(lambda: not any(map(is_running, pids)))
    assert os.getpid() not in pids


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_interruption_stops_the_player_at_once(install):
    notes: Path = install("ffplay", 'echo $$ > "$notes"; exec sleep 600')

    def once_it_plays(timeout_s: float) -> bool:
        time.sleep(timeout_s)
        return notes.exists() and "\n" in notes.read_text()

    found().play(WAV, timedelta(minutes=10), once_it_plays)
    assert not is_running(int(notes.read_text()))


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo no sound card >&2; exit 1", "ffplay failed: no sound card"),
        ("exit 3", "ffplay failed: exit code 3"),
        ("kill -9 $$", "ffplay failed: exit code -9"),
    ],
)
def test_a_player_that_fails_is_quoted(install, script, words):
    install("ffplay", script)
    with pytest.raises(PlayerFailed, match=words):
        found().play(WAV, SHORT, never)


def test_a_player_that_has_gone_is_told(install, tmp_path):
    install("ffplay", "")
    player = found()
    (tmp_path / "bin" / "ffplay").unlink()
    with pytest.raises(PlayerFailed, match=r"ffplay failed: .*No such file"):
        player.play(WAV, SHORT, never)


def test_what_would_play_a_compressed_file_as_noise_gets_none(install):
    notes = install("aplay", 'echo played > "$notes"')
    with pytest.raises(PlayerFailed, match="aplay plays WAV only, and this is audio/flac"):
        found().play(ClipAudio(b"fLaC", "audio/flac"), SHORT, never)
    assert not notes.exists()
    found().play(WAV, SHORT, never)
    assert notes.exists()
