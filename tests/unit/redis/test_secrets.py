"""No message of anything that is given a Redis URL repeats a part of its login."""

import asyncio
import logging
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from aloe.cli.doctor_redis import redis_findings
from aloe.embedding.adapters.redis_cache import RedisCache
from aloe.embedding.domain.errors import ConfigurationError
from aloe.embedding.domain.length_policy import Exact
from aloe.embedding.ports.encoder import EncoderInfo
from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.domain.errors import LearnerError
from aloe.local.redis_server import NoRedis, check_redis
from aloe.redis.faults import RedisFault
from aloe.redis.looking import look_at_redis
from aloe.serving.settings import WrongSettings

BETWEEN = (
    "",
    "/",
    "//",
    "?",
    "#",
    "@",
    "%",
    "%zz",
    " ",
    ":",
    "[",
    "]",
    "\\",
    "\t",
    "é",
    "/0/",
    "@h/",
)
"""What stands between the two halves of the password."""
FORMS = {
    "one": "redis://{}@127.0.0.1:1",
    "one with options": "redis://{}@127.0.0.1:1/0?db=x",
    "TLS": "rediss://{}@127.0.0.1:1",
    "in the options": "redis://127.0.0.1:1?password={}",
    "an option that is none": "redis://127.0.0.1:1?passwort={}",
    "socket": "unix://{}@/nowhere/r.sock",
    "Sentinel": "redis+sentinel://{}@127.0.0.1:1,127.0.0.1:2/main",
    "Sentinel without a master": "redis+sentinel://{}@127.0.0.1:1",
    "Cluster": "redis+cluster://{}@127.0.0.1:1,127.0.0.1:2",
    "TLS Cluster": "rediss+cluster://{}@127.0.0.1:1",
    "a port that is none": "redis://{}@127.0.0.1:port",
    "a port that is too large": "redis+cluster://{}@127.0.0.1:99999999",
    "three slashes": "redis:///{}@127.0.0.1:1",
    "no scheme": "{}@127.0.0.1:1",
    "another scheme": "https://{}@127.0.0.1:1",
}
LOGINS = (":zebra{}yak", "user:zebra{}yak", "user:12{}zebrayak", "zebra{}yak")


def urls(form: str) -> list[str]:
    return [FORMS[form].format(login.format(odd)) for login in LOGINS for odd in BETWEEN]


def look(url: str) -> None:
    look_at_redis(url, timeout_s=0.2)


def examine(url: str) -> None:
    raise RuntimeError(str(list(redis_findings(url, Path("/nowhere")))))


def prepare_store(url: str) -> None:
    async def prepare() -> None:
        store = RedisStore.of_url(url)
        try:
            async with asyncio.timeout(3):
                await store.prepare()
        finally:
            await store.close()

    asyncio.run(prepare())


def use_cache(url: str) -> None:
    async def use() -> None:
        cache = RedisCache(url, ttl_s=1)
        await cache.get(EncoderInfo("e", "f", 2, 16_000, Exact(), 60.0), [b"key"])
        await cache.close()

    asyncio.run(use())
    raise RuntimeError("it only logs")


EXPECTED = (
    *(ValueError, RedisFault, NoRedis, LearnerError, ConfigurationError, WrongSettings),
    *(RuntimeError, TimeoutError),
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "use", [look, examine, check_redis, use_cache], ids=lambda use: use.__name__
)
def test_no_part_of_a_login_is_told(
    form: str, use: Callable[[str], None], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    for url in urls(form):
        with pytest.raises(EXPECTED) as caught:
            use(url)
        check_hidden("".join(traceback.format_exception(caught.value)), url)
    check_hidden(caplog.text, form)


@pytest.mark.parametrize("form", ["one", "Sentinel", "Cluster", "socket"])
def test_the_store_of_a_learner_does_not_tell_either(form: str, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    for url in (FORMS[form].format(":zebra%2Fyak"), FORMS[form].format(":zebra/yak")):
        with pytest.raises(EXPECTED) as caught:
            prepare_store(url)
        check_hidden("".join(traceback.format_exception(caught.value)), url)
    check_hidden(caplog.text, form)


def check_hidden(text: str, url: str) -> None:
    assert "zebra" not in text, url
    assert "yak" not in text, url
