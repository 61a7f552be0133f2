"""Options that several commands share."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from fractions import Fraction
from math import nan
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from aloe.audio.cutting.spans import BadCut, exact
from aloe.bench.datasets.audio_files import audio_below
from aloe.cli.console import CommandError, notes
from aloe.client import (
    AcquisitionFunction,
    ConnectOptions,
    Decoding,
    HeadRecipe,
    InvalidArgument,
    LearnerClient,
    connect,
    head_recipe_forms,
    parse_head_recipe,
)
from aloe.values.audio import CHANNEL_WORDS, parse_channel


def default_data_dir() -> Path:
    """Return where labels and audio are kept unless told otherwise."""
    return Path(platformdirs.user_data_dir("aloe"))


Server = Annotated[
    str, typer.Option("--server", envvar="ALOE_SERVER", help="host:port of the learner service")
]
DEFAULT_SERVER, DEFAULT_EMBEDDING = "127.0.0.1:50062", "127.0.0.1:50061"
RedisUrl = Annotated[
    str,
    typer.Option(envvar="REDIS_URL", help="a Redis that runs already; without it one is started"),
]
Address = Annotated[str, typer.Option(help="host:port of the learner")]
EmbeddingAddress = Annotated[str, typer.Option(help="host:port of the embedding service")]
DataDir = Annotated[
    Path | None,
    typer.Option(help=f"where labels and audio are kept; by default {default_data_dir()}"),
]
Json = Annotated[bool, typer.Option("--json", help="write JSON on standard output, for scripts")]
Encoder = Annotated[
    str,
    typer.Option(
        help="logmel, trillsson1 to trillsson5, trill, trill-distilled, frill, the folder of a"
        " SavedModel, or a TF Hub handle or URL"
    ),
]
Files = Annotated[list[Path], typer.Argument(help="audio files, or folders of them")]
"""One that is not there does not stop the others: it is told where it is read."""
OptionalFiles = Annotated[
    list[Path] | None, typer.Argument(help="audio files, or folders of them", show_default=False)
]
TaskId = Annotated[str, typer.Argument(metavar="TASK", help="the task's id")]
PoolId = Annotated[str, typer.Argument(metavar="POOL", help="the pool's id")]
AskedHead = Annotated[
    str,
    typer.Option("--head", help="version or promoted name of a head; the newest if not given"),
]


def with_settings(forms: Sequence[str]) -> str:
    """Write forms such as "adam:learning_rate=0.001,epoch_count=100" so that lines can break."""
    spaced = (each.replace(":", " (", 1).replace(",", ", ") for each in forms)
    return ", ".join(f"{each})" if "(" in each else each for each in spaced)


HEAD_RECIPE_HELP = (
    "how heads are trained, such as adam:epoch_count=50,batch_size=16; recipes, and their settings"
    f" where nothing is said: {with_settings(head_recipe_forms())}"
)
OracleId = Annotated[
    str,
    typer.Option(
        "--oracle",
        envvar="ALOE_ORACLE",
        help="who answers; by default user@host, in aloe label user@host:session",
    ),
]

_CHANNEL_HELP = (
    f"which channel to hear: {CHANNEL_WORDS}; by default the mix, and files are refused whose"
    " channels cancel each other out"
)
Channel = Annotated[str, typer.Option(help=_CHANNEL_HELP)]
AcceptDamaged = Annotated[
    bool,
    typer.Option(
        "--accept-damaged", help="take what can be heard of files that are cut off or damaged"
    ),
]
Where = Annotated[
    str,
    typer.Option(
        "--filter",
        metavar="FILTER",
        help="only clips that this takes, such as 'site = \"north\" AND NOT snr < 3'",
    ),
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="leave out clips that cannot be heard, which are named")
]

WindowText = Annotated[
    str, typer.Option("--window", metavar="TIME", help="cut recordings into windows of, such as 5s")
]
HopText = Annotated[
    str,
    typer.Option(
        "--hop",
        metavar="TIME",
        help="from one window's begin to the next; the window's length if not given",
    ),
]
PATIENCE = timedelta(seconds=5)
"""Longer than any call takes that is no import or prediction; a person waits for the answer."""


def share(text: str) -> float:
    """Read a part of one: 0.02, or 2%.

    Raises:
        typer.BadParameter: it is none.
    """
    number, is_percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    try:
        value = float(number) / (100 if is_percent else 1)
    except ValueError:
        value = nan
    if not 0 <= value <= 1:
        raise typer.BadParameter(f"{text!r} is no part such as 0.02 or 2%")
    return value


def client(
    server: str,
    patience: timedelta = PATIENCE,
    on_repeat: Callable[[Exception], None] | None = None,
) -> LearnerClient:
    """Connect to a learner service; how long calls are repeated is up to the command."""
    return connect(server, ConnectOptions(timeout=patience, on_repeat=on_repeat))


def audio_files(paths: list[Path]) -> list[tuple[Path, str]]:
    """Return the audio files among and below some paths, each with its path relative to its start.

    A file that is named is taken whatever its ending; which others are not taken is told.

    Raises:
        CommandError: there are none.
    """
    found: list[tuple[Path, str]] = []
    others: Counter[str] = Counter()
    for path in paths:
        if path.is_dir():
            inside = audio_below(path)
            found += [(each, each.relative_to(path).as_posix()) for each in inside.files]
            others.update(inside.others)
        else:
            found.append((path, path.name))
    if others:
        kinds = [f"{count:,} {suffix or 'without one'}" for suffix, count in others.items()]
        notes.print(f"left alone by their endings: {', '.join(kinds)}", highlight=False)
    if not found:
        raise CommandError(f"no audio files in {', '.join(map(str, paths))}")
    return found


def parse_decoding(channel: str, *, accept_damaged: bool) -> Decoding:
    """Read how files are to be decoded."""
    try:
        return Decoding(*parse_channel(channel), accept_damaged)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def duration_of_lease(seconds: float | None) -> timedelta | None:
    """Read how long a clip is held; the server says what is too short or too long."""
    try:
        return None if seconds is None else timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise typer.BadParameter(f"{seconds:g} s; it must be a millisecond to a day") from None


def parse_recipe(text: str) -> HeadRecipe:
    """Read a head recipe."""
    try:
        return parse_head_recipe(text)
    except InvalidArgument as error:
        raise typer.BadParameter(error.violations[0].description) from None


def parse_acquisition_functions(text: str) -> tuple[AcquisitionFunction, ...]:
    """Read acquisition functions separated by commas."""
    try:
        return tuple(map(AcquisitionFunction, split_list(text)))
    except ValueError as error:
        known = ", ".join(each.value for each in AcquisitionFunction)
        raise typer.BadParameter(f"{error}; there are {known}") from None


_UNITS_S = {
    "": Fraction(1),
    "s": Fraction(1),
    "ms": Fraction(1, 1_000),
    "min": Fraction(60),
    "h": Fraction(3_600),
}


def parse_seconds(text: str, option: str) -> Fraction:
    """Read a time, such as 2.5s, 250ms, 3min or 1h; a plain number is of seconds. In seconds."""
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz ")
    try:
        time_s = exact(number.strip(), option) * _UNITS_S[text[len(number) :].strip()]
    except (BadCut, KeyError):
        raise typer.BadParameter(
            f"{text!r} is no time, such as 2.5s, 250ms, 3min or 1h", param_hint=option
        ) from None
    if time_s < 0:
        raise typer.BadParameter(f"{text!r} is less than 0 s", param_hint=option)
    return time_s


def split_list(text: str) -> list[str]:
    """Read a list separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]
