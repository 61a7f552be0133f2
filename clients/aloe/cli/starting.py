"""`aloe task start`: a task that begins with the clips that are most like examples."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer

from aloe.cli.classes import Classes, ClassesFrom, OneClass, read_classes
from aloe.cli.clips import tell_warnings
from aloe.cli.console import CommandError, counted, print_json, tell
from aloe.cli.ending import interrupted_by_signals
from aloe.cli.examples import LIKE_HELP, read_like
from aloe.cli.held_clips import Wish
from aloe.cli.labeling import tell_outcome
from aloe.cli.options import (
    DEFAULT_SERVER,
    AcceptDamaged,
    Channel,
    Json,
    OracleId,
    Server,
    TaskId,
    client,
    parse_decoding,
)
from aloe.cli.oracle_ids import oracle_of_session
from aloe.cli.outages import OutageTeller
from aloe.cli.terminal_oracle import TerminalSession
from aloe.client import Decoding, LearnerClient, Like, NotFound, Task

_OTHER = "other"
_OUTAGE = timedelta(minutes=1)
"""As in aloe label."""


def start(
    task_id: TaskId,
    like: Annotated[
        list[str],
        typer.Option(
            metavar="CLASS=CLIP|FILE", help=f"an example of a class, repeatable: {LIKE_HELP}"
        ),
    ],
    count: Annotated[int, typer.Option(min=1, help="clips to ask for each example")] = 10,
    pool: Annotated[
        str | None,
        typer.Option(help="of a task that is new; by default the only one that there is"),
    ] = None,
    classes: Classes = None,
    one_class: OneClass = None,
    classes_from: ClassesFrom = None,
    batch: Annotated[int, typer.Option(min=1, help="clips held at a time")] = 4,
    play: Annotated[bool, typer.Option(help="play the clips, if there is a player")] = True,
    channel: Channel = "",
    accept_damaged: AcceptDamaged = False,
    oracle: OracleId = "",
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Label the clips that are most like examples, as the first ones of a task.

    The task is created if it is not there: with the classes of the examples, and "other" beside a
    single one, if none are given. What a person answers counts, whatever the example is one of.
    """
    decoding = parse_decoding(channel, accept_damaged=accept_damaged)
    examples = [_parse_example(text) for text in like]
    given = None
    if classes is not None or one_class or classes_from is not None:
        given = read_classes(classes, one_class, classes_from)
    with client(server, _OUTAGE, OutageTeller()) as learner, interrupted_by_signals():
        task = _known_task(learner, task_id, pool, given)
        chosen = task.classes if task else _classes(given, examples)
        _check_classes(chosen, examples)
        pool_id = task.pool_id if task else pool or _only_pool(learner)
        # Before anything is made: each example is looked up, heard and compared.
        wishes = [
            Wish(
                like=_heard(learner, pool_id, text, decoding),
                most=count,
                said=f"up to {counted(count, 'clip')} like {text}, an example of {name}",
            )
            for name, text in examples
        ]
        if task is None:
            learner.create_task(task_id, pool_id, chosen)
            tell(f"task {task_id} is new, on pool {pool_id}: {', '.join(chosen)}")
        session = TerminalSession(
            learner, task_id, oracle_of_session(oracle), batch=batch, play=play, wishes=wishes
        )
        outcome = session.run()
        task = learner.get_task(task_id)
    if json:
        print_json({"task": task, "session": outcome})
    tell_outcome(outcome, json=json)
    tell(f"`aloe label {task_id}` asks what the head is least sure of from here on")


def _parse_example(text: str) -> tuple[str, str]:
    name, equals, example = text.partition("=")
    if not (name and equals and example):
        raise typer.BadParameter(f"{text!r} is not of the form CLASS=CLIP or CLASS=FILE")
    return name, example


def _known_task(
    learner: LearnerClient, task_id: str, pool: str | None, classes: Sequence[str] | None
) -> Task | None:
    """Return the task, None if it is not there.

    Raises:
        CommandError: it is another one than was asked for.
    """
    try:
        task = learner.get_task(task_id)
    except NotFound:
        return None
    if pool not in (None, task.pool_id):
        raise CommandError(f"task {task_id} is there, on pool {task.pool_id} and not {pool}")
    if classes is not None and tuple(classes) != task.classes:
        raise CommandError(f"task {task_id} is there, with the classes {', '.join(task.classes)}")
    return task


def _classes(given: Sequence[str] | None, examples: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return the classes of a new task."""
    if given is not None:
        return tuple(given)
    named = tuple(dict.fromkeys(name for name, _ in examples))
    return named if len(named) > 1 else (*named, _OTHER)


def _check_classes(classes: Sequence[str], examples: Sequence[tuple[str, str]]) -> None:
    for name, _ in examples:
        if name not in classes:
            raise CommandError(f"{name!r} is none of the classes {', '.join(classes)}")


def _heard(learner: LearnerClient, pool_id: str, text: str, decoding: Decoding) -> Like:
    """Return an example that can be compared with the clips of a pool."""
    like = read_like(learner, pool_id, text, decoding)
    found = learner.search_clips(pool_id, like, count=1)
    tell_warnings([(text, found.report.warnings)])
    return like


def _only_pool(learner: LearnerClient) -> str:
    pools = learner.list_pools()
    if len(pools) != 1:
        there = ", ".join(each.pool_id for each in pools) or "none yet"
        raise CommandError(f"whose clips? give --pool; there are {there}")
    return pools[0].pool_id
