"""`aloe doctor`: what this machine has, what it lacks, and whether a server answers."""

import platform
import sys
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
from aloe.cli.doctor_services import learner_finding, port_findings
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

_EXTRAS = {
    "embedding": ("tensorflow", "tensorflow_hub", "soxr", "pydantic_settings"),
    "learner": ("redis", "scipy", "fsspec", "threadpoolctl", "pydantic_settings"),
    "all": ("matplotlib",),
}
_DECODERS = ("soundfile", "av")


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
            help="say what is damaged in the Redis (that of the data folder, or --redis-url), ask,"
            " and mend it",
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
    learner, runs = learner_finding(server)
    findings = [
        _python(),
        *map(_extra, _EXTRAS),
        _decoders(),
        *redis_findings(redis_url, folder),
        *file_findings(folder),
        _player(),
        learner,
        # Where ALOE runs already, it has them itself.
        *([] if runs and server == address else port_findings(address, embedding_address)),
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
