"""A real Redis for every test that wants one, on a socket of its own."""

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tests.needing_redis import needing_redis

from aloe.local.redis_server import redis_child

SHARED = Path(__file__).parents[2] / "shared"
"""Real speech and a real encoder; beside the checkout on some machines, absent on others."""

# Whether a commit passes is not a matter of luck: the same examples every time. To look for others:
# sh tests/run.sh --hypothesis-profile explore
settings.register_profile("same", derandomize=True, print_blob=True)
settings.register_profile("explore", print_blob=True)
settings.load_profile("same")


def pytest_configure() -> None:
    """Hear SIGINT, which a shell makes its background jobs ignore, and their children as well."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a Redis that lives as long as the session."""
    with tempfile.TemporaryDirectory(prefix="aloe-test-") as name:
        folder = Path(name)
        with needing_redis():
            child = redis_child(folder / "data", folder / "redis.sock", folder / "redis.log")
        child.start(timeout_s=30)
        yield f"unix://{folder / 'redis.sock'}"
        child.stop()


@pytest.fixture(scope="session")
def fsdd_root() -> Path:
    """The folder of the Free Spoken Digit Dataset."""
    return _shared("data/fsdd")


@pytest.fixture(scope="session")
def yamnet_folder() -> Path:
    """The folder of a real pretrained encoder."""
    return _shared("encoders/yamnet")


def _shared(path: str) -> Path:
    if not (SHARED / path).exists():
        pytest.skip(f"no {path} beside the checkout")
    return SHARED / path
