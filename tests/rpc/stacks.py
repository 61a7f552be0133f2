"""Starting a whole ALOE for a test."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.needing_redis import needing_redis

from aloe.local import LocalStack, StackOptions


@contextmanager
def running_stack(options: StackOptions) -> Iterator[LocalStack]:
    """Start a stack and end it; skip the test where there is no Redis, but fail in CI."""
    with ExitStack() as ending:
        with needing_redis():
            stack = ending.enter_context(LocalStack(options))
        yield stack
