"""`aloe query`, `aloe submit` and `aloe label`: labeling from a script and at a terminal."""

import getpass
from datetime import timedelta
from typing import Annotated

import typer

from aloe.cli.console import CommandError, notes, print_json, print_table
from aloe.cli.options import DEFAULT_SERVER, Json, OracleId, Server, TaskId, client
from aloe.cli.terminal_oracle import TerminalSession
from aloe.client import Answer

_ABSTAIN = "-"
_PATIENCE = timedelta(minutes=2)


def query(
    task_id: TaskId,
    count: Annotated[int, typer.Option(min=1, help="at most so many clips")] = 1,
    min_head: Annotated[int, typer.Option(min=0, help="wait for this head version")] = 0,
    oracle: OracleId = "",
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Ask for the clips most worth a label, and lease them."""
    with client(server) as learner:
        found = learner.query(
            task_id,
            _oracle_id(oracle),
            max_clip_count=count,
            min_head_version=min_head,
            timeout=_PATIENCE if min_head else None,
        )
    if json:
        print_json(found)
        return
    if not found.leases:
        notes.print(f"no clips: {found.pool_state.value}")
    print_table(
        ["lease", "clip", "predicted", "score", "until"],
        [
            [
                lease.lease_id,
                lease.clip_id,
                lease.predicted_class or None,
                None if lease.score is None else f"{lease.score:.4f}",
                lease.expire_time,
            ]
            for lease in found.leases
        ],
    )


def submit(
    task_id: TaskId,
    answers: Annotated[
        list[str], typer.Argument(metavar="LEASE=CLASS ...", help=f"{_ABSTAIN} abstains")
    ],
    oracle: OracleId = "",
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Answer leases that `aloe query` gave."""
    parsed = []
    for text in answers:
        lease_id, equals, label = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"{text!r} is not of the form LEASE=CLASS")
        parsed.append(Answer(lease_id, None if label == _ABSTAIN else label))
    with client(server) as learner:
        result = learner.submit_labels(task_id, _oracle_id(oracle), parsed)
    if json:
        print_json(result)
    else:
        notes.print(f"stored; the task has {result.label_count:,} labels")


def label(
    task_id: TaskId,
    batch: Annotated[int, typer.Option(min=1, help="clips held at a time")] = 4,
    play: Annotated[bool, typer.Option(help="play the clips, if there is a player")] = True,
    oracle: OracleId = "",
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Label clips at the terminal: it plays or names a clip, and takes a key."""
    with client(server) as learner:
        session = TerminalSession(learner, task_id, _oracle_id(oracle), play=play)
        outcome = session.run(batch)
    if json:
        print_json(outcome)
    else:
        notes.print(
            f"{outcome.label_count:,} labeled, {outcome.abstention_count:,} skipped;"
            f" the task is {outcome.pool_state.value}"
        )


def _oracle_id(oracle: str) -> str:
    if oracle:
        return oracle
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise CommandError("who answers? give --oracle NAME, or set ALOE_ORACLE") from None
