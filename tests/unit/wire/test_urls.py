"""URLs are shown without what logs in, whatever their passwords hold."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aloe.values.urls import shown, without_logins

SECRETS = st.text(st.sampled_from("/?#@%: \\[]&=.,;+~'\"ab12"), max_size=6).map(
    lambda odd: f"hun{odd}ter2"
)
FORMS = (
    "redis://:{}@host:6379/0",
    "redis://user:{}@host:6379?db=1",
    "rediss://user:{}@[::1]:6379",
    "redis://host:6379?password={}",
    "redis+sentinel://user:{}@one:1,two:2/master",
    "rediss+cluster://user:{}@one:1,two:2",
    "unix://user:{}@/run/redis.sock",
    "unix:///run/redis.sock?password={}",
    "s3://KEY:{}@bucket/audio",
    "simplecache::s3://KEY:{}@bucket/audio",
    "https://user:{}@host/a.wav",
    "https://host/a.wav?X-Amz-Signature={}",
    "user:{}@host:6379",
)


@pytest.mark.parametrize("form", FORMS)
@given(secret=SECRETS)
@example("hun://ter2")
@example("hun::a://ter2")
def test_no_part_of_a_password_is_shown(form: str, secret: str):
    told = shown(form.format(secret))
    assert "hun" not in told
    assert "ter2" not in told
    assert "KEY" not in told


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://u:hunter2@h:1?password=hunter2", "redis://h:1"),
        ("unix://u:p@/a/b.sock?db=1", "unix:///a/b.sock"),
        ("unix:///a/b@c.sock", "unix:///a/b@c.sock"),
        ("file:///a/b@c.wav", "file:///a/b@c.wav"),
        ("s3://bucket/a/b.wav", "s3://bucket/a/b.wav"),
        ("simplecache::file:///etc/hostname", "simplecache::file:///etc/hostname"),
        ("redis+sentinel://:p@one:1,two:2/m", "redis+sentinel://one:1,two:2/m"),
        ("redis://:pa/ss@h:1", "redis://..."),
        ("redis:///:pass@h:1", "redis://..."),
        ("/data/a@b.wav", "/data/a@b.wav"),
        ("audio", "audio"),
    ],
)
def test_what_is_no_secret_is_shown(url: str, told: str):
    assert shown(url) == told


@pytest.mark.parametrize("form", [form for form in FORMS if "://" in form and "=" not in form])
@given(secret=SECRETS)
def test_others_texts_are_told_without_logins(form: str, secret: str):
    url = form.format(secret)
    told = without_logins(f"error: cannot open {url!r} (No such host)\nsee {url}")
    assert "hun" not in told
    assert "ter2" not in told
    assert told.startswith("error: cannot open ")
