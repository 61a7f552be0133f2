"""`aloe clip`: list, show, change and delete clips of a pool, and find those that are alike."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Annotated, Any

import numpy as np
import typer

from aloe.cli.attributes import attributes_text, text_of
from aloe.cli.clip_attributes import annotate, set_
from aloe.cli.console import (
    CommandError,
    complain,
    confirm,
    counted,
    notes,
    print_json,
    print_table,
    progress,
)
from aloe.cli.near_duplicates import near_pairs
from aloe.cli.options import DEFAULT_SERVER, Json, PoolId, Server, Where, client
from aloe.client import AloeError, Clip, DeletedClips, LearnerClient

app = typer.Typer(help="The clips of a pool.", no_args_is_help=True)
app.command("set")(set_)
app.command()(annotate)

ClipId = Annotated[str, typer.Argument(metavar="CLIP", help="one of the clip's ids")]
_CLIPS_PER_CALL = 1_000
_PATIENCE = timedelta(minutes=10)
"""For reading a whole pool."""
_MOST_PAIRS = 100_000
PLACE_COLUMNS = ["start_s", "end_s"]
"""Of tables with windows of recordings; filters call them so."""


@dataclass(frozen=True, slots=True)
class EqualClips:
    """Ids of the same content."""

    clip_ids: tuple[str, ...]
    clip_count: int
    """How many clips they are: 1 where all of them name one clip."""


@dataclass(frozen=True, slots=True)
class NearClips:
    """Two clips whose embeddings point nearly the same way."""

    clip_id: str
    other_id: str
    cosine: float


@app.command("list")
def list_(
    pool_id: PoolId, where: Where = "", server: Server = DEFAULT_SERVER, json: Json = False
) -> None:
    """List the clips of a pool in the order of their import."""
    with client(server) as learner:
        clips = list(learner.list_clips(pool_id, where))
    if json:
        print_json(clips)
        return
    are_windows = any(clip.recording_id for clip in clips)
    print_table(
        ["clip", *(PLACE_COLUMNS * are_windows), "other names", "seconds", "attributes", "URI"],
        [
            [
                clip.clip_id,
                *(place_cells(clip.start_s, clip.end_s) * are_windows),
                " ".join(clip.other_ids),
                _seconds(clip),
                attributes_text(clip.attributes),
                clip.uri or None,
            ]
            for clip in clips
        ],
    )


@app.command()
def show(
    pool_id: PoolId, clip_id: ClipId, server: Server = DEFAULT_SERVER, json: Json = False
) -> None:
    """Show one clip, by any of its ids."""
    with client(server) as learner:
        _show(learner.get_clip(pool_id, clip_id), json=json)


@app.command()
def rename(
    pool_id: PoolId,
    clip_id: ClipId,
    new_id: Annotated[str, typer.Argument(metavar="NEW", help="the id that it gets instead")],
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Give a clip another id; its labels stay with it."""
    with client(server) as learner:
        _show(learner.rename_clip(pool_id, clip_id, new_id), json=json)


@app.command()
def delete(
    pool_id: PoolId,
    clip_ids: Annotated[list[str], typer.Argument(metavar="CLIP...", help="ids of clips")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Delete clips with their labels, which only the event logs of the tasks keep.

    By its first id a clip goes with all its names, by another one only that name goes.
    """
    ids = list(dict.fromkeys(clip_ids))
    if not yes:
        what = f"clip {ids[0]}" if len(ids) == 1 else f"{len(ids):,} clips"
        confirm(f"Delete {what} of pool {pool_id}, with labels?")
    with client(server) as learner:
        deleted = _delete(learner, pool_id, ids)
    if json:
        print_json(deleted)
        return
    notes.print(f"deleted {counted(deleted.clip_count, 'clip')}")
    if deleted.name_count:
        notes.print(f"{counted(deleted.name_count, 'name')} gone of clips that keep others")
    if deleted.absent_count:
        notes.print(f"gone already: {deleted.absent_count:,}")


@app.command()
def duplicates(
    pool_id: PoolId,
    near: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="also pairs whose embeddings have this cosine or more: 0.999"
        ),
    ] = None,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """List the ids that have the same content, and on demand clips that are nearly alike."""
    with client(server) as learner:
        equal = _equal_clips(learner.list_clips(pool_id))
        pairs = [] if near is None else _near_clips(learner, pool_id, near)
    is_cut = len(pairs) > _MOST_PAIRS
    pairs = pairs[:_MOST_PAIRS]
    if json:
        print_json({"equal": equal, "near": pairs, "near_is_cut": is_cut})
    else:
        print_table(
            ["clips", "the same content"],
            [[each.clip_count, " ".join(each.clip_ids)] for each in equal],
        )
        if near is not None:
            rows = [[each.clip_id, each.other_id, f"{each.cosine:.6f}"] for each in pairs]
            print_table(["clip", "nearly alike", "cosine"], rows)
    if is_cut:
        complain(f"only {_MOST_PAIRS:,} pairs are listed, there are more: give a higher --near")
        raise typer.Exit(1)


def _delete(learner: LearnerClient, pool_id: str, ids: list[str]) -> DeletedClips:
    done = [0, 0, 0]
    with progress() as bar:
        row = bar.add_task(f"deleting from {pool_id}", total=len(ids))
        for first in range(0, len(ids), _CLIPS_PER_CALL):
            some = ids[first : first + _CLIPS_PER_CALL]
            try:
                deleted = learner.delete_clips(pool_id, some)
            except AloeError as error:
                if not first:
                    raise
                raise CommandError(
                    f"{error}; deleted before that: {counted(done[0], 'clip')}"
                ) from error
            found = (deleted.clip_count, deleted.name_count, deleted.absent_count)
            done = [before + more for before, more in zip(done, found, strict=True)]
            bar.update(row, completed=first + len(some))
    return DeletedClips(*done)


def _equal_clips(clips: Iterable[Clip]) -> list[EqualClips]:
    by_content: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        by_content[clip.content_hash].append(clip)
    return [
        EqualClips(tuple(name for clip in equal for name in _names(clip)), len(equal))
        for equal in by_content.values()
        if len(equal) > 1 or equal[0].other_ids
    ]


def _near_clips(learner: LearnerClient, pool_id: str, least_cosine: float) -> list[NearClips]:
    """Return one pair more than are shown where there are more; none of equal content."""
    pool = learner.get_pool(pool_id)
    clips: list[Clip] = []
    embeddings = np.empty((pool.clip_count, pool.embedding_dim), np.float32)
    with progress() as bar:
        row = bar.add_task(f"reading {pool_id}", total=pool.clip_count)
        for each in islice(learner.export_clips(pool_id, timeout=_PATIENCE), pool.clip_count):
            embeddings[len(clips)] = each.embedding
            clips.append(each.clip)
            if len(clips) % _CLIPS_PER_CALL == 0:
                bar.update(row, completed=len(clips))
        row = bar.add_task("comparing", total=len(clips))
        found = (
            NearClips(clips[first].clip_id, clips[second].clip_id, cosine)
            for first, second, cosine in near_pairs(
                embeddings[: len(clips)],
                least_cosine,
                lambda done: bar.update(row, completed=done),
            )
            if clips[first].content_hash != clips[second].content_hash
        )
        return list(islice(found, _MOST_PAIRS + 1))


def place_cells(start_s: float | None, end_s: float | None) -> list[str | None]:
    """Return where a window lies in its recording, for PLACE_COLUMNS."""
    return [None if time_s is None else f"{time_s:.3f}" for time_s in (start_s, end_s)]


def _names(clip: Clip) -> tuple[str, ...]:
    return clip.clip_id, *clip.other_ids


def _seconds(clip: Clip) -> str | None:
    return None if clip.duration is None else f"{clip.duration.total_seconds():.2f}"


def _show(clip: Clip, *, json: bool) -> None:
    if json:
        print_json(clip)
        return
    rows: list[Sequence[Any]] = [
        ["other names", " ".join(clip.other_ids) or None],
        *([["recording", clip.recording_id]] if clip.recording_id else []),
        *(
            zip(PLACE_COLUMNS, place_cells(clip.start_s, clip.end_s), strict=True)
            if clip.recording_id
            else []
        ),
        ["seconds", _seconds(clip)],
        ["URI", clip.uri or None],
        *([name, text_of(value)] for name, value in clip.attributes.items()),
        ["content hash", clip.content_hash],
        *(["found in it", warning.message] for warning in clip.report.warnings),
    ]
    print_table(["clip", clip.clip_id], rows)
