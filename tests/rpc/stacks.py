"""Starting a whole ALOE for a test."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from aloe.local import LocalStack, NoRedis, StackOptions


@contextmanager
def running_stack(options: StackOptions) -> Iterator[LocalStack]:
    """Start a stack and end it; skip the test where there is no Redis, but fail in CI."""
    with ExitStack() as ending:
        try:
            stack = ending.enter_context(LocalStack(options))
        except NoRedis as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(str(error))
        yield stack
