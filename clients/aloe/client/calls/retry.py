"""When a failed call is repeated: every RPC is safe to repeat, so only time limits it."""

import random
import time
from collections.abc import Callable
from datetime import timedelta

from aloe.client.calls.translate import invalid_field
from aloe.client.errors import AloeError, DeadlineExceeded, Overloaded, Unavailable

_FIRST_BACKOFF_S = 0.05
# With the channel's own reconnect backoff this finds a server again within
# about a second of its return.
_MAX_BACKOFF_S = 0.5
_STREAM_IDLE = "STREAM_IDLE"

OnRepeat = Callable[[AloeError], None]
"""Is told of each failure after which a call is repeated."""


class RetrySchedule:
    """The attempts of one logical call, all within one deadline."""

    def __init__(self, timeout: timedelta, on_repeat: OnRepeat | None = None) -> None:
        """Start the clock.

        Raises:
            InvalidArgument: `timeout` is not positive.
        """
        self._deadline_s = time.monotonic() + _checked(timeout).total_seconds()
        self._backoff_s = _FIRST_BACKOFF_S
        self._last_error: AloeError | None = None
        self._on_repeat = on_repeat

    def attempt_timeout_s(self) -> float | None:
        """How long the next attempt may take; None where nothing limits it."""
        return max(0.0, self._deadline_s - time.monotonic())

    def progressed(self) -> None:
        """Take note that the server answers."""
        self._backoff_s = _FIRST_BACKOFF_S

    def delay_s(self, error: AloeError) -> float:
        """How long to wait before the next attempt.

        Raises:
            AloeError: `error` itself, where a repeat is no use or would come after the deadline;
                the one before, where the deadline cut short the repetition that it asked for.
        """
        if isinstance(error, DeadlineExceeded) and self._last_error is not None:
            raise self._last_error
        self._last_error = error
        if isinstance(error, Unavailable):
            # Full jitter: callers that failed together do not come back together.
            delay_s = random.uniform(0.0, self._backoff_s)  # noqa: S311 - no secret
            self._backoff_s = min(2 * self._backoff_s, _MAX_BACKOFF_S)
        elif isinstance(error, Overloaded) and error.retry_after is not None:
            delay_s = error.retry_after.total_seconds()
        else:
            raise error
        if time.monotonic() + delay_s >= self._deadline_s:
            raise error
        if self._on_repeat:
            self._on_repeat(error)
        return delay_s


class OutageSchedule:
    """The attempts of a stream without end: the timeout counts while the server does not answer."""

    def __init__(self, timeout: timedelta, on_repeat: OnRepeat | None = None) -> None:
        """Allow for outages of `timeout`.

        Raises:
            InvalidArgument: `timeout` is not positive.
        """
        self._timeout = _checked(timeout)
        self._on_repeat = on_repeat
        self._outage: RetrySchedule | None = None

    def attempt_timeout_s(self) -> float | None:
        return None

    def progressed(self) -> None:
        self._outage = None

    def delay_s(self, error: AloeError) -> float:
        """How long to wait before the next attempt; raises as RetrySchedule does."""
        if error.reason == _STREAM_IDLE:
            return 0.0  # No outage: there was nothing to send for long.
        if self._outage is None:
            self._outage = RetrySchedule(self._timeout, self._on_repeat)
        return self._outage.delay_s(error)


def _checked(timeout: timedelta) -> timedelta:
    if timeout <= timedelta(0):
        raise invalid_field("timeout", f"must be positive, got {timeout}")
    return timeout
