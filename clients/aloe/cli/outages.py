"""Says at a terminal that calls are repeated, so that nobody takes waiting for hanging."""

import time
from collections.abc import Callable

from aloe.cli.console import tell

_SHORT_S = 1.0
_OVER_S = 10.0
"""Failures of one outage are not as far apart, even where a store hangs."""


class OutageTeller:
    """Is told of failures after which a call is repeated; says so once in each outage.

    What is over within a second is not worth a line.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._since_s = self._last_s = -_OVER_S
        self._is_told = False

    def __call__(self, error: Exception) -> None:
        now_s = self._monotonic()
        if now_s - self._last_s >= _OVER_S:
            self._since_s, self._is_told = now_s, False
        self._last_s = now_s
        if not self._is_told and now_s - self._since_s >= _SHORT_S:
            self._is_told = True
            tell(f"waiting (Ctrl-C ends): {error}")
