"""What every server on this machine says in trouble is understood: plain, piped and in scripts."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from tests.redis_servers import redis_servers

from aloe.local.child import Child
from aloe.redis.codes import Trouble, code_of, damage_in, said_by, trouble_of

SERVERS: list[Path | None] = [*redis_servers()]
WRITE = "return redis.call('SET', KEYS[1], '1')"


class Server:
    """A Redis of its own."""

    def __init__(self, folder: Path, socket_path: Path) -> None:
        self.folder, self._socket_path = folder, socket_path
        self.admin = self.client()

    def client(self, login: str = "") -> Any:
        username, _, password = login.partition(":")
        return redis.Redis(
            unix_socket_path=str(self._socket_path),
            socket_timeout=5,
            retry=Retry(NoBackoff(), 0),
            username=username or None,
            password=password or None,
        )


@pytest.fixture(scope="module", params=SERVERS or [None], ids=str)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    if request.param is None:
        pytest.skip("no Redis found")
    folder = tmp_path_factory.mktemp("codes")
    data, socket_path = folder / "data", folder / "r.sock"
    data.mkdir()
    command = [str(request.param), "--port", "0", "--unixsocket", str(socket_path)]
    child = Child(
        "Redis",
        [*command, "--dir", str(data), "--save", ""],
        log_path=folder / "log",
        ready=lambda _: socket_path.exists(),
    )
    child.start(timeout_s=20)
    yield Server(data, socket_path)
    child.stop()


def piped(client: Any, *command: Any) -> Any:
    pipeline = client.pipeline(transaction=False)
    pipeline.execute_command(*command)
    return pipeline.execute()


WAYS: dict[str, Callable[[Any], Any]] = {
    "plain": lambda client: client.set("key", "1"),
    "piped": lambda client: piped(client, "SET", "key", "1"),
    "script": lambda client: client.eval(WRITE, 1, "key"),
    "piped script": lambda client: piped(client, "EVAL", WRITE, 1, "key"),
}


@contextmanager
def configured(server: Server, **settings: str) -> Iterator[Any]:
    names = {name.replace("_", "-"): value for name, value in settings.items()}
    before = {name: next(iter(server.admin.config_get(name).values())) for name in names}
    try:
        for name, value in names.items():
            server.admin.config_set(name, value)
        yield server.client()
    finally:
        for name, value in before.items():
            server.admin.config_set(name, value)


@contextmanager
def without_memory(server: Server) -> Iterator[Any]:
    with configured(server, maxmemory="1") as client:
        yield client


@contextmanager
def without_disk(server: Server) -> Iterator[Any]:
    server.admin.set("unsaved", "1")
    shutil.rmtree(server.folder)
    with configured(server, save="3600 1"):
        server.admin.bgsave()
        deadline = time.monotonic() + 10
        while server.admin.info("persistence")["rdb_last_bgsave_status"] == "ok":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield server.client()


@contextmanager
def without_replicas(server: Server) -> Iterator[Any]:
    with configured(server, min_replicas_to_write="1") as client:
        yield client


@contextmanager
def as_replica(server: Server) -> Iterator[Any]:
    server.admin.replicaof("127.0.0.1", 1)
    yield server.client()
    server.admin.replicaof("NO", "ONE")


@contextmanager
def as_lost_replica(server: Server) -> Iterator[Any]:
    with configured(server, replica_serve_stale_data="no"), as_replica(server) as client:
        yield client


@contextmanager
def kept_busy(server: Server) -> Iterator[Any]:
    """Let a script of somebody else run on."""
    hog = server.client()

    def run() -> None:
        with pytest.raises(RedisError):
            hog.eval("while true do end", 0)

    with configured(server, lua_time_limit="1"):
        running = threading.Thread(target=run)
        running.start()
        client, deadline = server.client(), time.monotonic() + 10
        while True:  # Until the script is told of, which takes a moment.
            assert time.monotonic() < deadline
            try:
                client.ping()
            except RedisError:
                break
        try:
            yield client
        finally:
            client.script_kill()
            running.join()


@contextmanager
def forbidden(server: Server) -> Iterator[Any]:
    server.admin.execute_command("ACL", "SETUSER", "u", "on", ">x", "~*", "+@all", "-set")
    yield server.client("u:x")


@contextmanager
def forbidden_keys(server: Server) -> Iterator[Any]:
    server.admin.execute_command("ACL", "SETUSER", "k", "on", ">x", "~other*", "+@all")
    yield server.client("k:x")


@contextmanager
def wrong_password(server: Server) -> Iterator[Any]:
    server.admin.execute_command("ACL", "SETUSER", "u", "on", ">x", "~*", "+@all")
    yield server.client("u:y")


CASES = [
    (without_memory, {"OOM"}, Trouble.FULL),
    (without_disk, {"MISCONF"}, Trouble.FULL),
    (without_replicas, {"NOREPLICAS"}, Trouble.NOT_NOW),
    (as_replica, {"READONLY"}, Trouble.NOT_NOW),
    (as_lost_replica, {"READONLY", "MASTERDOWN"}, Trouble.NOT_NOW),
    (kept_busy, {"BUSY"}, Trouble.NOT_NOW),
    (forbidden, {"NOPERM"}, Trouble.FORBIDDEN),
    (forbidden_keys, {"NOPERM"}, Trouble.FORBIDDEN),
    (wrong_password, {"NOAUTH"}, Trouble.FORBIDDEN),
]


@pytest.mark.parametrize(
    ("state", "codes", "trouble"), CASES, ids=[case[0].__name__ for case in CASES]
)
def test_a_refusal_is_known_by_its_code_however_it_comes(server, state, codes, trouble):
    with state(server) as client:
        for way, write in WAYS.items():
            with pytest.raises(RedisError) as caught:
                write(client)
            assert code_of(caught.value) in codes, way
            assert trouble_of(caught.value) is trouble, way
            said = said_by(caught.value)
            assert "user_script" not in said
            assert "EVAL" not in said


@pytest.mark.parametrize("way", ["script", "piped script"])
def test_what_our_scripts_say_of_damage_comes_through(server, way):
    script = "error('STORE_DAMAGED aloe:{task:t}:labels (row 7 (of 9) is no label)', 0)"
    client = server.client()
    with pytest.raises(RedisError) as caught:
        client.eval(script, 0) if way == "script" else piped(client, "EVAL", script, 0)
    assert trouble_of(caught.value) is Trouble.DAMAGED
    assert damage_in(caught.value) == ("aloe:{task:t}:labels", "row 7 (of 9) is no label")


@pytest.mark.parametrize("script", ["return redis.call('INCR', KEYS[1])", ""])
def test_a_key_of_another_kind_is_damage(server, script):
    server.admin.delete("hash")
    server.admin.hset("hash", "field", "value")
    with pytest.raises(RedisError) as caught:
        server.client().eval(script, 1, "hash") if script else server.client().incr("hash")
    assert trouble_of(caught.value) is Trouble.DAMAGED
