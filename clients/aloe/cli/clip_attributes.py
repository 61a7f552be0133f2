"""`aloe clip set` and `aloe clip annotate`: attributes of clips that are in a pool."""

from pathlib import Path
from typing import Annotated

import typer

from aloe.cli.attributes import parse_assignments, read_keyed
from aloe.cli.console import CommandError, counted, notes, print_json, progress
from aloe.cli.options import DEFAULT_SERVER, Json, PoolId, Server, client
from aloe.client import AloeError, Attributes, ClipUpdate, LearnerClient

_CLIPS_PER_CALL = 1_000


def set_(
    pool_id: PoolId,
    clip_id: Annotated[str, typer.Argument(metavar="CLIP", help="one of the clip's ids")],
    assignments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUE ...",
            help="a number or time where it looks so, or as NAME:text, NAME:number, NAME:time say",
        ),
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="an attribute to take away; repeatable")
    ] = None,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Set attributes of a clip; others stay as they are."""
    update = ClipUpdate(clip_id, parse_assignments(assignments or []), tuple(remove or ()))
    if not (update.attributes or update.removed):
        raise CommandError("nothing to set: give NAME=VALUE, or --remove NAME")
    with client(server) as learner:
        _tell(learner.update_clips(pool_id, [update]), 1, json=json)


def annotate(
    pool_id: PoolId,
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help="CSV or JSON lines with a column clip_id; each other column is an attribute, a"
            " number or time where all of it looks so, or as a heading such as site:text says",
        ),
    ],
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Set attributes of many clips from a table; what has an empty cell stays as it is."""
    _, rows = read_keyed(table, ("clip_id",))
    with client(server) as learner:
        _tell(_update(learner, pool_id, rows), len(rows), json=json)


def _update(learner: LearnerClient, pool_id: str, rows: dict[str, Attributes]) -> int:
    updates = [ClipUpdate(clip_id, attributes) for clip_id, attributes in rows.items()]
    updated_count = 0
    with progress() as bar:
        row = bar.add_task(f"changing {pool_id}", total=len(updates))
        for first in range(0, len(updates), _CLIPS_PER_CALL):
            try:
                updated_count += learner.update_clips(
                    pool_id, updates[first : first + _CLIPS_PER_CALL]
                )
            except AloeError as error:
                if not first:
                    raise
                raise CommandError(f"{error}; the first {counted(first, 'row')} stored") from error
            bar.update(row, completed=first + _CLIPS_PER_CALL)
    return updated_count


def _tell(updated_count: int, clip_count: int, *, json: bool) -> None:
    if json:
        print_json({"updated_count": updated_count, "clip_count": clip_count})
    else:
        notes.print(f"{updated_count:,} of {counted(clip_count, 'clip')} got other attributes")
