"""`aloe doctor --repair`: what is damaged in the learner's Redis, and mending it."""

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from aloe.cli.console import CommandError, confirm, notes, print_json, print_table
from aloe.local import redis_of

if TYPE_CHECKING:  # They need a package that is not there in a plain installation.
    from aloe.redis.connecting import BlockingRedisClient
    from aloe.redis.repair import Damage

_TIMEOUT_S = 60.0
"""A script that goes through a million clips takes some seconds."""


def repair(url: str, data_dir: Path, *, dry_run: bool, yes: bool, json: bool) -> None:
    """Say what is damaged, ask, and mend it; exit with 1 while anything is left.

    Args:
        url: of the Redis; empty for that of a data folder, which is started where none runs.
        data_dir: of `aloe up`.
        dry_run: mends nothing.
        yes: does not ask.
        json: writes what was found and what is left as JSON.

    Raises:
        CommandError: there is no Redis to look at, or the answer is no.
    """
    from aloe.redis.repair import examine

    with _url(url, data_dir) as found_url, _redis(found_url) as client:
        found = left = list(examine(client, mends=False))
        count = sum(damage.can_be_mended for damage in found)
        if count and not dry_run:
            if not yes:
                _show(found)
                confirm(f"Mend {count:,} of {len(found):,}?", "nothing was mended")
            # What is mended may have kept something else from being seen.
            found = [*examine(client, mends=True), *examine(client, mends=True)]
            left = list(examine(client, mends=False))
    if json:
        print_json({"found": found, "left": left})
    else:
        _show(found)
        notes.print(f"{len(left):,} left" if left else "nothing is damaged now")
    if left:
        raise typer.Exit(1)


def _url(url: str, data_dir: Path) -> AbstractContextManager[str]:
    return contextlib.nullcontext(url) if url else redis_of(data_dir)


@contextlib.contextmanager
def _redis(url: str) -> "Iterator[BlockingRedisClient]":
    from aloe.redis.connecting import connect_once
    from aloe.redis.faults import FAILURES, fault_of

    try:
        connected = connect_once(url, _TIMEOUT_S)
    except ValueError as error:
        raise CommandError(f"--redis-url: {error}") from None
    try:
        with contextlib.closing(connected) as client:
            yield client
    except FAILURES as error:
        raise CommandError(str(fault_of(error, url, _TIMEOUT_S))) from error


def _show(found: "list[Damage]") -> None:
    if found:
        print_table(
            ["key", "found", "mending", "cost"],
            [[each.key, each.found, each.mend, each.cost or "-"] for each in found],
        )
