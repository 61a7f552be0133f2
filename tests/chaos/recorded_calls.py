"""Puts into the history what becomes of a client's calls."""

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from tests.chaos.history import History, Outcome

from aloe.client import (
    AlreadyExists,
    AsyncLearnerClient,
    DeadlineExceeded,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
)
from aloe.client.errors import AloeError

T = TypeVar("T")
_REFUSALS = (InvalidArgument, NotFound, AlreadyExists, FailedPrecondition)
_GIVEN_UP_S = 15.0
"""Past its deadline; whoever waits for a call that never ends has to go on at some time."""


class RecordedCalls:
    """One oracle's connection to one replica."""

    def __init__(
        self,
        client: AsyncLearnerClient,
        history: History,
        *,
        oracle_id: str,
        replica: int,
        timeout: timedelta,
    ) -> None:
        """Take a client, and the timeout that it was given."""
        self.plain = client
        """For calls that the checker need not know about."""
        self._timeout = timeout
        self._history, self._oracle_id, self._replica = history, oracle_id, replica

    async def _call(
        self,
        call: str,
        task_id: str,
        coroutine: Coroutine[Any, Any, T],
        request: Mapping[str, Any],
        describe: Any,
    ) -> T:
        number = self._history.begin(
            call,
            task_id=task_id,
            oracle_id=self._oracle_id,
            replica=self._replica,
            timeout_s=self._timeout.total_seconds(),
            request=request,
        )
        try:
            async with asyncio.timeout(self._timeout.total_seconds() + _GIVEN_UP_S):
                result = await coroutine
        except TimeoutError:
            # The history has no end of it.
            raise DeadlineExceeded("given up", code="DEADLINE_EXCEEDED") from None
        except AloeError as error:
            outcome = Outcome.REFUSED if isinstance(error, _REFUSALS) else Outcome.UNKNOWN
            self._history.end(number, outcome, reason=error.reason)
            raise
        self._history.end(number, Outcome.ACKNOWLEDGED, result=describe(result))
        return result
