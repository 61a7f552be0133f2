"""What is wrong with a Redis that cannot be talked to is told apart, each with what helps."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.needing_redis import needing_redis

from aloe.local.child import Child
from aloe.local.redis_server import find_redis_server
from aloe.redis.faults import RedisFault
from aloe.redis.looking import look_at_redis

TIMEOUT_S = 0.4


@contextmanager
def served(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port on which something else than a Redis answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    try:
                        answer(connection)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


def fault_of(url: str) -> RedisFault:
    began = time.monotonic()
    with pytest.raises(RedisFault) as caught:
        look_at_redis(url, timeout_s=TIMEOUT_S)
    assert time.monotonic() - began < 3 * TIMEOUT_S + 0.5
    assert "hunter2" not in str(caught.value)
    return caught.value


@pytest.fixture(scope="module")
def guarded_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Redis that wants the password "right"."""
    folder = tmp_path_factory.mktemp("guarded")
    with needing_redis():
        server = find_redis_server()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    flags = ["--port", str(port), "--dir", str(folder), "--requirepass", "right", "--save", ""]

    def answers(_: Child) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    child = Child("Redis", [str(server), *flags], log_path=folder / "log", ready=answers)
    child.start(timeout_s=30)
    yield port
    child.stop()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@pytest.mark.parametrize(
    "form",
    [
        "redis://:hunter2@127.0.0.1:{}",
        "rediss://127.0.0.1:{}",
        "redis+sentinel://:hunter2@127.0.0.1:{}/m",
        "redis+cluster://u:hunter2@127.0.0.1:{}",
    ],
)
def test_one_that_is_not_there_may_come(form: str):
    fault = fault_of(form.format(closed_port()))
    assert fault.is_away
    assert fault.remedy


def test_a_socket_that_is_not_there_is_named(tmp_path: Path):
    fault = fault_of(f"unix://{tmp_path}/nobody.sock")
    assert "cannot be reached" in fault.found
    assert f"{tmp_path}/nobody.sock" in fault.found


def test_one_that_does_not_answer_is_told_from_one_that_is_not_there():
    with served(lambda connection: time.sleep(3 * TIMEOUT_S)) as port:
        fault = fault_of(f"redis://:hunter2@127.0.0.1:{port}")
    assert fault.is_away
    assert "does not answer" in fault.found


def test_one_whose_first_answer_comes_damaged_may_be_a_redis():
    answers = iter([b"garbage\r\n", b"+PONG\r\n"])

    def answer(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(next(answers, b"+PONG\r\n"))

    with served(answer) as port:
        fault = fault_of(f"redis://127.0.0.1:{port}")
    assert (fault.is_away, fault.remedy) == (True, "try again")


def test_one_that_hangs_up_without_a_word_may_come():
    with served(lambda connection: None) as port:
        fault = fault_of(f"redis://127.0.0.1:{port}")
    assert fault.is_away
    assert "does not answer" in fault.found


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_another_program_is_no_redis(scheme: str):
    def speak_http(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with served(speak_http) as port:
        fault = fault_of(f"{scheme}://:hunter2@127.0.0.1:{port}")
    assert not fault.is_away
    assert fault.found.endswith("is no Redis")


def test_one_that_speaks_tls_only_is_told():
    def speak_tls(connection: socket.socket) -> None:
        # Without a certificate: to hear that it speaks TLS no handshake need succeed.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.wrap_socket(connection, server_side=True)

    with served(speak_tls) as port:
        fault = fault_of(f"redis://:hunter2@127.0.0.1:{port}")
    assert (fault.found.endswith("speaks TLS only"), fault.is_away) == (True, False)
    assert "rediss://" in fault.remedy


def test_one_that_speaks_no_tls_is_told(guarded_port: int):
    fault = fault_of(f"rediss://:hunter2@127.0.0.1:{guarded_port}")
    assert (fault.found.endswith("speaks no TLS"), fault.is_away) == (True, False)


@pytest.mark.parametrize("login", ["", ":hunter2@", "ann:hunter2@"])
def test_a_wrong_login_is_told(guarded_port: int, login: str):
    fault = fault_of(f"redis://{login}127.0.0.1:{guarded_port}")
    assert "wants a login" in fault.found
    assert not fault.is_away


def test_with_the_right_login_it_is_looked_at(guarded_port: int):
    concerns = look_at_redis(f"redis://:right@127.0.0.1:{guarded_port}", timeout_s=5).concerns
    assert [concern.kind.value for concern in concerns] == ["no_append_only_file"]


def test_a_user_who_may_not_look_is_told(redis_url: str):
    import redis

    with redis.Redis.from_url(redis_url) as admin:
        admin.acl_setuser("peer", True, passwords=["+x"], categories=["+@all", "-@dangerous"])
    url = redis_url.replace("://", "://peer:x@")
    (concern,) = look_at_redis(url, timeout_s=5).concerns
    assert concern.kind.value == "hidden"
