"""`aloe class`: the classes of a task over its life."""

from typing import Annotated

import typer

from aloe.cli.classes import class_name
from aloe.cli.console import notes, print_json, print_table
from aloe.cli.options import DEFAULT_SERVER, Json, Server, TaskId, client
from aloe.client import (
    AddClass,
    ChangeClassesResult,
    ClassChange,
    ClassState,
    DescribeClass,
    MergeClass,
    RenameClass,
    RestoreClass,
    RetireClass,
    TaskClass,
)

app = typer.Typer(
    help="Classes of a task: add, rename, merge, retire and describe them. No label is lost, and"
    " the next head learns as if the classes had always been these.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(metavar="CLASS", help="the class, by its name")]
Description = Annotated[
    str | None, typer.Option(help="what people are told of it, one line of up to 500 characters")
]
Hotkey = Annotated[
    str | None, typer.Option(help="a digit or letter that `aloe label` takes for it")
]


@app.command("list")
def list_classes(task_id: TaskId, server: Server = DEFAULT_SERVER, json: Json = False) -> None:
    """List all classes that a task ever had."""
    with client(server) as learner:
        task = learner.get_task(task_id)
    if json:
        print_json(task.class_details)
        return
    print_table(
        ["class", "state", "key", "description"],
        [[each.name, _state(each), each.hotkey, each.description] for each in task.class_details],
    )


@app.command()
def add(
    task_id: TaskId,
    name: Name,
    description: Description = None,
    hotkey: Hotkey = None,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Add a class; oracles can answer with it from now on."""
    _change(task_id, AddClass(class_name(name), description or "", hotkey or ""), server, json=json)


@app.command()
def rename(
    task_id: TaskId,
    name: Name,
    new_name: Annotated[str, typer.Argument(help="its name from now on")],
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Give a class another name; labels by the former one are still taken for it."""
    _change(task_id, RenameClass(name, class_name(new_name)), server, json=json)


@app.command()
def merge(
    task_id: TaskId,
    name: Name,
    into: Annotated[
        str, typer.Argument(metavar="INTO", help="the class that its labels count as from now on")
    ],
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Have the labels of a class count as another's; `restore` takes it back."""
    _change(task_id, MergeClass(name, into), server, json=json)


@app.command()
def retire(
    task_id: TaskId, name: Name, server: Server = DEFAULT_SERVER, json: Json = False
) -> None:
    """Take a class out: its labels are kept and train no head; `restore` takes it back.

    Its hotkey is free for others from then on.
    """
    _change(task_id, RetireClass(name), server, json=json)


@app.command()
def restore(
    task_id: TaskId, name: Name, server: Server = DEFAULT_SERVER, json: Json = False
) -> None:
    """Make a class that was merged or retired active again, with its labels."""
    _change(task_id, RestoreClass(name), server, json=json)


@app.command()
def describe(
    task_id: TaskId,
    name: Name,
    description: Description = None,
    hotkey: Hotkey = None,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Change what people are told of a class; '' takes off what there is."""
    if description is None and hotkey is None:
        raise typer.BadParameter("nothing to change: give --description or --hotkey")
    _change(task_id, DescribeClass(name, description, hotkey), server, json=json)


def _change(task_id: str, change: ClassChange, server: str, *, json: bool) -> None:
    with client(server) as learner:
        outcome = learner.change_classes(task_id, change)
    if json:
        print_json(outcome)
        return
    _tell(outcome)


def _tell(outcome: ChangeClassesResult) -> None:
    notes.print(
        f"the classes of {outcome.task.task_id} are {', '.join(outcome.task.classes)}",
        markup=False,
        highlight=False,
    )
    if outcome.head_version is not None:
        notes.print(f"head {outcome.head_version} will have them")


def _state(each: TaskClass) -> str:
    if each.state is ClassState.MERGED:
        return f"merged into {each.merged_into}"
    state: str = each.state.value
    return state
