"""Options that several commands share."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from aloe.bench.datasets.folders import AUDIO_SUFFIXES
from aloe.client import AcquisitionFunction, ConnectOptions, LearnerClient, connect

Server = Annotated[
    str, typer.Option("--server", envvar="ALOE_SERVER", help="host:port of the learner service")
]
DEFAULT_SERVER = "127.0.0.1:50062"
Json = Annotated[bool, typer.Option("--json", help="write JSON on standard output, for scripts")]
Encoder = Annotated[
    str,
    typer.Option(
        help="logmel, trillsson1 to trillsson5, trill, trill-distilled, frill, the folder of a"
        " SavedModel, or a TF Hub handle or URL"
    ),
]
Files = Annotated[list[Path], typer.Argument(help="audio files, or folders of them", exists=True)]
TaskId = Annotated[str, typer.Argument(metavar="TASK", help="the task's id")]
PoolId = Annotated[str, typer.Argument(metavar="POOL", help="the pool's id")]
OracleId = Annotated[str, typer.Option("--oracle", envvar="ALOE_ORACLE", help="who answers")]


_PATIENCE = timedelta(seconds=5)
"""Longer than any call takes that is no import or prediction; a person waits for the answer."""


def client(server: str) -> LearnerClient:
    """Connect to a learner service."""
    return connect(server, ConnectOptions(timeout=_PATIENCE))


def audio_files(paths: list[Path]) -> list[tuple[Path, str]]:
    """Return the audio files among and below some paths, each with its path relative to its start.

    A file that is named is taken whatever its ending.
    """
    found: list[tuple[Path, str]] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                each
                for each in path.rglob("*")
                if each.is_file() and each.suffix.lower() in AUDIO_SUFFIXES
            )
            found += [(each, each.relative_to(path).as_posix()) for each in inside]
        else:
            found.append((path, path.name))
    return found


def parse_acquisition_functions(text: str) -> tuple[AcquisitionFunction, ...]:
    """Read acquisition functions separated by commas."""
    try:
        return tuple(map(AcquisitionFunction, split_list(text)))
    except ValueError as error:
        known = ", ".join(each.value for each in AcquisitionFunction)
        raise typer.BadParameter(f"{error}; there are {known}") from None


def split_list(text: str) -> list[str]:
    """Read a list separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]
