"""Who answers: the ports between oracles and the labeling loop."""

from typing import Protocol, runtime_checkable

from aloe.client import Lease


class OracleError(ValueError):
    """An oracle that makes no sense: one line that says why and what would."""


class Oracle(Protocol):
    """Answers for one clip at a time.

    label_task calls it in a worker thread, so that it may block; an oracle that serves several
    tasks at once is called from several threads at once.
    """

    def answer(self, lease: Lease) -> str | None:
        """Return one of the task's classes, or None to abstain."""


@runtime_checkable
class TimedOracle(Oracle, Protocol):
    """Knows its answers beforehand: `answer` returns at once; `answer_time_s` is how long to wait.

    label_task calls it in the event loop and waits there, which takes no thread.
    """

    def answer_time_s(self, lease: Lease) -> float:
        """Return how long it takes over a clip, 0 for no time."""
