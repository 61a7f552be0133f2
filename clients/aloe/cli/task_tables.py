"""What `aloe task` tells of a task: first what a person wants to know, and all of it if asked."""

from collections.abc import Mapping

from aloe.cli.console import counted, percent, print_json, print_table
from aloe.cli.stopping import advice_text, estimate_text, stopping_rows, time_rows
from aloe.client import (
    Evaluation,
    LabelMode,
    PoolState,
    RecipeName,
    Representation,
    Round,
    StopVerdict,
    Task,
    Unmentioned,
    head_recipe_text,
)
from aloe.values.named_recipes import BEST_OF_SEVERAL, name_of_recipe

_READ = {
    Representation.NONE: "embeddings",
    Representation.LINEAR: "a linear map of embeddings",
    Representation.KERNEL: "a kernel map of embeddings",
}
_SEVERAL = {
    Unmentioned.NEGATIVE: "several a clip; it is not of those that are not named",
    Unmentioned.UNKNOWN: "several a clip; nothing is known of those that are not named",
}
_WHEN_NOT_OPEN = {
    PoolState.BUDGET_SPENT: "raise the budget: aloe task update {} --budget N",
    PoolState.ALL_LEASED: "wait for the others, or give back what you hold: aloe release {}",
    PoolState.EXHAUSTED: "use the head: aloe predict {} FILE",
}
"""What may be done where nothing can be asked."""
_NO_ESTIMATE = "none yet: it takes 30 labels, and clips without one"
_Rows = list[list[object]]


def show_task(
    task: Task,
    last: Round | None,
    *,
    json: bool,
    tells_all: bool = False,
    by_class: Mapping[str, int] | None = None,
) -> None:
    """Print a task.

    Args:
        task: to tell of.
        last: the round of its newest head.
        json: as JSON, which has all.
        tells_all: also how it asks and trains, what each state holds, and where time went.
        by_class: train labels of each class, where they were counted.
    """
    recipe = _recipe(task)
    if json:
        told = {"recipe": recipe, "recipe_reason": _recipe_reason(task)}
        print_json({"task": task, "last_round": last, **told})
        return
    rows = _first_rows(task, last, by_class)
    if tells_all:
        rows += _other_rows(task, last)
    elif task.stop_advice is not None:
        rows.append(["advice", advice_text(task.stop_advice)])
    rows.append(["next", _next(task, by_class)])
    print_table(["task", task.task_id], rows)


def quality(evaluation: Evaluation | None) -> float | None:
    """Return accuracy, or of several labels a clip the mean average precision."""
    if evaluation is None:
        return None
    figures = evaluation.label_figures
    return figures.mean_average_precision if figures else evaluation.accuracy


def _first_rows(task: Task, last: Round | None, by_class: Mapping[str, int] | None) -> _Rows:
    counts, is_several = task.clip_counts, task.label_mode is LabelMode.MULTIPLE
    named = [f"{name} {by_class[name]:,}" if by_class else name for name in task.classes]
    lacking = _lacking(by_class)
    rows: _Rows = [
        ["pool", task.pool_id],
        ["classes", ", ".join(named)],
    ]
    if lacking:
        rows.append(["no label yet", ", ".join(lacking)])
    if is_several:
        rows.append(["labels", _SEVERAL[task.unmentioned]])
    rows += [
        ["recipe", _recipe_words(task)],
        ["clips", _clips_text(task)],
    ]
    if counts.validation or counts.test:
        rows.append(
            ["not to ask", f"{counts.validation:,} validation, {counts.test:,} test, with labels"]
        )
    budget = task.label_budget
    if budget is not None:
        rows.append(["budget", f"{budget:,}, {counts.budget_spent:,} spent"])
    rows += [["state", task.pool_state], ["head", task.head_version or "none yet"]]
    if last:
        what = "mean average precision" if is_several else "accuracy"
        for split, found in (("validation", last.validation), ("test", last.test)):
            if found is not None:
                rows.append([f"{split} {what}", percent(quality(found))])
    if task.estimate_accuracy:
        is_there = last is not None and last.accuracy_estimate is not None
        rows.append(["estimated accuracy", estimate_text(last) if is_there else _NO_ESTIMATE])
    return rows


def _lacking(by_class: Mapping[str, int] | None) -> list[str]:
    return [name for name, count in (by_class or {}).items() if not count]


def _clips_text(task: Task) -> str:
    counts = task.clip_counts
    told = [f"{counts.labeled:,} labeled", f"{counts.unlabeled:,} unlabeled"]
    told += [f"{counts.leased:,} leased"] * bool(counts.leased)
    told += [f"{counts.abstained:,} that nobody could tell"] * bool(counts.abstained)
    return ", ".join(told)


def _other_rows(task: Task, last: Round | None) -> _Rows:
    counts, strategy = task.clip_counts, task.query_strategy
    rows: _Rows = [
        ["asks", f"{strategy.acquisition_function.value}, {strategy.selection_rule.value}"],
        ["reads", _READ[task.representation]],
        ["trains", head_recipe_text(task.head_recipe, short=True)],
        ["leases last", f"{task.lease_duration.total_seconds():g} s"],
    ]
    if task.label_budget is None:
        rows.append(["budget", f"none, {counts.budget_spent:,} spent"])
    if last:
        if last.map_name:
            rows.append(["the head's map", last.map_name])
        rows += time_rows(last)
    return rows + stopping_rows(task.stopping_rule, task.stop_advice)


def _recipe(task: Task) -> RecipeName | None:
    return name_of_recipe(task.representation, task.head_recipe, task.query_strategy)


def _recipe_reason(task: Task) -> str:
    """Say why a recipe is not that of its name; empty where nothing is to say."""
    is_best_of_several = (
        task.label_mode is LabelMode.MULTIPLE and _recipe(task) is RecipeName.KERNEL
    )
    return BEST_OF_SEVERAL if is_best_of_several else ""


def _recipe_words(task: Task) -> str:
    recipe, reason = _recipe(task), _recipe_reason(task)
    return (recipe.value if recipe else "one of its own") + (f": {reason}" if reason else "")


def _next(task: Task, by_class: Mapping[str, int] | None) -> str:
    """Say what a person may do now."""
    name, counts = task.task_id, task.clip_counts
    clip_count = counts.unlabeled + counts.leased + counts.labeled + counts.abstained
    if not clip_count + counts.validation + counts.test:
        return f"bring clips: aloe import {task.pool_id} FOLDER"
    if task.stop_advice is not None and task.stop_advice.verdict is StopVerdict.STOP:
        return f"labels are enough: aloe predict {name} --pool, aloe head promote {name} NAME"
    if task.pool_state in _WHEN_NOT_OPEN:
        return _WHEN_NOT_OPEN[task.pool_state].format(name)
    if lacking := _lacking(by_class):
        what = counted(len(lacking), "class")
        return f"aloe label {name}; {what} without a label: aloe label {name} --like CLIP"
    then = f"what the head says: aloe predict {name} FILE"
    return f"aloe label {name}; {then if task.head_version else 'a head comes with two classes'}"
