"""Makes a blocking call in the background, where it can be cancelled."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")

Sleep = Callable[[float], object]


class Attempt(Protocol):
    """Makes one attempt at a call."""

    def __call__(self, rpc: str, argument: Any, *, timeout_s: float | None) -> Any: ...


class BackgroundCall(Generic[T]):
    """A call, with its repeats, in a thread of its own while the caller does something else."""

    def __init__(self, run: Callable[[Attempt, Sleep], T], begin: Attempt) -> None:
        """Start the call.

        Args:
            run: makes the call with the given ways to make an attempt and to wait for the next.
            begin: starts an attempt and returns its future.
        """
        self._run, self._begin = run, begin
        self._cancelled = threading.Event()
        self._attempt: Any = None
        self._outcome: Future[T] = Future()
        # A process that ends does not wait for the call.
        threading.Thread(target=self._work, name="aloe-call", daemon=True).start()

    def result(self) -> T:
        """Wait for what becomes of the call; raises what it raises."""
        return self._outcome.result()

    def cancel(self) -> None:
        """End the call, if it is under way, and its thread."""
        self._cancelled.set()
        if self._attempt is not None:
            self._attempt.cancel()

    def _work(self) -> None:
        try:
            self._outcome.set_result(self._run(self._make_attempt, self._sleep))
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            self._outcome.set_exception(error)

    def _make_attempt(self, rpc: str, argument: Any, *, timeout_s: float | None) -> Any:
        self._attempt = self._begin(rpc, argument, timeout_s=timeout_s)
        # cancel() sets the event before it looks for an attempt: none escapes both.
        if self._cancelled.is_set():
            self._attempt.cancel()
        return self._attempt.result()

    def _sleep(self, delay_s: float) -> None:
        if self._cancelled.wait(delay_s):
            raise CancelledError
