"""`aloe doctor` finds what would go wrong, and `aloe up` says it at once."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from tests.e2e.conftest import CommandLine, Done
from tests.needing_redis import needing_redis

from aloe.local import LocalStack, StackOptions, redis_of
from aloe.local.redis_server import redis_child
from aloe.redis.connecting import connect_blocking

NOWHERE = CommandLine("127.0.0.1:1")
DOCTOR_OF = ("doctor", "--json", "--data-dir")


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[str]:
    """The URL of a Redis that nobody else uses."""
    with needing_redis():
        child = redis_child(tmp_path / "data", tmp_path / "r.sock", tmp_path / "log")
    child.start(timeout_s=30)
    yield f"unix://{tmp_path / 'r.sock'}"
    child.stop()


def examined(*options: object) -> tuple[Done, dict[str, Any]]:
    done = NOWHERE.run("doctor", "--json", *options)
    return done, {each["name"]: each for each in json.loads(done.stdout)}


def test_a_redis_that_keeps_everything_is_all_right(own_redis: str):
    _, found = examined("--redis-url", own_redis)
    assert found["Redis"]["ok"]
    assert not [name for name in found if name.startswith("Redis:")]


def test_what_may_cost_labels_has_a_row_with_its_remedy(own_redis: str):
    with redis.Redis.from_url(own_redis) as client:
        client.config_set("appendfsync", "everysec")
    _, found = examined("--redis-url", own_redis)
    row = found["Redis: fsync"]
    assert (row["ok"], row["needed"], row["remedy"]) == (False, False, "set appendfsync always")


def test_one_that_deletes_labels_fails_doctor_and_up(own_redis: str, tmp_path: Path):
    with redis.Redis.from_url(own_redis) as client:
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
    done, found = examined("--redis-url", own_redis)
    assert done.returncode == 1
    assert found["Redis: eviction"]["needed"]
    up = NOWHERE.run("up", "--redis-url", own_redis, "--data-dir", tmp_path / "up")
    assert up.returncode == 1
    assert "set maxmemory-policy noeviction" in up.stderr
    assert len(up.stderr.splitlines()) == 1


def test_a_dead_redis_is_told_within_a_second_and_without_its_password(tmp_path: Path):
    url = "redis://:hunter2@127.0.0.1:1"
    began = time.monotonic()
    done, found = examined("--redis-url", url)
    assert time.monotonic() - began < 1 + _slack_s()
    assert done.returncode == 1
    assert "cannot be reached" in found["Redis"]["found"]
    began = time.monotonic()
    up = NOWHERE.run("up", "--redis-url", url, "--data-dir", tmp_path / "up")
    assert time.monotonic() - began < 1 + _slack_s()
    assert (up.returncode, len(up.stderr.splitlines())) == (1, 1)
    assert "redis://127.0.0.1:1 cannot be reached" in up.stderr
    assert "hunter2" not in done.stdout + done.stderr + up.stderr


def _slack_s() -> float:
    """What a busy machine may take for nothing at all: starting a Python three times."""
    began = time.monotonic()
    for _ in range(3):
        subprocess.run([sys.executable, "-c", ""], check=True)
    return time.monotonic() - began


@pytest.mark.parametrize("url", ["http://x", "redis://:hunter2/@h:1"])
def test_what_is_no_url_is_told_by_both(url: str, tmp_path: Path):
    done, found = examined("--redis-url", url)
    assert (done.returncode, found["Redis"]["ok"]) == (1, False)
    assert "redis://HOST:PORT" in found["Redis"]["remedy"]
    up = NOWHERE.run("up", "--redis-url", url, "--data-dir", tmp_path / "up")
    assert (up.returncode, len(up.stderr.splitlines())) == (1, 1)
    assert "hunter2" not in done.stdout + up.stderr


def test_memory_is_told_to_forget_and_up_takes_it():
    _, found = examined("--redis-url", "memory://")
    assert (found["Redis"]["ok"], found["Redis"]["needed"]) == (False, False)
    assert "forgets" in found["Redis"]["found"]


def test_a_port_that_another_program_has_is_named():
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done, found = examined("--embedding-address", address)
    assert done.returncode == 1
    assert address in found["embedding address"]["found"]
    assert "--embedding-address" in found["embedding address"]["remedy"]


def test_a_disk_that_is_nearly_full_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil has it
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**10, 10**10, 10**8))
    _, found = examined("--data-dir", tmp_path / "not" / "there" / "yet")
    assert not found["disk"]["ok"]
    assert str(tmp_path) in found["disk"]["found"]
    assert "make room" in found["disk"]["remedy"]


def test_folders_that_others_may_read_are_told(tmp_path: Path):
    for name in ("redis", "audio", "logs"):
        (tmp_path / name).mkdir(mode=0o755)
    (tmp_path / "lock").touch()
    (tmp_path / "logs").chmod(0o700)
    _, found = examined("--data-dir", tmp_path)
    row = found["privacy"]
    assert (row["ok"], row["needed"]) == (False, False)
    assert f"{tmp_path}/redis, {tmp_path}/audio" in row["found"]
    assert f"chmod go= {tmp_path}/redis {tmp_path}/audio" in row["remedy"]
    (tmp_path / "redis").chmod(0o700)
    (tmp_path / "audio").chmod(0o700)
    assert "privacy" not in examined("--data-dir", tmp_path)[1]


def test_the_disk_of_kept_audio_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ALOE_LEARNER_AUDIO_ROOT", str(tmp_path / "audio"))
    _, found = examined()
    assert "GB free" in found["disk of kept audio"]["found"]
    (tmp_path / "audio").mkdir(mode=0o755)
    assert examined()[1]["privacy"]["remedy"] == f"chmod go= {tmp_path / 'audio'}"
    (tmp_path / "audio").rmdir()
    (tmp_path / "audio").touch()
    done, found = examined()
    assert (done.returncode, found["disk of kept audio"]["needed"]) == (1, True)
    assert "is no folder" in found["disk of kept audio"]["found"]
    monkeypatch.setenv("ALOE_LEARNER_AUDIO_ROOT", "s3://bucket/audio")
    assert "disk of kept audio" not in examined()[1]


def test_a_place_of_the_web_without_tls_is_told(monkeypatch: pytest.MonkeyPatch):
    places = "https://host/a/,http://u:hunter2@host/b/"
    monkeypatch.setenv("ALOE_LEARNER_AUDIO_URI_PREFIXES", places)
    done, found = examined()
    assert "http://host/b/: what is read there" in found["place of audio"]["found"]
    assert "hunter2" not in done.stdout + done.stderr
    monkeypatch.setenv("ALOE_LEARNER_AUDIO_URI_PREFIXES", "file:///")
    assert "every recording" in examined()[1]["place of audio"]["found"]


def test_a_decoder_that_cannot_be_loaded_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "av", None)
    done, found = examined()
    assert done.returncode == 1
    assert "without av" in found["audio decoders"]["found"]
    assert "pip install" in found["audio decoders"]["remedy"]


def test_a_learner_that_is_not_there_is_told_at_once():
    _, found = examined()
    assert found["learner"]["found"] == "nothing listens at 127.0.0.1:1"


@pytest.mark.slow
def test_a_learner_that_waits_for_its_redis_is_no_other_program(own_redis: str):
    options = StackOptions(encoder=None, redis_url=own_redis)
    with LocalStack(options) as stack, redis.Redis.from_url(own_redis) as client:
        at = ("--server", stack.learner_address, "--address", stack.learner_address)
        client.shutdown(nosave=True)
        _, found = examined(*at, "--redis-url", own_redis)
        _, elsewhere = examined("--address", stack.learner_address, "--redis-url", own_redis)
    assert stack.learner_address in found["learner"]["found"]
    assert "waits for its Redis" in found["learner"]["found"]
    assert "start its Redis" in found["learner"]["remedy"]
    assert "address" not in found
    assert elsewhere["address"]["found"] == f"another ALOE has {stack.learner_address}"


def test_damage_in_a_folder_in_which_nothing_runs_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("REDIS_URL", raising=False)
    repair = ("doctor", "--repair", "--json", "--data-dir", tmp_path, "--yes")
    nothing = NOWHERE.run(*repair)
    assert (nothing.returncode, len(nothing.stderr.splitlines())) == (1, 1)
    assert str(tmp_path) in nothing.stderr
    (tmp_path / "redis").mkdir()
    with needing_redis(), redis_of(tmp_path) as url:
        client = connect_blocking(url)
        client.set("aloe:{task:hurt}:meta", "no hash")
        client.close()
    told = NOWHERE.run(*repair)
    assert told.returncode == 0
    assert "aloe:{task:hurt}:meta" in [each["key"] for each in json.loads(told.stdout)["found"]]
    assert json.loads(NOWHERE.run(*repair).stdout) == {"found": [], "left": []}


def test_damage_is_told_and_mended_while_the_learner_runs(aloe: CommandLine, stack: LocalStack):
    aloe.output("pool", "create", "hurt", "--encoder", "logmel")
    task = aloe.new_task("hurt", "hurt-labels")
    client = connect_blocking(stack.redis_url)
    client.hset("aloe:{task:hurt-labels}:meta", "leased", "many")
    assert aloe.run("task", "show", task).returncode == 1
    folder = stack.log_dir.parent
    seen = {each["name"]: each for each in json.loads(aloe.run(*DOCTOR_OF, folder).stdout)}
    assert seen["Redis"]["found"] == stack.redis_url
    assert "--repair --dry-run" in seen["Redis"]["remedy"]
    repair = ("doctor", "--repair", "--data-dir", folder)
    for options, answer in (("--dry-run",), ""), ((), "n\n"):
        done = aloe.run(*repair, *options, stdin=answer)
        assert done.returncode == 1
        assert "leased is many and should be 0" in done.stdout
    assert client.hget("aloe:{task:hurt-labels}:meta", "leased") == b"many"
    told = json.loads(aloe.run(*repair, "--yes", "--json").stdout)
    mended = [each for each in told["found"] if "hurt-labels" in each["key"]]
    assert mended
    assert not [each for each in told["left"] if "hurt-labels" in each["key"]]
    assert aloe.output("task", "show", task)
    client.close()
