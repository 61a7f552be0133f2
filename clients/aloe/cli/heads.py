"""`aloe head`: list a task's heads, name those that production asks for, and describe one."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from aloe.cli.console import CommandError, counted, notes, print_json
from aloe.cli.head_card import card_of, write_card
from aloe.cli.head_list import head_entries, print_head_list
from aloe.cli.options import DEFAULT_SERVER, AskedHead, Json, Server, TaskId, client
from aloe.client import LearnerClient, Promotion

app = typer.Typer(
    help="Heads: their versions, the names that production asks for, their cards.",
    no_args_is_help=True,
)

PromotionId = Annotated[str, typer.Argument(metavar="NAME", help="name that production asks for")]


@app.command("list")
def list_heads(
    task_id: TaskId,
    with_gone: Annotated[
        bool, typer.Option("--all", help="also those of which only the scores are kept")
    ] = False,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """List the heads of a task that are kept, the newest first: labels, scores and names.

    Kept are the newest ones and those that have or had a name.
    """
    with client(server) as learner:
        newest = learner.get_task(task_id).head_version
        promotions = learner.list_promotions(task_id)
        rounds = learner.list_rounds(task_id)
    heads = head_entries(rounds, promotions)
    shown = [each for each in heads if each.is_kept or with_gone]
    if json:
        print_json({"newest": newest, "promotions": promotions, "heads": shown})
        return
    if not shown:
        notes.print("there is no head yet")
        return
    print_head_list(shown)
    if len(shown) < len(heads):
        left_out = counted(len(heads) - len(shown), "older head")
        notes.print(f"of {left_out} the scores alone are kept: --all lists them")
    if not promotions:
        notes.print("no head has a name yet: `aloe head promote` gives one")


@app.command()
def promote(
    task_id: TaskId,
    promotion_id: PromotionId,
    version: Annotated[
        int | None, typer.Option(help="the head's version; the newest if not given", min=1)
    ] = None,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Give a head a name: `aloe predict --head NAME` then uses it, whatever is trained later."""
    with client(server) as learner:
        chosen = version or learner.get_task(task_id).head_version
        if not chosen:
            raise CommandError(f"{task_id} has no head yet; label clips of two classes first")
        promotion = learner.promote_head(task_id, promotion_id, chosen)
    _tell(task_id, promotion, json=json)


@app.command()
def rollback(
    task_id: TaskId,
    promotion_id: PromotionId,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Give a name back to the head that had it before; twice, and the later one has it again."""
    with client(server) as learner:
        before = _promotion(learner, task_id, promotion_id).earlier
        if not before:
            raise CommandError(f"no other head of {task_id} was promoted to {promotion_id} before")
        promotion = learner.promote_head(task_id, promotion_id, before[0].version)
    _tell(task_id, promotion, json=json)


@app.command()
def demote(
    task_id: TaskId,
    promotion_id: PromotionId,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Take a name off the head that has it; the head is still kept."""
    with client(server) as learner:
        version = _promotion(learner, task_id, promotion_id).head.version
        learner.demote_head(task_id, promotion_id)
    if json:
        print_json({"promotion_id": promotion_id, "demoted": version})
    else:
        notes.print(f"head {version} of {task_id} is {promotion_id} no more")


@app.command()
def card(
    task_id: TaskId,
    head: AskedHead = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="file to write; else standard output")
    ] = None,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Describe a head in Markdown: its labels and who gave them, its scores, what it reads.

    Of several labels a clip also the scores of each class, and from which probability on it is
    predicted: chosen on validation labels, or 0.5.
    """
    with client(server) as learner:
        found = card_of(learner, task_id, head)
    if json:
        print_json(found)
    elif output is None:
        sys.stdout.write(write_card(found))
    else:
        output.write_text(write_card(found), encoding="utf-8")
        notes.print(f"card of head {found.version} of {task_id} in {output}")


def _promotion(learner: LearnerClient, task_id: str, promotion_id: str) -> Promotion:
    names = {each.promotion_id: each for each in learner.list_promotions(task_id)}
    if promotion_id not in names:
        known = ", ".join(names) or "none"
        raise CommandError(
            f"no head of {task_id} is promoted to {promotion_id}; there are: {known}"
        )
    return names[promotion_id]


def _tell(task_id: str, promotion: Promotion, *, json: bool) -> None:
    if json:
        print_json(promotion)
        return
    before = f", before it head {promotion.earlier[0].version}" if promotion.earlier else ""
    notes.print(f"{promotion.promotion_id} of {task_id} is head {promotion.head.version}{before}")
