"""Tasks, and how far they have come."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from aloe.client.types.learning import Round
from aloe.values.classes import ClassState
from aloe.values.labels import LabelMode, Unmentioned
from aloe.values.recipes import HeadRecipe
from aloe.values.representations import Representation
from aloe.values.states import PoolState
from aloe.values.stopping import StopAdvice, StoppingRule
from aloe.values.strategies import QueryStrategy


@dataclass(frozen=True, slots=True)
class ClipCounts:
    """How many of a task's clips are in which state."""

    unlabeled: int
    leased: int
    labeled: int
    abstained: int
    validation: int
    test: int
    budget_spent: int


@dataclass(frozen=True, slots=True)
class TaskClass:
    """A class that a task has, or had."""

    name: str
    state: ClassState
    merged_into: str | None
    """MERGED: the class that it was merged into, which may be merged itself by now."""
    description: str
    """What people are told of it."""
    hotkey: str
    """A digit or letter that people may answer with; empty for none."""
    former_names: tuple[str, ...]
    """A label by one of them is of this class, until another class takes the name."""
    add_time: datetime | None
    """None for a class that the task began with."""


@dataclass(frozen=True, slots=True)
class Task:
    """One classification problem on the clips of a pool."""

    task_id: str
    pool_id: str
    classes: tuple[str, ...]
    """Those that can be answered with."""
    query_strategy: QueryStrategy
    head_recipe: HeadRecipe
    representation: Representation
    """What its heads read."""
    label_budget: int | None
    lease_duration: timedelta
    seed: int
    head_version: int
    """Version of the newest head; 0 before the first."""
    training_head_version: int | None
    """Version of the head in training, if one is."""
    clip_counts: ClipCounts
    pool_state: PoolState
    create_time: datetime
    max_leases_per_oracle: int | None
    """Clips that one oracle may hold at a time; None for no limit."""
    stopping_rule: StoppingRule | None
    stop_advice: StopAdvice | None
    """What the rule says at the newest head; None before the first and without a rule."""
    estimate_accuracy: bool
    """Whether each round estimates its head's accuracy without validation labels."""
    audit_share: float
    window_spacing: timedelta
    """How far windows of one recording lie apart that are asked at a time."""
    """Part of the clips to ask that are drawn at random, from the 51st on."""
    class_details: tuple[TaskClass, ...] = ()
    """All classes that it ever had, merged and retired ones too, in the order in which they
    came."""
    label_mode: LabelMode = LabelMode.SINGLE
    unmentioned: Unmentioned = Unmentioned.NEGATIVE
    """Of several labels a clip: what holds of the classes that an answer does not name."""


@dataclass(frozen=True, slots=True)
class ChangeClassesResult:
    """What became of a change of classes."""

    task: Task
    head_version: int | None
    """The head that will have these classes; None where the change makes no difference to heads,
    was made before, or while fewer than two classes are labeled."""


@dataclass(frozen=True, slots=True)
class TaskUpdate:
    """A task as WatchTask tells it."""

    task: Task
    last_round: Round | None
