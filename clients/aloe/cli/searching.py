"""`aloe search`: the clips of a pool that are most like a clip or a sound."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

import typer

from aloe.cli.attributes import attributes_text
from aloe.cli.clips import tell_warnings
from aloe.cli.console import print_json, print_table
from aloe.cli.examples import LIKE_HELP, read_like
from aloe.cli.options import (
    DEFAULT_SERVER,
    AcceptDamaged,
    Channel,
    Json,
    PoolId,
    Server,
    Where,
    client,
    parse_decoding,
)
from aloe.cli.pool_clips import PLACE_COLUMNS, place_cells
from aloe.client import Attributes, Similarity

_PATIENCE = timedelta(minutes=2)
"""A pool that no learner has in memory is read first."""


@dataclass(frozen=True, slots=True)
class Result:
    """A clip that is like the example."""

    clip_id: str
    similarity: float
    start_s: float | None
    """Where it begins in its recording, where it is a part of one."""
    end_s: float | None
    uri: str
    attributes: Attributes = field(hash=False)


def search(
    pool_id: PoolId,
    like: Annotated[str, typer.Option(metavar="CLIP|FILE", help=LIKE_HELP)],
    count: Annotated[int, typer.Option(min=1, max=10_000, help="at most so many clips")] = 50,
    similarity: Annotated[
        Similarity, typer.Option(help="how embeddings are compared")
    ] = Similarity.COSINE,
    where: Where = "",
    task: Annotated[
        str | None,
        typer.Option(help="a task on the pool, whose state, split and label --filter can name"),
    ] = None,
    unlabeled: Annotated[
        bool, typer.Option("--unlabeled", help="only clips that --task can still ask for")
    ] = False,
    channel: Channel = "",
    accept_damaged: AcceptDamaged = False,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Find the clips of a pool that are most like a clip or a sound; all are compared."""
    decoding = parse_decoding(channel, accept_damaged=accept_damaged)
    with client(server) as learner:
        found = learner.search_clips(
            pool_id,
            read_like(learner, pool_id, like, decoding),
            similarity=similarity,
            count=count,
            filter=where,
            task_id=task,
            unlabeled_only=unlabeled,
            timeout=_PATIENCE,
        )
    tell_warnings([(like, found.report.warnings)])
    results = [
        Result(
            each.clip.clip_id,
            each.similarity,
            each.clip.start_s,
            each.clip.end_s,
            each.clip.uri,
            each.clip.attributes,
        )
        for each in found.found
    ]
    if json:
        print_json({"results": results})
        return
    are_windows = any(each.start_s is not None for each in results)
    print_table(
        ["clip", *(PLACE_COLUMNS * are_windows), "similarity", "attributes", "URI"],
        [
            [
                each.clip_id,
                *(place_cells(each.start_s, each.end_s) * are_windows),
                f"{each.similarity:.4f}",
                attributes_text(each.attributes),
                each.uri or None,
            ]
            for each in results
        ],
    )
