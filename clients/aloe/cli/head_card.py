"""A head in words: what made it, how well it does, and what it takes to use it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from aloe.cli.console import CommandError, counted, percent
from aloe.client import (
    AccuracyEstimate,
    ClassState,
    ClipState,
    Evaluation,
    EventKind,
    Head,
    HeadRecipe,
    Label,
    LabelFigures,
    LabelMode,
    LabelOrigins,
    LabelSet,
    LearnerClient,
    Representation,
    Round,
    TaskClass,
    TaskEvent,
    head_recipe_text,
)

_IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class HeadCard:
    """What is to be known of a head."""

    task_id: str
    version: int
    promoted_to: tuple[str, ...]
    pool_id: str
    clip_count: int
    """Of the pool now."""
    train_time: datetime
    label_count: int
    labels_by_class: dict[str, int] | None
    """None where the log does not say which labels it was trained on."""
    labels_by_oracle: dict[str, int] | None
    representation: Representation
    map_name: str
    head_recipe: HeadRecipe
    seed: int
    encoder_id: str
    encoder_fingerprint: str
    validation: Evaluation | None
    test: Evaluation | None
    accuracy_estimate: AccuracyEstimate | None
    classes: tuple[str, ...]
    label_mode: LabelMode = LabelMode.SINGLE


def card_of(learner: LearnerClient, task_id: str, head: str) -> HeadCard:
    """Gather what is known of a head, the newest one by default."""
    found = learner.export_head(task_id, head)
    task = learner.get_task(task_id)
    pool = learner.get_pool(task.pool_id)
    trained = _round_of(learner, found)
    classes = tuple(each.name for each in task.class_details)
    origins = label_origins(trained, learner.list_events(task_id), classes)
    return HeadCard(
        task_id=task_id,
        version=found.version,
        promoted_to=tuple(
            each.promotion_id
            for each in learner.list_promotions(task_id)
            if each.head.version == found.version
        ),
        pool_id=pool.pool_id,
        clip_count=pool.clip_count,
        train_time=trained.start_time,
        label_count=found.label_count,
        labels_by_class=dict(zip(found.classes, origins.by_class, strict=True))
        if origins
        else None,
        labels_by_oracle={
            oracle_id or _IMPORTED: count for oracle_id, count in origins.by_oracle.items()
        }
        if origins
        else None,
        representation=found.representation,
        map_name=found.map_name,
        head_recipe=found.head_recipe,
        seed=found.seed,
        encoder_id=found.encoder_id,
        encoder_fingerprint=found.encoder_fingerprint,
        validation=trained.validation,
        test=trained.test,
        accuracy_estimate=trained.accuracy_estimate,
        classes=found.classes,
        label_mode=found.label_mode,
    )


def _round_of(learner: LearnerClient, head: Head) -> Round:
    for each in learner.list_rounds(head.task_id, head.version):
        if each.head_version == head.version:
            return each
    raise CommandError(f"{head.task_id} has no round of head {head.version}")


def label_origins(
    trained: Round, events: Iterable[TaskEvent], classes: Sequence[str]
) -> LabelOrigins | None:
    """Count the labels that a head was trained on.

    None where neither its round nor the log says: it is of an older server.

    Args:
        trained: its round.
        events: the log.
        classes: all that the task ever had, by their names now.
    """
    if trained.label_origins is not None:
        return trained.label_origins
    labels = labels_of_head(events, trained.head_version, classes)
    if not labels:
        return None
    by_class = _counts(label for label, _ in labels)
    return LabelOrigins(
        tuple(by_class[name] for name in trained.classes),
        dict(Counter(oracle_id for _, oracle_id in labels).most_common()),
    )


def labels_of_head(
    events: Iterable[TaskEvent], version: int, classes: Sequence[str]
) -> list[tuple[Label, str]] | None:
    """Return label and oracle of each label that a head was trained on, by the log.

    None where the log does not say: it is of an older server.

    Args:
        events: the log.
        version: of the head.
        classes: all that the task ever had, by their names now.
    """
    past: list[TaskEvent] = []
    for event in events:
        past.append(event)
        if event.kind is EventKind.HEAD_TRAINED and event.head_version == version:
            return (
                _labels_at(past, event.cutoff_event_id, classes) if event.cutoff_event_id else None
            )
    return None


def _labels_at(
    events: Iterable[TaskEvent], cutoff_event_id: str, classes: Sequence[str]
) -> list[tuple[Label, str]]:
    labels: dict[int, tuple[Label, str]] = {}
    details: tuple[TaskClass, ...] = ()
    for event in events:
        details = event.class_details or details
        for change in event.changes:
            labels.pop(change.clip_number, None)
            if change.state is ClipState.LABELED and change.label:
                labels[change.clip_number] = change.label, event.oracle_id
        if event.event_id == cutoff_event_id:
            break
    counted = {name: _counted(name, classes, details) for name, _ in labels.values()}
    found = ((counted[name], oracle_id) for name, oracle_id in labels.values())
    return [(name, oracle_id) for name, oracle_id in found if name is not None]


def _counted(name: Label, classes: Sequence[str], details: Sequence[TaskClass]) -> Label | None:
    """Return the class that labels of one counted as, None where it was retired.

    Args:
        name: the class; a set of them counts by what its classes are now.
        classes: all, by their names now.
        details: of each, as they were then; none where no class had been changed.
    """
    if not details or isinstance(name, LabelSet):
        return name
    then, index = [each.name for each in details], classes.index(name)
    while (merged_into := details[index].merged_into) is not None:
        index = then.index(merged_into)
    return None if details[index].state is ClassState.RETIRED else classes[index]


def _counts(labels: Iterable[Label]) -> Counter[str]:
    """Count labels by class; of several labels a clip those that say that it is of the class."""
    counts = Counter[str]()
    for label in labels:
        counts.update(label.positive if isinstance(label, LabelSet) else (label,))
    return counts


def write_card(card: HeadCard) -> str:
    """Write a card as Markdown."""
    names = f", promoted to {', '.join(card.promoted_to)}" if card.promoted_to else ""
    reads = f" (`{card.map_name}`)" if card.map_name else ""
    lines = [
        f"# Head {card.version} of {card.task_id}{names}",
        "",
        (
            f"It tells {_told(card)}, on clips like those of the pool"
            f" {card.pool_id} ({counted(card.clip_count, 'clip')} now). Trained on"
            f" {card.train_time:%Y-%m-%d %H:%M %Z}."
        ),
        "",
        "## What made it",
        "",
        "| | |",
        "| --- | --- |",
        f"| encoder | {card.encoder_id} (`{card.encoder_fingerprint}`) |",
        f"| reads | {card.representation.value}{reads} |",
        f"| head recipe | {head_recipe_text(card.head_recipe)}, seed {card.seed} |",
        f"| labels | {card.label_count:,} |",
        "",
    ]
    if card.labels_by_class is None or card.labels_by_oracle is None:
        lines.append("Which labels these were is not known: its log does not say.")
    else:
        lines += _table(("class", "labels"), card.labels_by_class.items())
        lines += ["", *_table(("labeled by", "labels"), card.labels_by_oracle.items())]
    lines += ["", "## How well it does", "", *_scores(card)]
    return "\n".join(lines) + "\n"


def _scores(card: HeadCard) -> list[str]:
    lines = []
    for split, found in (("validation", card.validation), ("test", card.test)):
        if found is None:
            continue
        if found.label_figures is not None:
            lines += _label_scores(card, split, found, found.label_figures)
            continue
        lines += [
            f"On {found.clip_count:,} {split} clips: accuracy {percent(found.accuracy)}, macro-F1"
            f" {percent(found.macro_f1)}, loss {found.loss:.3f}"
            + (
                f", calibration error {percent(found.calibration_error)}."
                if found.calibration_error is not None
                else "."
            ),
            "",
            *_table(
                ("class", "recall"),
                (
                    (name, "no clip" if recall != recall else percent(recall))  # noqa: PLR0124
                    for name, recall in zip(card.classes, found.class_recalls, strict=True)
                ),
            ),
            "",
        ]
    estimate = card.accuracy_estimate
    if estimate is not None:
        lines.append(
            f"Estimated without validation labels: accuracy {percent(estimate.value)} on clips like"
            f" the pool's, {percent(estimate.low)} to {percent(estimate.high)} (95 %), from"
            f" {counted(estimate.label_count, 'label')}."
        )
    return lines or ["Not measured: the task has no validation or test labels."]


def _label_scores(
    card: HeadCard, split: str, found: Evaluation, figures: LabelFigures
) -> list[str]:
    rows = zip(card.classes, figures.average_precisions, figures.thresholds, strict=True)
    return [
        (
            f"On {found.clip_count:,} {split} clips: mean average precision"
            f" {percent(figures.mean_average_precision)}, mean ROC AUC"
            f" {percent(figures.mean_roc_auc)}, macro-F1 {percent(found.macro_f1)}, loss"
            f" {found.loss:.3f}."
        ),
        "",
        *_table(
            ("class", "average precision; said from a probability of"),
            (
                (name, "no clip" if np.isnan(value) else f"{percent(value)}; {threshold:.2f}")
                for name, value, threshold in rows
            ),
        ),
        "",
    ]


def _told(card: HeadCard) -> str:
    if card.label_mode is LabelMode.MULTIPLE:
        return f"of {_listed(card.classes)} whether a clip is of it, of each by itself"
    return f"{_listed(card.classes)} apart"


def _table(columns: tuple[str, str], rows: Iterable[tuple[str, object]]) -> list[str]:
    return [
        f"| {columns[0]} | {columns[1]} |",
        "| --- | --- |",
        *(f"| {_plain(name)} | {value} |" for name, value in rows),
    ]


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(_plain(each) for each in names[:20])
    return shown + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _plain(text: str) -> str:
    """Return a name as Markdown shows it, in a table as well."""
    for mark in "\\`*_|<>[]":
        text = text.replace(mark, f"\\{mark}")
    return text
