"""A call in the background ends when it is cancelled, wherever it is."""

import threading
from concurrent.futures import CancelledError, Future

import pytest

from aloe.client.blocking.background_call import BackgroundCall


def begin_nothing(rpc, argument, *, timeout_s):
    return Future()


def test_cancelled_call_does_not_wait_for_its_repeat():
    waiting = threading.Event()

    def run(attempt, sleep):
        waiting.set()
        sleep(5)

    call = BackgroundCall(run, begin_nothing)
    assert waiting.wait(timeout=5)
    call.cancel()
    with pytest.raises(CancelledError):
        call.result()


def test_attempt_begun_while_the_call_is_cancelled_is_cancelled():
    begun, cancelled, ended = threading.Event(), threading.Event(), threading.Event()

    def begin(rpc, argument, *, timeout_s):
        begun.set()
        assert cancelled.wait(timeout=5)
        attempt: Future[None] = Future()
        attempt.add_done_callback(lambda _: ended.set())
        return attempt

    call = BackgroundCall(lambda attempt, sleep: attempt("Query", None, timeout_s=None), begin)
    assert begun.wait(timeout=5)
    call.cancel()
    cancelled.set()
    assert ended.wait(timeout=5)
