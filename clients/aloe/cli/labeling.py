"""`aloe query`, `submit`, `release` and `label`: labeling from a script and at a terminal."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import typer

from aloe.cli.console import (
    POOL_STATES,
    CommandError,
    complain,
    counted,
    in_words,
    notes,
    print_json,
    print_table,
    tell,
)
from aloe.cli.ending import interrupted_by_signals
from aloe.cli.examples import LIKE_HELP, read_like
from aloe.cli.held_clips import Wish
from aloe.cli.options import (
    DEFAULT_SERVER,
    Json,
    OracleId,
    Server,
    TaskId,
    Where,
    client,
    parse_seconds,
)
from aloe.cli.oracle_ids import oracle_of_person, oracle_of_session
from aloe.cli.outages import OutageTeller
from aloe.cli.terminal_oracle import SessionOutcome, TerminalSession
from aloe.client import (
    AloeError,
    Answer,
    Decoding,
    Label,
    LabelMode,
    LabelSet,
    LearnerClient,
    Like,
    PoolState,
)
from aloe.values.labels import names_in_cell

_ABSTAIN, _QUOTE = "-", '"'
_PLACE = re.compile(r"[a-z_]+\[(\d+)\]")
_PATIENCE = timedelta(minutes=2)
"""The first query on a pool reads it: half a minute of a million clips."""
LikeOption = Annotated[
    str | None,
    typer.Option(
        "--like",
        metavar="CLIP|FILE",
        help=f"ask for the clips that are most like this: {LIKE_HELP}",
    ),
]
_OUTAGE = timedelta(minutes=1)
"""A person who labels would rather wait for a restart than begin again."""


def query(
    task_id: TaskId,
    count: Annotated[
        int | None, typer.Option(min=1, help="at most so many clips; by default 1, or all --clip")
    ] = None,
    min_head: Annotated[int, typer.Option(min=0, help="wait for this head version")] = 0,
    clips: Annotated[
        list[str] | None,
        typer.Option(
            "--clip",
            metavar="CLIP",
            help="only these clips, in this order, however close windows lie; may be repeated",
        ),
    ] = None,
    like: LikeOption = None,
    where: Where = "",
    oracle: OracleId = "",
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Ask for the clips most worth a label, and lease them.

    Nobody else is asked about these until they are answered (aloe submit), given back (aloe
    release) or their time is over.
    """
    with client(server) as learner:
        learner.get_task(task_id)  # Says at once if the server is away, which is waited for below.
        found = learner.query(
            task_id,
            oracle_of_person(oracle),
            max_clip_count=count or 0,
            min_head_version=min_head,
            filter=where,
            clip_ids=clips or (),
            like=_like(learner, task_id, like),
            timeout=_PATIENCE,
        )
    if json:
        print_json(found)
        return
    if not found.leases:
        among = "--clip and --filter take" if clips and where else "--clip names" if clips else ""
        tell(f"no clips: {state_text(found.pool_state, among or _filtered(where))}")
    elif len(found.leases) < (count or 0):
        notes.print(
            f"{len(found.leases):,} of {counted(count or 0, 'clip')}: no more can be asked for now"
        )
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
    if found.leases:
        notes.print(
            f"answer by aloe submit {task_id} LEASE=CLASS, or give back by aloe release {task_id}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    for lease in found.leases:
        if lease.is_audit:
            tell(f"{lease.clip_id}: drawn at random, for estimates of accuracy")
        elif lease.reason is not None:
            tell(f"{lease.clip_id}: {lease.reason.text}")


def submit(
    task_id: TaskId,
    answers: Annotated[
        list[str], typer.Argument(metavar="LEASE=CLASS ...", help=f"{_ABSTAIN} abstains")
    ],
    oracle: OracleId = "",
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Answer leases that `aloe query` gave.

    A class may hold = signs. One that is called - or stands in quotes is given in "double quotes",
    each quote of its own doubled. In a task of several labels a clip these stand with ";" between
    them; none at all says that the clip is of no class.
    """
    parsed = [_read_answer(text) for text in answers]
    with client(server) as learner:
        if learner.get_task(task_id).label_mode is LabelMode.MULTIPLE:
            parsed = [replace(each, label=_label_set(each.label)) for each in parsed]
        with _told_by_lease([each.lease_id for each in parsed]):
            result = learner.submit_labels(task_id, oracle_of_person(oracle), parsed)
    if json:
        print_json(result)
    else:
        notes.print(f"stored; the task has {counted(result.label_count, 'label')}")


def release(
    task_id: TaskId,
    leases: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LEASE ...",
            help="by default all that this oracle holds, in other sessions too",
            show_default=False,
        ),
    ] = None,
    oracle: OracleId = "",
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Give clips that `aloe query` leased back unanswered, so that others are asked about them."""
    oracle_id = oracle_of_person(oracle)
    with client(server) as learner, _told_by_lease(leases or ()):
        count = learner.release_leases(task_id, oracle_id, leases or ())
    if json:
        print_json({"oracle_id": oracle_id, "released_count": count})
    else:
        tell(f"{counted(count, 'clip')} given back by {oracle_id}")


def label(
    task_id: TaskId,
    batch: Annotated[int, typer.Option(min=1, help="clips held at a time")] = 4,
    play: Annotated[bool, typer.Option(help="play the clips, if there is a player")] = True,
    context: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="of windows of recordings, play so much before and behind them, such as 2s",
        ),
    ] = "0",
    like: LikeOption = None,
    where: Where = "",
    oracle: OracleId = "",
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Label clips at the terminal: it plays or names a clip, and takes a key.

    While a service is away it waits for up to a minute, and then goes on.
    Where standard input is no terminal, it takes a line for each answer: a key, the name of a
    class, or / and a part of one. In a task of several labels a clip each key turns its class on or
    off and Enter stores them; a line has them with ";" between.
    """
    with client(server, _OUTAGE, OutageTeller()) as learner, interrupted_by_signals():
        wish = Wish(where, _like(learner, task_id, like))
        oracle_id = oracle_of_session(oracle)
        session = TerminalSession(
            learner,
            task_id,
            oracle_id,
            batch=batch,
            play=play,
            wishes=[wish],
            context=timedelta(seconds=float(parse_seconds(context, "--context"))),
        )
        outcome = session.run()
    if json:
        print_json(outcome)
    tell_outcome(outcome, json=json, where=where)


def tell_outcome(outcome: SessionOutcome, *, json: bool, where: str = "") -> None:
    """Say what a person has done, of clips that a filter took.

    Raises:
        typer.Exit: something failed.
    """
    if not json:
        tell(_summary(outcome, _filtered(where)))
    if outcome.failure:
        complain(in_words(outcome.failure))
        raise typer.Exit(1)


@contextmanager
def _told_by_lease(lease_ids: Sequence[str]) -> Iterator[None]:
    """Tell what is wrong with some of these by their ids in place of their places."""
    try:
        yield
    except AloeError as error:
        places = [_PLACE.match(each.field) for each in error.violations]
        if not places or not all(places):
            raise
        told = [
            f"lease {lease_ids[int(place[1])]}: {in_words(each.description)}"
            for place, each in zip(places, error.violations, strict=True)
            if place
        ]
        raise CommandError("; ".join(told)) from error


def _like(learner: LearnerClient, task_id: str, text: str | None) -> Like | None:
    if text is None:
        return None
    return read_like(learner, learner.get_task(task_id).pool_id, text, Decoding())


def state_text(state: PoolState, among: str = "") -> str:
    """Say why there is no clip to ask, of all or of those that, for one, a filter takes."""
    if state is PoolState.EXHAUSTED and among:
        return f"none that {among} is without an answer"
    return POOL_STATES[state]


def _filtered(where: str) -> str:
    return "--filter takes" if where else ""


def _summary(outcome: SessionOutcome, among: str) -> str:
    counts = {
        "labeled": outcome.label_count,
        "cannot tell": outcome.abstention_count,
        "skipped": outcome.skip_count,
        "taken back": outcome.retraction_count,
        "too late": outcome.lost_count,
    }
    done = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    if outcome.pool_state is PoolState.OPEN:
        return f"{done}; there is more to ask"
    return f"{done}; nothing more to ask: {state_text(outcome.pool_state, among)}"


def _label_set(label: Label | None) -> Label | None:
    if not isinstance(label, str):
        return label
    return LabelSet(names_in_cell(label))


def _read_answer(text: str) -> Answer:
    """Read "LEASE=CLASS". Raises typer.BadParameter where it has not that form."""
    lease_id, equals, label = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r} is not of the form LEASE=CLASS")
    if label == _ABSTAIN:
        return Answer(lease_id, None)
    if len(label) > 1 and label[0] == label[-1] == _QUOTE:
        label = label[1:-1].replace(2 * _QUOTE, _QUOTE)
    return Answer(lease_id, label)
