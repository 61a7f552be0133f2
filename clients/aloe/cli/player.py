"""Plays a recording with whatever player this machine has, never for longer than it lasts."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import IO

from aloe.client import ClipAudio
from aloe.local import tethered

PLAYER_REMEDY = "install ffmpeg or sox, so that `aloe label` can play clips"

_PLAYERS = (
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
    ("afplay",),
    ("play", "-q"),
    ("paplay",),
    ("aplay", "-q"),
)
_ONLY_WAV = ("aplay",)
"""What plays the bytes of any other file as noise."""
_GRACE_S = 5.0
"""To start, to open the sound device, to play the last samples out."""
_LONGEST_S = 120.0
"""For a clip of which nobody knows how long it is."""
_LOOK_S = 0.05
_SUFFIXES = {"mpeg": "mp3", "mp4": "m4a", "basic": "au", "3gpp": "3gp", "matroska": "mka"}
"""Of files whose media type is called otherwise; some players go by the file's name."""


class PlayerFailed(Exception):
    """A recording was not played, or not to its end; str() says why in one line."""


def find_player() -> tuple[str, ...] | None:
    """Return the command of the first player found, without the file."""
    for name, *flags in _PLAYERS:
        if shutil.which(name):
            return (name, *flags)
    return None


class Player:
    """Plays files with one program. What it starts ends with the call, or with this process."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self._command = command

    def play(
        self, audio: ClipAudio, duration: timedelta | None, interrupted: Callable[[float], bool]
    ) -> None:
        """Play a recording to its end, or until it is interrupted.

        Args:
            audio: the recording.
            duration: how long it is, if that is known; it is stopped some seconds later.
            interrupted: waits at most so many seconds for what ends the playing; whether it came.

        Raises:
            PlayerFailed: the program failed, or did not end by itself.
        """
        if self._name in _ONLY_WAV and audio.media_type != "audio/wav":
            raise PlayerFailed(f"{self._name} plays WAV only, and this is {audio.media_type}")
        limit_s = _LONGEST_S if duration is None else duration.total_seconds() + _GRACE_S
        try:
            with tempfile.NamedTemporaryFile(suffix=_suffix(audio.media_type)) as file:
                file.write(audio.content)
                file.flush()
                self._run(file.name, limit_s, interrupted)
        except OSError as error:  # A full disk, for example.
            raise PlayerFailed(f"{self._name} was given nothing to play: {error}") from error

    def _run(self, path: str, limit_s: float, interrupted: Callable[[float], bool]) -> None:
        deadline = time.monotonic() + limit_s
        with tempfile.TemporaryFile() as words, self._running(path, words) as process:
            while process.poll() is None:
                if interrupted(_LOOK_S):
                    return
                if time.monotonic() > deadline:
                    raise PlayerFailed(f"{self._name} hung and was stopped after {limit_s:g} s")
            if process.returncode:
                raise PlayerFailed(f"{self._name} failed: {_last_of(words, process)}")

    @property
    def _name(self) -> str:
        return self._command[0]

    @contextmanager
    def _running(self, path: str, words: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
        """Run the program, in a session of its own: Ctrl-C is for us, who end all of it."""
        process = subprocess.Popen(  # noqa: S603 - the command is from the list above
            tethered([*self._command, path]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=words,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                # Not only the program: it may be a script that has started the one that plays.
                os.killpg(process.pid, signal.SIGKILL)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_GRACE_S)


def _suffix(media_type: str) -> str:
    kind = media_type.partition("/")[2].removeprefix("x-").removeprefix("ms-")
    known = re.fullmatch("[a-z0-9]+", kind)
    return f".{_SUFFIXES.get(kind, kind)}" if known else ".audio"


def _last_of(words: IO[bytes], process: subprocess.Popen[bytes]) -> str:
    words.seek(0)
    lines = words.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit code {process.returncode}"
