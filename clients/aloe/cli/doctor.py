"""`aloe doctor`: what this machine has, what it lacks, and whether a server answers."""

import os
import platform
import sys
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import typer

from aloe.cli.console import print_json, print_table
from aloe.cli.options import DEFAULT_SERVER, Json, Server
from aloe.cli.player import PLAYER_REMEDY, find_player
from aloe.client import AloeError, connect
from aloe.local import REDIS_REMEDY, NoRedis, find_redis_server

_EXTRAS = {
    "embedding": ("tensorflow", "tensorflow_hub", "soundfile", "soxr", "pydantic_settings"),
    "learner": ("redis", "scipy", "fsspec", "soundfile", "threadpoolctl", "pydantic_settings"),
    "all": ("matplotlib",),
}
_PATIENCE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    remedy: str = ""
    needed: bool = True
    """Whether `aloe up` and `aloe demo` need it."""


def doctor(server: Server = DEFAULT_SERVER, json: Json = False) -> None:
    """Check what this machine has and lacks; fails if `aloe up` would."""
    findings = [_python(), *map(_extra, _EXTRAS), _redis(), _player(), _server(server)]
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


def _redis() -> Finding:
    if os.environ.get("REDIS_URL"):
        # The URL may hold a password.
        return Finding("Redis", ok=True, found="REDIS_URL is set")
    try:
        return Finding("Redis", ok=True, found=str(find_redis_server()))
    except NoRedis:
        return Finding("Redis", ok=False, found="none", remedy=REDIS_REMEDY)


def _player() -> Finding:
    command = find_player()
    remedy = "" if command else PLAYER_REMEDY
    return Finding(
        "audio player", command is not None, command[0] if command else "none", remedy, needed=False
    )


def _server(server: str) -> Finding:
    try:
        with connect(server) as learner:
            pools = learner.list_pools(timeout=_PATIENCE)
    except AloeError as error:
        return Finding("learner", ok=False, found=str(error), remedy="aloe up", needed=False)
    return Finding("learner", ok=True, found=f"{server}, {len(pools):,} pools", needed=False)
