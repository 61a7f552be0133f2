"""What the labeling loop expects of an oracle."""

from typing import Protocol, runtime_checkable

from aloe.client import Label, Lease


class OracleError(ValueError):
    """An oracle that makes no sense: one line that says why, and what to write instead."""


class Oracle(Protocol):
    """Answers for one clip at a time.

    label_task calls it in a worker thread, so that it may block; an oracle that serves several
    tasks at once is called from several threads at once.
    """

    def answer(self, lease: Lease) -> Label | None:
        """Return one of the task's classes, of several labels a clip a set, or None to abstain."""


@runtime_checkable
class TimedOracle(Oracle, Protocol):
    """An oracle that answers at once, and says how long to pretend that it took.

    label_task calls it in the event loop and waits there, so that it needs no thread.
    """

    def answer_time_s(self, lease: Lease) -> float:
        """Return the seconds that it takes over a clip, 0 or more."""
