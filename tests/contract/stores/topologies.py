"""Real Redis deployments of several servers, from the one binary that there is."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from redis.exceptions import RedisError

from aloe.local.child import Child
from aloe.local.redis_server import find_redis_server

HOST = "127.0.0.1"
MASTER_NAME = "labels"
_DURABLE = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
_SLOT_COUNT = 16_384


@dataclass(frozen=True)
class Server:
    """One Redis process on a port."""

    port: int
    child: Child

    @property
    def client(self) -> Any:
        return redis.Redis(HOST, self.port, socket_timeout=2)


@dataclass(frozen=True)
class Deployment:
    """Some servers that are one Redis to a client."""

    url: str
    servers: list[Server]


def free_port() -> int:
    """A free port whose cluster bus, 10,000 above it, is free as well."""
    while True:
        with socket.socket() as low, socket.socket() as high:
            low.bind((HOST, 0))
            port: int = low.getsockname()[1]
            if port < 55_000:
                with contextlib.suppress(OSError):
                    high.bind((HOST, port + 10_000))
                    return port


def wait_until(condition: Callable[[], Any], timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        with contextlib.suppress(RedisError):
            if condition():
                return
        assert time.monotonic() < deadline, "the deployment did not settle"
        time.sleep(0.02)


def start_server(folder: Path, *flags: str) -> Server:
    port = free_port()
    folder.mkdir(parents=True)
    configuration = folder / "redis.conf"
    configuration.write_text(f"port {port}\nbind {HOST}\ndir {folder}\n")
    child = Child(
        f"Redis at {port}",
        [str(find_redis_server()), str(configuration), *flags],
        log_path=folder / "log",
        ready=lambda _: _answers(port),
    )
    child.start(timeout_s=20)
    return Server(port, child)


@contextmanager
def sentinel_deployment(folder: Path) -> Iterator[Deployment]:
    """A master with two replicas, watched by three sentinels."""
    with contextlib.ExitStack() as ending:

        def start(name: str, *flags: str) -> Server:
            server = start_server(folder / name, *flags)
            ending.callback(server.child.stop)
            return server

        master = start("master", *_DURABLE)
        replicas = [
            start(f"replica-{number}", *_DURABLE, "--replicaof", HOST, str(master.port))
            for number in range(2)
        ]
        wait_until(lambda: all(_is_linked(replica) for replica in replicas))
        sentinels = [start(f"sentinel-{number}", "--sentinel") for number in range(3)]
        for sentinel in sentinels:
            sentinel.client.execute_command(
                "SENTINEL", "MONITOR", MASTER_NAME, HOST, master.port, 2
            )
            for option, value in (("down-after-milliseconds", 500), ("failover-timeout", 3_000)):
                sentinel.client.execute_command("SENTINEL", "SET", MASTER_NAME, option, value)
        wait_until(lambda: all(_knows_all(sentinel) for sentinel in sentinels))
        hosts = ",".join(f"{HOST}:{sentinel.port}" for sentinel in sentinels)
        yield Deployment(f"redis+sentinel://{hosts}/{MASTER_NAME}", [master, *replicas])


@contextmanager
def cluster_deployment(folder: Path) -> Iterator[Deployment]:
    """Three masters with a replica each."""
    with contextlib.ExitStack() as ending:
        servers = []
        for number in range(6):
            server = start_server(
                folder / f"node-{number}",
                *_DURABLE,
                *("--cluster-enabled", "yes", "--cluster-node-timeout", "1000"),
            )
            ending.callback(server.child.stop)
            servers.append(server)
        masters, replicas = servers[:3], servers[3:]
        for number, master in enumerate(masters):
            first, last = number * _SLOT_COUNT // 3, (number + 1) * _SLOT_COUNT // 3
            master.client.execute_command("CLUSTER", "ADDSLOTS", *range(first, last))
        for server in servers[1:]:
            server.client.execute_command("CLUSTER", "MEET", HOST, masters[0].port)
        wait_until(lambda: all(_known_nodes(server) == 6 for server in servers))
        for master, replica in zip(masters, replicas, strict=True):
            node_id = master.client.execute_command("CLUSTER", "MYID")
            replica.client.execute_command("CLUSTER", "REPLICATE", node_id)
        wait_until(lambda: all(_is_linked(replica) for replica in replicas))
        wait_until(
            lambda: all(
                server.client.execute_command("CLUSTER INFO")["cluster_state"] == "ok"
                for server in servers
            )
        )
        hosts = ",".join(f"{HOST}:{master.port}" for master in masters)
        yield Deployment(f"redis+cluster://{hosts}", servers)


def _answers(port: int) -> bool:
    with contextlib.suppress(RedisError):
        return bool(redis.Redis(HOST, port, socket_timeout=1).ping())
    return False


def _knows_all(sentinel: Server) -> bool:
    state = sentinel.client.sentinel_master(MASTER_NAME)
    return bool(state["num-slaves"] == 2 and state["num-other-sentinels"] == 2)


def _known_nodes(server: Server) -> int:
    return int(server.client.execute_command("CLUSTER INFO")["cluster_known_nodes"])


def _is_linked(replica: Server) -> bool:
    state = replica.client.info()
    return bool(state["role"] == "slave" and state["master_link_status"] == "up")
