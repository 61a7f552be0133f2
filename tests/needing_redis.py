"""What a test does where there is no Redis to start."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from aloe.local import NoRedis


@contextmanager
def needing_redis() -> Iterator[None]:
    """Skip the test where what is begun here finds no Redis; fail in CI."""
    try:
        yield
    except NoRedis as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
