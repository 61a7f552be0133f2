"""`aloe task`: create, list, show, watch, change and delete tasks, and give them known labels."""

from datetime import timedelta
from typing import Annotated, TypeVar

import typer

from aloe.cli.classes import Classes, ClassesFrom, OneClass, read_classes
from aloe.cli.console import (
    POOL_STATES,
    complain_of_unreadable,
    confirm,
    notes,
    percent,
    print_json,
    print_table,
    results,
)
from aloe.cli.counted_labels import labels_by_class
from aloe.cli.label_import import import_labels
from aloe.cli.options import (
    DEFAULT_SERVER,
    HEAD_RECIPE_HELP,
    Json,
    Server,
    TaskId,
    client,
    duration_of_lease,
    parse_recipe,
    parse_seconds,
    share,
)
from aloe.cli.replay import replay
from aloe.cli.starting import start
from aloe.cli.stopping import (
    Stop,
    StopWhen,
    When,
    advice_text,
    combine,
    estimate_text,
)
from aloe.cli.task_tables import quality, show_task
from aloe.client import (
    UNCHANGED,
    AcquisitionFunction,
    LabelMode,
    LearnerClient,
    PoolState,
    QueryStrategy,
    RecipeName,
    Representation,
    Round,
    SelectionRule,
    Task,
    Unchanged,
    Unmentioned,
)
from aloe.values.named_recipes import recipe_named
from aloe.values.strategies import rule_beside

T = TypeVar("T")

app = typer.Typer(help="Tasks: questions about the clips of a pool.", no_args_is_help=True)

app.command("import-labels")(import_labels)
app.command()(start)
app.command()(replay)

_Budget = Annotated[int | None, typer.Option(help="labels that may be spent")]
_Estimates = Annotated[
    bool | None,
    typer.Option(
        "--estimates/--no-estimates",
        help="estimate each head's accuracy without validation labels; if neither is given, the"
        " recipe decides",
    ),
]
_Audits = Annotated[
    float | None,
    typer.Option(
        "--audits",
        parser=share,
        metavar="SHARE",
        help="part of the clips to ask that are drawn at random, from the 51st on, for estimates"
        " that rest on these, too, 5% or up to 50%; by default none",
    ),
]


_Spacing = Annotated[
    str | None,
    typer.Option(
        "--window-spacing",
        metavar="TIME",
        help="windows of one recording that lie closer together, such as 10s, are not asked at a"
        " time, unless aloe query --clip names them; by default those that overlap are not",
    ),
]


@app.command()
def create(
    task_id: TaskId,
    pool: Annotated[str, typer.Option(help="the pool whose clips are labeled")],
    classes: Classes = None,
    one_class: OneClass = None,
    classes_from: ClassesFrom = None,
    recipe: Annotated[
        RecipeName,
        typer.Option(
            help="what heads read, how they are trained and what is asked first, as far as the next"
            " four do not say; best needs the fewest labels (with several labels a clip it is"
            " kernel, since its ridge heads are of one), paper does as the paper"
        ),
    ] = RecipeName.BEST,
    representation: Annotated[
        Representation | None, typer.Option(help="what heads read of a clip")
    ] = None,
    head_recipe: Annotated[
        str | None, typer.Option(metavar="RECIPE", help=HEAD_RECIPE_HELP)
    ] = None,
    acquisition_function: Annotated[
        AcquisitionFunction | None,
        typer.Option(
            metavar="FUNCTION",
            help=f"what is asked first: {', '.join(each.value for each in AcquisitionFunction)};"
            " the last four are for pools of up to 20,000 clips",
        ),
    ] = None,
    selection_rule: Annotated[
        SelectionRule | None,
        typer.Option(
            metavar="RULE",
            help=f"how a batch is picked: {', '.join(each.value for each in SelectionRule)}",
        ),
    ] = None,
    budget: _Budget = None,
    lease: Annotated[float | None, typer.Option(help="seconds that a clip is held")] = None,
    seed: Annotated[int, typer.Option(min=0, help="fixes every random choice")] = 0,
    stop: Stop = None,
    stop_when: StopWhen = When.ANY,
    estimates: _Estimates = None,
    audits: _Audits = None,
    window_spacing: _Spacing = None,
    label_mode: Annotated[
        LabelMode, typer.Option(help="how many of the classes a clip may be of")
    ] = LabelMode.SINGLE,
    unmentioned: Annotated[
        Unmentioned | None,
        typer.Option(
            help="with several labels a clip, what holds of classes that an answer does not name;"
            " by default that the clip is not of them"
        ),
    ] = None,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Create a task on a pool."""
    with client(server) as learner:
        task = learner.create_task(
            task_id,
            pool,
            read_classes(classes, one_class, classes_from),
            recipe=recipe,
            query_strategy=_strategy(recipe, label_mode, acquisition_function, selection_rule),
            head_recipe=None if head_recipe is None else parse_recipe(head_recipe),
            representation=representation,
            label_budget=budget,
            lease_duration=duration_of_lease(lease),
            seed=seed,
            stopping_rule=combine(stop, stop_when),
            estimate_accuracy=estimates,
            audit_share=audits,
            window_spacing=_spacing(window_spacing),
            label_mode=label_mode,
            unmentioned=unmentioned,
        )
    show_task(task, None, json=json)


@app.command("list")
def list_(server: Server = DEFAULT_SERVER, json: Json = False) -> None:
    """List the tasks."""
    with client(server) as learner:
        tasks = learner.list_tasks()
    if json:
        print_json(tasks)
        complain_of_unreadable(tasks)
        return
    print_table(
        ["task", "pool", "classes", "labeled", "unlabeled", "head", "state"],
        [
            [
                task.task_id,
                task.pool_id,
                len(task.classes),
                task.clip_counts.labeled,
                task.clip_counts.unlabeled,
                task.head_version,
                task.pool_state,
            ]
            for task in tasks
        ],
    )
    complain_of_unreadable(tasks)


@app.command()
def show(
    task_id: TaskId,
    tells_all: Annotated[
        bool,
        typer.Option("--all", help="also how it asks and trains, and how long its last round took"),
    ] = False,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Show one task: labels of each class, how right its head is likely to be, what to do next."""
    with client(server) as learner:
        task = learner.get_task(task_id)
        last = _last_round(learner, task)
        by_class = None if json else labels_by_class(learner, task)
    show_task(task, last, json=json, tells_all=tells_all, by_class=by_class)


@app.command()
def watch(task_id: TaskId, server: Server = DEFAULT_SERVER, json: Json = False) -> None:
    """Follow a task until it has nothing more to ask."""
    with client(server) as learner:
        for update in learner.watch_task(task_id):
            task, last = update.task, update.last_round
            if json:
                print_json(update)
            else:
                results.print(
                    f"head {task.head_version}  labeled {task.clip_counts.labeled:,}"
                    f"  leased {task.clip_counts.leased:,}"
                    f"  validation {percent(quality(last.validation if last else None))}"
                    f"  estimated {estimate_text(last)}  {POOL_STATES[task.pool_state]}"
                    + (f"  {advice_text(task.stop_advice)}" if task.stop_advice else ""),
                    highlight=False,
                    markup=False,
                )
            done = task.pool_state in (PoolState.EXHAUSTED, PoolState.BUDGET_SPENT)
            if done and task.training_head_version is None and not task.clip_counts.leased:
                return


@app.command()
def update(
    task_id: TaskId,
    acquisition_function: Annotated[
        AcquisitionFunction | None,
        typer.Option(metavar="FUNCTION", help="another one, as for create"),
    ] = None,
    selection_rule: Annotated[
        SelectionRule | None, typer.Option(metavar="RULE", help="another one, as for create")
    ] = None,
    representation: Annotated[Representation | None, typer.Option(help="another one")] = None,
    head_recipe: Annotated[
        str | None, typer.Option(metavar="RECIPE", help="another one, as for create")
    ] = None,
    budget: _Budget = None,
    no_budget: Annotated[bool, typer.Option("--no-budget", help="lift the budget")] = False,
    lease: Annotated[float | None, typer.Option(help="seconds that a clip is held")] = None,
    stop: Stop = None,
    stop_when: StopWhen = When.ANY,
    no_stop: Annotated[bool, typer.Option("--no-stop", help="drop the stopping rule")] = False,
    estimates: _Estimates = None,
    audits: _Audits = None,
    window_spacing: _Spacing = None,
    server: Server = DEFAULT_SERVER,
    json: Json = False,
) -> None:
    """Change how a task asks, and when labels are enough."""
    rule = combine(stop, stop_when)
    with client(server) as learner:
        task = learner.update_task(
            task_id,
            acquisition_function=_given(acquisition_function),
            selection_rule=_given(selection_rule),
            representation=_given(representation),
            head_recipe=UNCHANGED if head_recipe is None else parse_recipe(head_recipe),
            label_budget=None if no_budget else _given(budget),
            lease_duration=_given(duration_of_lease(lease)),
            stopping_rule=None if no_stop else _given(rule),
            estimate_accuracy=_given(estimates),
            audit_share=_given(audits),
            window_spacing=_given(_spacing(window_spacing)),
        )
        last = _last_round(learner, task)
    show_task(task, last, json=json, tells_all=True)


@app.command()
def delete(
    task_id: TaskId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Delete a task with its labels and heads; the pool stays."""
    with client(server) as learner:
        if not yes:
            learner.get_task(task_id)  # Nobody is asked about what is not there.
            confirm(f"Delete task {task_id} and all its labels?")
        learner.delete_task(task_id)
    notes.print(f"deleted task {task_id}")


def _last_round(learner: LearnerClient, task: Task) -> Round | None:
    """Return the round of a task's newest head."""
    if not task.head_version:
        return None
    return learner.list_rounds(task.task_id, task.head_version)[-1]


def _spacing(text: str | None) -> timedelta | None:
    return (
        None if text is None else timedelta(seconds=float(parse_seconds(text, "--window-spacing")))
    )


def _given(value: T | None) -> T | Unchanged:
    return UNCHANGED if value is None else value


def _strategy(
    recipe: RecipeName,
    label_mode: LabelMode,
    acquisition_function: AcquisitionFunction | None,
    selection_rule: SelectionRule | None,
) -> QueryStrategy | None:
    """Return a recipe's query strategy with the parts that are given; None for it as it is."""
    if acquisition_function is None and selection_rule is None:
        return None
    usual = recipe_named(recipe, label_mode).query_strategy
    function = acquisition_function or usual.acquisition_function
    return QueryStrategy(function, selection_rule or rule_beside(function, usual.selection_rule))
