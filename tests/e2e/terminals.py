"""A person's terminal: a pseudo-terminal with `aloe` in it, real keys and a real screen."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

_PATIENCE_S = 30.0
# Makes standard input the controlling terminal, as a terminal emulator does for its shell.
_IN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.executable, [sys.executable, '-m', 'aloe.cli', *sys.argv[1:]])"
)


class Terminal:
    """`aloe` in a terminal of its own; its results are read from a pipe."""

    def __init__(self, *arguments: object, environment: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _IN_TERMINAL, *map(str, arguments)],
            stdin=slave,
            stdout=subprocess.PIPE,
            stderr=slave,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100", **environment},
            start_new_session=True,
            text=True,
        )
        os.close(slave)
        self.screen = ""
        self._seen = 0

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def expect(self, text: str) -> None:
        """Wait until a text comes behind what was expected before."""
        deadline = time.monotonic() + _PATIENCE_S
        while (place := self.screen.find(text, self._seen)) < 0:
            self._read(deadline - time.monotonic())
        self._seen = place + len(text)

    def finish(self) -> tuple[int, str]:
        """Wait until it has ended; return its exit code and what it wrote as its result."""
        deadline = time.monotonic() + _PATIENCE_S
        while self.process.poll() is None:
            with contextlib.suppress(EOFError):
                self._read(0.1)
            assert time.monotonic() < deadline, self.screen
        with contextlib.suppress(EOFError):
            while True:
                self._read(0.1)
        assert self.process.stdout is not None
        return self.process.returncode, self.process.stdout.read()

    def close(self) -> None:
        """Close the window."""
        os.close(self._master)
        self._master = -1

    def end(self) -> None:
        """Leave nothing behind, whatever the test came to."""
        if self._master >= 0:
            self.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self, timeout_s: float) -> None:
        """Read what comes next. Raises EOFError where nothing comes."""
        ready, _, _ = select.select([self._master], [], [], max(timeout_s, 0))
        if not ready:
            raise EOFError(f"nothing more on the screen:\n{self.screen}")
        try:
            read = os.read(self._master, 65_536)
        except OSError as error:  # EIO: nobody holds the other end any more.
            raise EOFError(f"the command has ended:\n{self.screen}") from error
        self.screen += read.decode(errors="replace")
