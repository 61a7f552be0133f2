"""Ending in order when a signal comes."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Not every system knows each of them.
_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Let `kill` and the closing of the terminal do what Ctrl-C does: raise KeyboardInterrupt.

    Once: a second one, as shells send it, must not break off what the first one began.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *_ENDING)}
    # A shell starts background jobs with SIGINT ignored; nohup asks for ignoring SIGHUP.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in _ENDING:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, _interrupt_once)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt_once(_number: int, _frame: FrameType | None) -> None:
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
