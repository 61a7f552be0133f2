"""What a task's stopping rule, as it is now, says at each of its heads."""

from collections.abc import Mapping
from dataclasses import dataclass

from aloe.learner.cache.tasks import CachedTask
from aloe.learner.domain.errors import HeadNotTrained
from aloe.learner.domain.folding import check_known
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.stopping import advise, rounds_needed
from aloe.learner.domain.task import Task
from aloe.learner.ports.store import Store
from aloe.learner.recorder import Phase
from aloe.values.stopping import StopAdvice


@dataclass(frozen=True, slots=True)
class RoundReport:
    """A round with what the store does not keep of it."""

    round: Round
    advice: StopAdvice | None
    """None without a stopping rule."""
    times: Mapping[Phase, float]
    """What this process spent on the head, in seconds."""
    classes: tuple[str, ...]
    """Those of the head, by their names now, in the order of its columns."""


async def advice_at(store: Store, task: Task, head_version: int) -> StopAdvice | None:
    """Return what the rule says at one head; None without a rule or a head that is of use."""
    if task.stopping_rule is None or head_version == 0:
        return None
    if not await _is_of_use(store, task, head_version):
        return None
    first = max(1, head_version - rounds_needed(task.stopping_rule) + 1)
    rounds = await store.read_rounds(task, first, head_version - first + 1)
    return advise(task.stopping_rule, rounds)


async def _is_of_use(store: Store, task: Task, head_version: int) -> bool:
    """Whether a head that is kept tells classes of now apart."""
    if not task.class_details:
        return True
    head = await store.read_head(task, head_version)
    try:
        if head is not None:
            check_known(head, task)
    except HeadNotTrained:
        return False
    return True


def classes_of(task: Task, round_: Round) -> tuple[str, ...]:
    """Return the names of the classes that a round's head has."""
    # Rounds of older versions do not say: they have all that the task began with.
    indices = round_.class_indices or range(task.class_table.original_count)
    return tuple(task.classes[index] for index in indices)


async def round_reports(
    store: Store, cached: CachedTask, first_version: int, count: int
) -> list[RoundReport]:
    """Return up to `count` rounds from a head version on."""
    rule, newest = cached.task.stopping_rule, cached.view.head_version
    span = rounds_needed(rule) if rule else 1
    # To judge the first ones takes the rounds before them.
    first_read = max(1, first_version - span + 1)
    rounds = await store.read_rounds(cached.task, first_read, count + first_version - first_read)
    is_of_use = rule is None or await _is_of_use(store, cached.task, newest)
    return [
        RoundReport(
            round_,
            advise(rule, rounds[max(0, place - span + 1) : place + 1])
            if rule and (is_of_use or round_.head_version != newest)
            else None,
            cached.times.of(round_.head_version),
            classes_of(cached.task, round_),
        )
        for place, round_ in enumerate(rounds)
        if round_.head_version >= first_version
    ]
