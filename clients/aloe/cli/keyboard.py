"""Where answers come from: the keys of a terminal, or the lines of a pipe."""

import codecs
import contextlib
import os
import select
import signal
import sys
import time
from collections import deque
from typing import Any, Protocol, Self

from aloe.cli.class_menu import Choice, ClassMenu, Command, SetMenu
from aloe.cli.console import CommandError, tell
from aloe.cli.finding import find_class
from aloe.cli.special_keys import END_OF_INPUT, ENTER, ESCAPE

_ESCAPE_S = 0.05
"""The rest of what an arrow key sends comes sooner than a person can press another key."""


class Answers(Protocol):
    """Says what the person chooses."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def waits(self, timeout_s: float) -> bool:
        """Wait for an answer at most so long; return whether there is one."""

    def read(self, menu: ClassMenu) -> Choice:
        """Return the next answer. Raises EOFError where there are no more."""


def open_answers() -> Answers:
    """Return the keyboard, or standard input's lines where that is no terminal."""
    return Keyboard(sys.stdin.fileno()) if sys.stdin.isatty() else Lines()


class Lines:
    """The lines of a pipe. They do not interrupt what is played."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def waits(self, timeout_s: float) -> bool:
        time.sleep(timeout_s)
        return False

    def read(self, menu: ClassMenu) -> Choice:
        """Raises CommandError where a line is no text, or no answer.

        To go on after such a line would give the answers behind it to other clips.
        """
        try:
            line = sys.stdin.readline()
        except UnicodeDecodeError as error:
            raise CommandError(f"standard input is no UTF-8 text: {error}") from error
        if not line:
            raise EOFError
        choice = menu.read_line(line.rstrip("\n"))
        if choice is None:
            raise CommandError(
                f"no such key or class: {line.strip()!r}; this line and those after it are not used"
            )
        return choice


class Keyboard:
    """The keys of a terminal, one by one. None is lost, whenever it is pressed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pressed: deque[str] = deque()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._settings: list[Any] = []
        self._on_continue: Any = None
        self._ended = False

    def __enter__(self) -> Self:
        import termios  # Not on every system that the other commands run on.

        self._settings = termios.tcgetattr(self._descriptor)
        # A shell that continues what Ctrl-Z stopped need not give it back its keys.
        self._on_continue = signal.signal(signal.SIGCONT, self._take_keys)
        self._take_keys()
        return self

    def __exit__(self, *_: object) -> None:
        import termios

        signal.signal(signal.SIGCONT, self._on_continue)
        with contextlib.suppress(termios.error):  # The terminal may have been closed.
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._settings)

    def _take_keys(self, *_: object) -> None:
        """Be given each key as it is pressed; Ctrl-C still interrupts."""
        import termios
        import tty

        # Draining keeps what was typed before; the default would throw it away.
        tty.setcbreak(self._descriptor, termios.TCSADRAIN)

    def waits(self, timeout_s: float) -> bool:
        """Enter alone says nothing: who types it after a key would miss the next clip."""
        self._wait(timeout_s)
        while self._pressed and self._pressed[0] in ENTER:
            self._pressed.popleft()
        return bool(self._pressed) or self._ended

    def read(self, menu: ClassMenu) -> Choice:
        while True:
            key = self.read_key()
            choice = menu.read_key(key)
            if choice is Command.FIND:
                choice = find_class(menu, self.read_key)
            elif choice is None and not menu.by_key and key.isprintable():
                choice = find_class(menu, self.read_key, key)
            elif choice is None and key not in ENTER:
                tell(f"no such key: {key!r}")
            if isinstance(menu, SetMenu):
                choice = _of_set(menu, key, choice)
            if choice is not None:
                return choice

    def read_key(self) -> str:
        """Return the next key's character. Raises EOFError at Ctrl-D, and where the terminal ends.

        Keys that send several characters, such as arrows, are passed over.
        """
        while True:
            key = self._read_character()
            if key == END_OF_INPUT:
                raise EOFError
            if key != ESCAPE or not self._skip_sequence():
                return key

    def _read_character(self) -> str:
        while not self._pressed:
            if self._ended:
                raise EOFError
            self._wait(None)
        return self._pressed.popleft()

    def _wait(self, timeout_s: float | None) -> None:
        """Wait until something is pressed, at most so long."""
        if self._pressed or self._ended:
            return
        if select.select([self._descriptor], [], [], timeout_s)[0]:
            try:
                read = os.read(self._descriptor, 1024)
            except OSError:  # EIO: the terminal was closed.
                read = b""
            self._ended = not read
            self._pressed.extend(self._decoder.decode(read))

    def _skip_sequence(self) -> bool:
        """After an escape, skip what else its key sent; return whether there was any."""
        self._wait(_ESCAPE_S)
        if not self._pressed:
            return False
        introducer = self._read_character()
        if introducer not in ("[", "O"):
            self._pressed.appendleft(introducer)
            return False
        while not "@" <= self._read_character() <= "~":
            pass
        return True


def _of_set(menu: SetMenu, key: str, choice: Choice | None) -> Choice | None:
    """Turn a class on or off; return what is chosen once that is said, or a command."""
    if isinstance(choice, str):
        tell(f"  {menu.toggle(choice)}")
        return None
    if choice is None and key in ENTER:
        return menu.take()
    if choice is not None:
        menu.take()  # It is of this clip no more.
    return choice
