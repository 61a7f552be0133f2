"""A task: its settings, what may be wrong with them, and its progress."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aloe.learner.domain.class_changes import (
    LEAST_ACTIVE,
    MAX_CLASS_LENGTH,
    MAX_CLASSES,
    wrong_name,
)
from aloe.learner.domain.classes import NO_CLASS, ClassDetails, ClassTable, class_table
from aloe.learner.domain.errors import InvalidInput, Violation
from aloe.learner.domain.several_checks import check_several
from aloe.learner.domain.stopping_rules import check_stopping_rule
from aloe.values.labels import LabelMode, Unmentioned
from aloe.values.ranges import out_of_range
from aloe.values.recipes import HEAD_RECIPES, PAPER_RECIPE, AdamRecipe, HeadRecipe
from aloe.values.representations import Representation
from aloe.values.states import ClipState, PoolState, Split
from aloe.values.stopping import MAX_LABEL_COUNT, StoppingRule
from aloe.values.strategies import PAPER_STRATEGY, QueryStrategy

MIN_LEASE_DURATION = timedelta(milliseconds=1)
MAX_LEASE_DURATION = timedelta(days=1)
DEFAULT_LEASE_DURATION = timedelta(minutes=5)
MAX_AUDIT_SHARE = 0.5
MIN_LABELED_CLASSES = 2
"""A head needs labels of two classes."""

_RECIPE_NAMES = {kind: name for name, kind in HEAD_RECIPES.items()}
STATE_OF_SPLIT = {
    Split.TRAIN: ClipState.LABELED,
    Split.VALIDATION: ClipState.VALIDATION,
    Split.TEST: ClipState.TEST,
}
"""Of a clip with a label."""
SPLIT_OF_STATE = {state: split for split, state in STATE_OF_SPLIT.items()} | {
    ClipState.ABSTAINED: Split.TRAIN
}
"""Of a clip with a label or an abstention."""


@dataclass(frozen=True, slots=True)
class Task:
    """The settings of a task."""

    task_id: str
    pool_id: str
    classes: tuple[str, ...]
    """All that it ever had, by index: those that were merged or retired, too."""
    epoch: str
    """Differs between a task and a later one of the same id; fences stale writers."""
    create_time: datetime
    query_strategy: QueryStrategy = PAPER_STRATEGY
    head_recipe: HeadRecipe = PAPER_RECIPE
    representation: Representation = Representation.NONE
    """What its heads read."""
    label_budget: int | None = None
    lease_duration: timedelta = DEFAULT_LEASE_DURATION
    seed: int = 0
    max_leases_per_oracle: int | None = None
    stopping_rule: StoppingRule | None = None
    estimate_accuracy: bool = False
    """Whether each round estimates its head's accuracy without validation labels."""
    audit_share: float = 0.0
    """Part of the picks that are drawn at random, from AUDITS_BEGIN clips on."""
    window_spacing: timedelta = timedelta()
    """How far windows of one recording lie apart that are asked at a time; they never overlap."""
    label_mode: LabelMode = LabelMode.SINGLE
    unmentioned: Unmentioned = Unmentioned.NEGATIVE
    """Of several labels a clip: what holds of the classes that an answer does not name."""
    revision: int = 0
    """Updates so far. The store refuses an update that was made from an older revision."""
    class_details: tuple[ClassDetails, ...] = ()
    """Of each class; none where all are active, and nothing more is known of any."""
    class_mark: str = ""
    """Of the last change of classes; empty before any. The store refuses labels that were read by
    other classes, also where it went back to an earlier state meanwhile."""

    @property
    def class_table(self) -> ClassTable:
        """The classes, and what has become of each."""
        return class_table(self.classes, self.class_details)

    def class_index(self, label: str, field: str) -> int:
        """Return the index of the class that `label` names.

        Those that were merged into others count as these, and so do former names.

        Raises:
            InvalidInput: it is none of them, or retired; names `field`.
        """
        table = self.class_table
        index = table.find(label)
        if index is not None and table.target(index) != NO_CLASS:
            return index
        wrong = "no class" if index is None else "a retired class"
        active = table.active_names
        known = ", ".join(active[:20]) + (", ..." if len(active) > 20 else "")
        raise InvalidInput.of(
            field,
            f"{label[:MAX_CLASS_LENGTH]!r} is {wrong} of tasks/{self.task_id}; its classes"
            f" are {known}",
        )

    def updated(self) -> "Task":
        """Return the task with its next revision, as the store keeps it after an update."""
        return replace(self, revision=self.revision + 1)

    def reclassed(self, table: ClassTable, mark: str) -> "Task":
        """Return the task with other classes, to be given to the store.

        Args:
            table: the classes.
            mark: no other change has it.
        """
        return replace(self, classes=table.names, class_details=table.details, class_mark=mark)

    def same_content(self, other: "Task") -> bool:
        """Whether creating `other` where this task exists is a repetition."""
        return (
            self.pool_id == other.pool_id
            and self.classes == other.classes
            and self.query_strategy == other.query_strategy
            and self.head_recipe == other.head_recipe
            and self.representation == other.representation
            and self.label_budget == other.label_budget
            and self.lease_duration == other.lease_duration
            and self.seed == other.seed
            and self.max_leases_per_oracle == other.max_leases_per_oracle
            and self.stopping_rule == other.stopping_rule
            and self.estimate_accuracy == other.estimate_accuracy
            and self.audit_share == other.audit_share
            and self.window_spacing == other.window_spacing
            and self.label_mode == other.label_mode
            and self.unmentioned == other.unmentioned
        )


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """How far a task has come. The unlabeled clips are the pool's others."""

    leased: int = 0
    labeled: int = 0
    abstained: int = 0
    validation: int = 0
    test: int = 0
    budget_spent: int = 0
    head_version: int = 0
    training_head_version: int | None = None
    promised_head_version: int = 0
    """The newest version that is trained, in training or due."""
    retired: int = 0
    """Rows of the pool that the task knows to be retired."""

    @property
    def taken(self) -> int:
        """Clips that are not unlabeled; of those that are in the pool."""
        return self.leased + self.labeled + self.abstained + self.validation + self.test

    def pool_state(self, clip_count: int, label_budget: int | None) -> PoolState:
        """Say whether a pool of `clip_count` clips has any to ask for."""
        if self.taken >= clip_count:
            return PoolState.ALL_LEASED if self.leased else PoolState.EXHAUSTED
        if label_budget is not None and self.budget_spent + self.leased >= label_budget:
            return PoolState.BUDGET_SPENT
        return PoolState.OPEN


def check_task(task: Task) -> None:
    """Check what a caller may get wrong about a task.

    Raises:
        InvalidInput: with every violation found.
    """
    violations = [
        *check_classes(task.classes),
        *check_strategy(task.query_strategy),
        *check_recipe(task.head_recipe),
    ]
    if task.label_budget is not None and not 1 <= task.label_budget <= MAX_LABEL_COUNT:
        violations.append(
            Violation(
                "task.label_budget",
                f"{task.label_budget:,}; it must be 1 to {MAX_LABEL_COUNT:,}; unset is no limit",
            )
        )
    if task.max_leases_per_oracle is not None and task.max_leases_per_oracle < 1:
        violations.append(
            Violation(
                "task.max_leases_per_oracle",
                "0 leases allow no query; leave it unset for no limit",
            )
        )
    violations += check_lease_duration(task.lease_duration, "task.lease_duration")
    if task.stopping_rule is not None:
        violations += check_stopping_rule(task.stopping_rule, "task.stopping_rule")
    if not 0 <= task.audit_share <= MAX_AUDIT_SHARE:
        violations.append(
            Violation(
                "task.audit_share", f"{task.audit_share:g}; it must be 0 to {MAX_AUDIT_SHARE:g}"
            )
        )
    if task.label_mode is LabelMode.MULTIPLE:
        violations += check_several(
            task.classes,
            task.query_strategy,
            task.head_recipe,
            task.stopping_rule,
            estimates=task.estimate_accuracy,
        )
    elif task.unmentioned is not Unmentioned.NEGATIVE:
        violations.append(
            Violation("task.unmentioned", "it goes with the label_mode MULTIPLE; leave it unset")
        )
    if violations:
        raise InvalidInput(*violations)


def check_strategy(strategy: QueryStrategy) -> list[Violation]:
    """Return what is wrong with a query strategy."""
    if strategy.goes_together:
        return []
    function, rule = strategy.acquisition_function, strategy.selection_rule
    return [
        Violation(
            "task.query_strategy.selection_rule",
            f"{rule.name} picks by how clips lie to each other, as {function.name} does; that goes"
            " with CLASS_AGNOSTIC or CLASS_AWARE",
        )
    ]


def check_recipe(recipe: HeadRecipe) -> list[Violation]:
    """Return what is wrong with a head recipe."""
    path = f"task.head_recipe.{_RECIPE_NAMES[type(recipe)]}"
    return [Violation(f"{path}.{name}", description) for name, description in out_of_range(recipe)]


def estimates_by_default(recipe: HeadRecipe, label_mode: LabelMode) -> bool:
    """Whether tasks estimate accuracy where they do not say. The paper's recipe does without."""
    return label_mode is LabelMode.SINGLE and not isinstance(recipe, AdamRecipe)


def check_lease_duration(duration: timedelta, field: str) -> list[Violation]:
    """Return what is wrong with how long a clip is to be held."""
    if MIN_LEASE_DURATION <= duration <= MAX_LEASE_DURATION:
        return []
    return [Violation(field, f"{duration.total_seconds():g} s; it must be a millisecond to a day")]


def check_classes(classes: Sequence[str]) -> list[Violation]:
    """Return what is wrong with a task's classes."""
    field = "task.classes"
    if not LEAST_ACTIVE <= len(classes) <= MAX_CLASSES:
        return [
            Violation(field, f"{len(classes)} given; {LEAST_ACTIVE} to {MAX_CLASSES:,} are needed")
        ]
    violations = []
    first_place: dict[str, int] = {}
    for index, name in enumerate(classes):
        wrong = wrong_name(name)
        if wrong:
            violations.append(Violation(f"{field}[{index}]", wrong))
        elif name in first_place:
            violations.append(
                Violation(f"{field}[{index}]", f"{name!r} stands at [{first_place[name]}] already")
            )
        first_place.setdefault(name, index)
    return violations
