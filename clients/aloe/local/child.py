"""A child process that is waited for until it is ready, and can be started again."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from aloe.local.private import PRIVATE_UMASK, bound_log, make_private_folder, open_private

_TETHER = Path(__file__).with_name("tether.py")
_STOP_S = 15.0


def tethered(command: Sequence[str]) -> list[str]:
    """Return the command that, on Linux, dies with this process, however that dies."""
    return [sys.executable, "-S", str(_TETHER), str(os.getpid()), *command]


class ChildFailed(Exception):
    """A child process ended, or was not ready in time; the message has the last line of its log."""


class Child:
    """A child process; on Linux it is killed when this process dies, however it dies."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log_path: Path,
        ready: Callable[["Child"], bool],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Describe a child; nothing runs yet.

        Args:
            name: for messages.
            command: the program and its arguments.
            log_path: where its standard error goes.
            ready: called again and again until it returns True: the child may be used.
            environment: variables in addition to this process's own.
        """
        self.name, self.log_path = name, log_path
        self.command = list(command)
        self._ready, self._environment = ready, dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    @property
    def pid(self) -> int | None:
        """Its process id; None if it does not run."""
        return self._process.pid if self._process and self.is_running else None

    @property
    def is_running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self, timeout_s: float) -> None:
        """Start it and wait until it is ready.

        Raises:
            ChildFailed: it ended, or took longer than `timeout_s`.
        """
        make_private_folder(self.log_path.parent)
        with open_private(self.log_path) as log:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours
                tethered(self.command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **self._environment},
                umask=PRIVATE_UMASK,
                # So that Ctrl-C reaches only the parent, which ends its children in order.
                start_new_session=True,
            )
        self._lines = queue.SimpleQueue()
        threading.Thread(
            target=_drain, args=(self._process, self._lines), name=self.name, daemon=True
        ).start()
        deadline = time.monotonic() + timeout_s
        while not self._ready(self):
            if not self.is_running:
                raise ChildFailed(f"{self.name} ended: {self._last_words()}")
            if time.monotonic() > deadline:
                self.stop()
                raise ChildFailed(
                    f"{self.name} was not ready within {timeout_s:g} s: {self._last_words()}"
                )
            time.sleep(0.01)

    def restart(self, timeout_s: float) -> str:
        """Start it again after it died; return what people should be told, if anything.

        Raises:
            ChildFailed: it ended, or took longer than `timeout_s`.
        """
        self.start(timeout_s)
        return ""

    def tend(self) -> str:
        """Do what is due while it runs; return what people should be told, if anything."""
        bound_log(self.log_path)
        return ""

    def read_line(self) -> str | None:
        """Return the next line of its standard output, None if there is none yet."""
        with contextlib.suppress(queue.Empty):
            return self._lines.get_nowait()
        return None

    def stop(self) -> None:
        """End it: SIGTERM, and SIGKILL if that does not help."""
        if self._process is None or not self.is_running:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = self.log_path.read_text(errors="replace").strip().splitlines()
            if lines:
                return lines[-1]
        return "it said nothing"


def _drain(process: "subprocess.Popen[bytes]", lines: "queue.SimpleQueue[str]") -> None:
    if process.stdout is not None:
        with process.stdout:
            for line in process.stdout:
                lines.put(line.decode(errors="replace").strip())
