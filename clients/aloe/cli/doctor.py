"""`aloe doctor`: what this machine has, what it lacks, and whether a server answers."""

import errno
import platform
import socket
import sys
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Annotated

import typer

from aloe.cli.console import print_json, print_table
from aloe.cli.doctor_files import file_findings
from aloe.cli.doctor_finding import Finding
from aloe.cli.doctor_redis import redis_findings
from aloe.cli.doctor_repair import repair
from aloe.cli.options import (
    DEFAULT_EMBEDDING,
    DEFAULT_SERVER,
    Address,
    DataDir,
    EmbeddingAddress,
    Json,
    RedisUrl,
    Server,
    default_data_dir,
)
from aloe.cli.player import PLAYER_REMEDY, find_player
from aloe.client import AloeError, connect

_EXTRAS = {
    "embedding": ("tensorflow", "tensorflow_hub", "soxr", "pydantic_settings"),
    "learner": ("redis", "scipy", "fsspec", "threadpoolctl", "pydantic_settings"),
    "all": ("matplotlib",),
}
_DECODERS = ("soundfile", "av")
_PATIENCE = timedelta(seconds=2)
_CONNECT_S = 0.9


def doctor(
    server: Server = DEFAULT_SERVER,
    redis_url: RedisUrl = "",
    data_dir: DataDir = None,
    address: Address = DEFAULT_SERVER,
    embedding_address: EmbeddingAddress = DEFAULT_EMBEDDING,
    repairs: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="say what is damaged in the Redis (of the data folder, or of --redis-url), ask, and"
            " mend it",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="with --repair: mend nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="with --repair: do not ask")] = False,
    json: Json = False,
) -> None:
    """Check what this machine has and lacks; fails if `aloe up` with the same options would."""
    folder = data_dir or default_data_dir()
    if repairs:
        repair(redis_url, folder, dry_run=dry_run, yes=yes, json=json)
        return
    if dry_run or yes:
        raise typer.BadParameter("--dry-run and --yes go with --repair")
    learner = _server(server)
    findings = [
        _python(),
        *map(_extra, _EXTRAS),
        _decoders(),
        *redis_findings(redis_url, folder),
        *file_findings(folder),
        _player(),
        learner,
        # Where ALOE runs already, it has them itself.
        *([] if learner.ok and server == address else _ports(address, embedding_address)),
    ]
    if json:
        print_json(findings)
    else:
        print_table(
            ["", "what", "found", "what to do"],
            [
                ["ok" if f.ok else "no" if f.needed else "-", f.name, f.found, f.remedy or ""]
                for f in findings
            ],
        )
    if any(not finding.ok and finding.needed for finding in findings):
        raise typer.Exit(1)


def _python() -> Finding:
    ok = (3, 11) <= sys.version_info < (3, 14)
    return Finding(
        "Python", ok, platform.python_version(), "" if ok else "use Python 3.11, 3.12 or 3.13"
    )


def _extra(extra: str) -> Finding:
    modules = _EXTRAS[extra]
    missing = [module for module in modules if find_spec(module) is None]
    remedy = f"pip install 'aloe-speech[{extra}]'" if missing else ""
    found = f"without {', '.join(missing)}" if missing else _version_of(modules[0])
    return Finding(f"extra {extra}", not missing, found, remedy, needed=extra != "all")


def _version_of(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package


def _decoders() -> Finding:
    """Import them: each needs libraries that may lack although the package is there."""
    lacking = []
    for module in _DECODERS:
        try:
            import_module(module)
        except (ImportError, OSError) as error:
            lacking.append(f"{module} ({' '.join(str(error).split())})")
    if lacking:
        remedy = "pip install 'aloe-speech[embedding,learner]'"
        return Finding(
            "audio decoders", ok=False, found=f"without {', '.join(lacking)}", remedy=remedy
        )
    return Finding("audio decoders", ok=True, found=", ".join(map(_version_of, _DECODERS)))


def _player() -> Finding:
    command = find_player()
    remedy = "" if command else PLAYER_REMEDY
    return Finding(
        "audio player", command is not None, command[0] if command else "none", remedy, needed=False
    )


def _server(server: str) -> Finding:
    if _is_deaf(server):
        found = f"nothing listens at {server}"
        return Finding("learner", ok=False, found=found, remedy="aloe up", needed=False)
    try:
        with connect(server) as learner:
            pools = learner.list_pools(timeout=_PATIENCE)
    except AloeError as error:
        return Finding("learner", ok=False, found=str(error), remedy="aloe up", needed=False)
    return Finding("learner", ok=True, found=f"{server}, {len(pools):,} pools", needed=False)


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


def _ports(learner: str, embedding: str) -> Iterator[Finding]:
    """Name the addresses for `aloe up` that cannot be listened on."""
    for option, address in (("address", learner), ("embedding-address", embedding)):
        if _is_taken(address):
            yield Finding(
                option.replace("-", " "),
                ok=False,
                found=f"another program has {address}",
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
