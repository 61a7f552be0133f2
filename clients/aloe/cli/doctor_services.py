"""What `aloe doctor` says of the addresses of services: who listens there."""

import errno
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from aloe.cli.console import counted
from aloe.cli.doctor_finding import Finding
from aloe.client import AloeError, connect

_PATIENCE = timedelta(seconds=2)
_CONNECT_S = 0.9
_LEARNER, _EMBEDDING = "aloe.v1.LearnerService", "aloe.v1.EmbeddingService"


def learner_finding(server: str) -> tuple[Finding, bool]:
    """Ask a learner; return what it said, and whether one listens there, whatever it said."""
    found = f"nothing listens at {server}"
    if not _is_deaf(server):
        try:
            with connect(server) as learner:
                pools = learner.list_pools(timeout=_PATIENCE)
        except AloeError as error:
            # An answer with a reason is one of a service of ours.
            if error.reason or _is_ours(server, _LEARNER):
                return _out_of_order(server, error), True
            found = str(error)
        else:
            found = f"{server}, {counted(len(pools), 'pool')}"
            if pools.unreadable:
                return _out_of_order(server, pools.unreadable[0]), True
            return Finding("learner", ok=True, found=found, needed=False), True
    return Finding("learner", ok=False, found=found, remedy="aloe up", needed=False), False


def _out_of_order(server: str, error: AloeError) -> Finding:
    if error.reason not in ("", "STORE_UNAVAILABLE"):
        found, remedy = f"runs at {server}, but says: {error}", "see its log"
    else:
        found = f"runs at {server} and waits for its Redis ({error})"
        remedy = "start its Redis, or see what holds that up; the learner goes on by itself"
    return Finding("learner", ok=False, found=found, remedy=remedy, needed=False)


def _is_ours(address: str, service: str) -> bool:
    """Whether a service of ours listens there, be it ready or not."""
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=_CONNECT_S)
        except grpc.RpcError:
            return False
    return True


def _is_deaf(address: str) -> bool:
    """Whether nothing takes connections at host:port; a client would go on trying for a while."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return False
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S).close()
    except (OSError, OverflowError, UnicodeError):
        return True
    return False


def port_findings(learner: str, embedding: str) -> Iterator[Finding]:
    """Name the addresses for `aloe up` that cannot be listened on."""
    for option, address, service in (
        ("address", learner, _LEARNER),
        ("embedding-address", embedding, _EMBEDDING),
    ):
        if _is_taken(address):
            who = "another ALOE" if _is_ours(address, service) else "another program"
            yield Finding(
                option.replace("-", " "),
                ok=False,
                found=f"{who} has {address}",
                remedy=f"end that, or aloe up --{option} HOST:PORT",
            )


def _is_taken(address: str) -> bool:
    host, _, port = address.rpartition(":")
    if not port.isdecimal():
        return False  # The service says what is wrong with it.
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            # As servers do: a port whose last user has just ended is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]"), int(port)))
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    except (OverflowError, UnicodeError):
        return False
    return False
