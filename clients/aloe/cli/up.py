"""`aloe up`: Redis and both services in one go."""

import contextlib
import signal
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote

import typer

from aloe.cli.console import notes, print_json, results
from aloe.cli.options import (
    DEFAULT_EMBEDDING,
    DEFAULT_SERVER,
    Address,
    DataDir,
    EmbeddingAddress,
    Encoder,
    Json,
    RedisUrl,
    default_data_dir,
)
from aloe.local import HearFiles, LocalStack, StackOptions
from aloe.values.urls import shown


def up(
    encoder: Encoder = "logmel",
    data_dir: DataDir = None,
    address: Address = DEFAULT_SERVER,
    embedding_address: EmbeddingAddress = DEFAULT_EMBEDDING,
    learners: Annotated[
        int, typer.Option(min=1, help="replicas of the learner; the others take any free port")
    ] = 1,
    redis_url: RedisUrl = "",
    audio_from: Annotated[
        list[str] | None,
        typer.Option(
            help="a place whose audio clients may name by URI, such as file:///data/; may be given"
            " more than once. A learner by itself calls them --audio-uri-prefixes"
        ),
    ] = None,
    hear_files: Annotated[
        HearFiles,
        typer.Option(
            envvar="ALOE_LEARNER_HEAR_FILES",
            help="whether clips may be heard from the files of this machine that they were imported"
            " from, while these are unchanged; auto: if only this machine can connect",
        ),
    ] = "auto",
    json: Json = False,
) -> None:
    """Start Redis, the embedding service and the learner; Ctrl-C ends them all."""
    options = StackOptions(
        encoder=encoder,
        data_dir=data_dir or default_data_dir(),
        redis_url=redis_url,
        learner_address=address,
        learner_count=learners,
        embedding_address=embedding_address,
        audio_uri_prefixes=tuple(audio_from or ()),
        hear_files=hear_files,
    )
    # Ready for Ctrl-C before the first line is printed: a script may send it on reading that.
    with start_stack(options) as stack, contextlib.suppress(KeyboardInterrupt):
        _announce(stack, json=json)
        signal.pause()


def _announce(stack: LocalStack, *, json: bool) -> None:
    if json:
        print_json(
            {
                "learner": stack.learner_address,
                "learners": stack.learner_addresses,
                "embedding": stack.embedding_address,
                "redis": shown(stack.redis_url),
                "logs": str(stack.log_dir),
                "audio": str(stack.audio_dir),
                "hears_files": stack.hears_files,
                "audio_from": stack.audio_from,
                "pids": stack.pids,
            }
        )
        return
    for learner in stack.learner_addresses:
        results.print(f"learner    {learner}", highlight=False)
    results.print(f"embedding  {stack.embedding_address}", highlight=False)
    results.print(f"redis      {shown(stack.redis_url)}", highlight=False, soft_wrap=True)
    results.print(f"logs       {stack.log_dir}", highlight=False, soft_wrap=True)
    results.print(
        f"audio      {stack.audio_dir} (of pools that keep it)", highlight=False, soft_wrap=True
    )
    for place in stack.audio_from:
        lacks = ", once a folder is there" if is_missing_folder(place) else ""
        line = f"audio from {place} (clients may name what is there{lacks})"
        results.print(line, highlight=False, markup=False, soft_wrap=True)
    heard = (
        "are heard from their files on this machine, while these are unchanged"
        if stack.hears_files
        else "cannot be heard from files of this machine (--hear-files on lets them)"
    )
    notes.print(f"Clips of other pools {heard}.", highlight=False, soft_wrap=True)
    notes.print("Ctrl-C ends everything. Next: aloe import POOL FOLDER")


def is_missing_folder(place: str) -> bool:
    """Whether a place is one of this machine, which is not there."""
    for start in ("file://localhost/", "file:///"):
        if place.startswith(start):
            return not Path(unquote(place[len(start) - 1 :])).is_dir()
    return place.startswith("/") and not Path(place).is_dir()


def start_stack(options: StackOptions) -> AbstractContextManager[LocalStack]:
    """Make a stack that tells what it is doing; SIGTERM ends it as Ctrl-C does."""
    end_on_sigterm()
    return LocalStack(options, on_step=lambda step: notes.print(step, style="dim"))


def end_on_sigterm() -> None:
    """Let SIGTERM end this process in order, as Ctrl-C does."""
    # SIGINT too: a shell starts its background jobs with that ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
