"""A wall clock that can be put forward and back, for programs that are started with it."""

import platform
import shutil
import struct
import subprocess
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock_shift.c")


class NoClock(Exception):
    """This machine has no C compiler, or no LD_PRELOAD."""


class ShiftedClock:
    """The wall clock of the programs whose command went through `wrap`; all of them share it."""

    def __init__(self, folder: Path) -> None:
        """Compile what shifts it; the clock is right at first.

        Raises:
            NoClock: this machine cannot.
        """
        compiler = shutil.which("cc")
        if compiler is None or platform.system() != "Linux":
            raise NoClock("shifting a program's clock needs Linux and a C compiler (cc)")
        folder.mkdir(parents=True, exist_ok=True)
        self._library, self._file = folder / "clock_shift.so", folder / "clock_shift_us"
        made = ["-shared", "-fPIC", "-O2", "-o", str(self._library), str(_SOURCE), "-ldl"]
        subprocess.run([compiler, *made], check=True, capture_output=True)
        self._file.write_bytes(bytes(8))

    def wrap(self, command: Sequence[str]) -> list[str]:
        """Return a command with this clock; its process has the id it would have."""
        environment = [f"LD_PRELOAD={self._library}", f"CLOCK_SHIFT_FILE={self._file}"]
        return ["/usr/bin/env", *environment, *command]

    def set(self, ahead: timedelta) -> None:
        """Put the clock so far ahead of the machine's, or behind it; it counts at once."""
        # In place: the programs have mapped this very file.
        with self._file.open("r+b") as file:
            file.write(struct.pack("<q", round(ahead.total_seconds() * 1e6)))
