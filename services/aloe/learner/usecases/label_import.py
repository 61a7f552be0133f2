"""ImportLabels: labels that are known already, all or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_
from datetime import datetime

from aloe.learner.cache.clips import no_clip
from aloe.learner.cache.pools import PoolCache
from aloe.learner.cache.tasks import TaskCache
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.clip_changes import FoundClip
from aloe.learner.domain.errors import (
    ClassesChanged,
    InvalidInput,
    LabelConflict,
    StoreUnavailable,
    Violation,
)
from aloe.learner.domain.given_labels import class_of, named_set
from aloe.learner.domain.label_sets import ClassSet
from aloe.learner.domain.leases import Conflict, LabelChange, LabelsDiffer, LabelsOutcome
from aloe.learner.domain.pool import Pool
from aloe.learner.domain.task import SPLIT_OF_STATE, STATE_OF_SPLIT, Task
from aloe.learner.ports.store import Store
from aloe.learner.usecases.divided import divided_recordings
from aloe.learner.usecases.retiring import settled_task
from aloe.learner.usecases.settling import contents_of, then_check
from aloe.learner.usecases.training import Trainer
from aloe.values.labels import Label
from aloe.values.states import ClipState, Split

MAX_SHOWN_VIOLATIONS = 20
_MOST_TRIES = 10


@dataclass(frozen=True, slots=True)
class KnownLabel:
    """A label that is known already."""

    pool_id: str
    clip_id: str
    label: Label | None
    """None for an abstention."""
    split: Split
    oracle_id: str = ""
    label_time: datetime | None = None
    is_audit: bool = False


class LabelImporter:
    """Serves ImportLabels."""

    def __init__(self, store: Store, pools: PoolCache, tasks: TaskCache, trainer: Trainer) -> None:
        self._store, self._pools, self._tasks, self._trainer = store, pools, tasks, trainer

    async def import_labels(
        self,
        task_id: str,
        labels: Sequence[KnownLabel],
        *,
        replace: bool = False,
        validate_only: bool = False,
    ) -> LabelsOutcome:
        """Set labels that are known already, all or none.

        Args:
            task_id: the task.
            labels: at least one.
            replace: labels replace answers that differ; the last one given to a clip counts.
            validate_only: store nothing, and tell what would change.

        Raises:
            InvalidInput: an unknown class, a clip that the pool does not hold or of another pool,
                two labels of one clip.
            LabelConflict: clips are answered otherwise.
            ClipNotFound: a clip was deleted or replaced meanwhile.
            StoreWentBack: the store lost clips meanwhile.
        """
        if not labels:
            raise InvalidInput.of("labels", "empty; give at least one label")
        tries = 0
        while True:
            tries += 1
            try:
                return await self._import(
                    task_id, labels, replace=replace, validate_only=validate_only
                )
            except ClassesChanged:
                if tries == _MOST_TRIES:
                    raise

    async def _import(
        self, task_id: str, labels: Sequence[KnownLabel], *, replace: bool, validate_only: bool
    ) -> LabelsOutcome:
        """Set labels by the task's classes of this moment. Raises ClassesChanged if they change."""
        task, _, pool = await settled_task(self._store, task_id)
        pool, found = await self._find(pool, [label.clip_id for label in labels])
        checked = _Checked(task, replace=replace)
        for label, clip in zip(labels, found, strict=True):
            checked.add(label, clip)
        changes = checked.changes()
        importing = self._store.import_labels(
            task, changes, replace=replace, validate_only=validate_only
        )
        try:
            outcome, lost = await then_check(self._store, importing, pool)
        except LabelsDiffer as error:
            raise _conflict(task, checked, error) from error
        if lost is not None:
            if not validate_only:
                await self._take_back(task, changes)
            raise lost
        if outcome.head_version is not None:
            self._trainer.notify(task_id)
        divided = await divided_recordings(self._store, self._pools, self._tasks, task, changes)
        return replace_(outcome, divided_recordings=tuple(divided))

    async def _find(
        self, pool: Pool, clip_ids: Sequence[str]
    ) -> tuple[Pool, list[FoundClip | None]]:
        """Find clips, and return a state of the pool that has all that were found."""
        for _ in range(_MOST_TRIES):
            found = await self._store.find_clips(pool.pool_id, clip_ids)
            if all(each is None or each.row < pool.row_count for each in found):
                return pool, found
            # Imported since the pool was read; they may be lost before it is read again.
            pool = await self._store.read_pool(pool.pool_id)
        raise StoreUnavailable(f"pools/{pool.pool_id} kept growing; try again")

    async def _take_back(self, task: Task, changes: Sequence[LabelChange]) -> None:
        """Take off what was set on rows that are not, or no more, of the clips that were found."""
        pool = await self._pools.fresh(task.pool_id)
        rows = [change.row for change in changes]
        await self._store.drop_strays(task, contents_of(pool, rows))


class _Checked:
    """The labels of a request as changes, one of each clip."""

    def __init__(self, task: Task, *, replace: bool) -> None:
        self._task, self._replace = task, replace
        self._saids: dict[Label, int | ClassSet] = {}
        self._changes: dict[int, LabelChange] = {}
        self._places: dict[int, int] = {}
        """By row, where the label stands in the request."""
        self._labels: list[KnownLabel] = []
        self._violations: list[Violation] = []
        self._violation_count = 0

    def add(self, label: KnownLabel, clip: FoundClip | None) -> None:
        """Check the next label of the request; `clip` is the pool's, if it holds it."""
        place = len(self._labels)
        self._labels.append(label)
        try:
            found = self._found(label, clip, f"labels[{place}].clip")
            change = self._change(found, label, f"labels[{place}]")
            self._check_repeated(change, place)
            self._changes[found.row], self._places[found.row] = change, place
        except InvalidInput as error:
            self._violation_count += len(error.violations)
            room = MAX_SHOWN_VIOLATIONS - len(self._violations)
            self._violations += error.violations[:room]

    def changes(self) -> list[LabelChange]:
        """Return what to set. Raises InvalidInput where a label was at fault."""
        if self._violations:
            raise InvalidInput(*self._violations, count=self._violation_count)
        return list(self._changes.values())

    def given(self, change_place: int) -> tuple[int, KnownLabel]:
        """Return the label that a change was made of, with its place in the request."""
        place = list(self._places.values())[change_place]
        return place, self._labels[place]

    def _found(self, label: KnownLabel, clip: FoundClip | None, field: str) -> FoundClip:
        if label.pool_id != self._task.pool_id:
            raise InvalidInput.of(
                field, f"pools/{label.pool_id} is not the task's pool, pools/{self._task.pool_id}"
            )
        if clip is None:
            raise InvalidInput.of(field, str(no_clip(label.pool_id, label.clip_id)))
        return clip

    def _change(self, found: FoundClip, label: KnownLabel, field: str) -> LabelChange:
        state = ClipState.ABSTAINED
        said: int | ClassSet = NO_CLASS
        if label.label is not None:
            state, said = STATE_OF_SPLIT[label.split], self._said(label.label, field)
        elif label.split is not Split.TRAIN:
            raise InvalidInput.of(
                f"{field}.abstention", f"of a {label.split.value} clip; those need a label"
            )
        return LabelChange(
            found.row,
            state,
            said if isinstance(said, int) else NO_CLASS,
            label.oracle_id,
            label.label_time,
            found.content_hash,
            label.is_audit,
            None if isinstance(said, int) else said,
        )

    def _said(self, label: Label, field: str) -> int | ClassSet:
        """Return what a label says; of the same ones, which may be many, one is looked at."""
        said = self._saids.get(label)
        if said is None:
            said = self._saids[label] = class_of(self._task, label, f"{field}.")
        return said

    def _check_repeated(self, change: LabelChange, place: int) -> None:
        """Refuse a second label of a clip that differs from the first, unless the last counts."""
        first = self._changes.get(change.row)
        if first is None or self._replace:
            return
        one, other = ((each.state, each.class_index, each.class_set) for each in (first, change))
        if one != other:
            first_place = self._places[change.row]
            raise InvalidInput.of(
                f"labels[{place}]",
                f"{self._labels[place].clip_id!r} is {_said(self._labels[place])} here and"
                f" {_said(self._labels[first_place])} in labels[{first_place}]; give one label",
            )


def _conflict(task: Task, checked: _Checked, error: LabelsDiffer) -> LabelConflict:
    violations = []
    for conflict in error.conflicts:
        place, label = checked.given(conflict.place)
        violations.append(
            Violation(
                f"labels[{place}]",
                f"{label.clip_id!r} is {_stored(task, conflict)} already, not {_said(label)}",
            )
        )
    return LabelConflict(*violations, count=error.count)


def _stored(task: Task, conflict: Conflict) -> str:
    label: Label | None = None
    if conflict.class_set is not None:
        label = named_set(task, conflict.class_set)
    elif conflict.class_index != NO_CLASS:
        label = task.classes[conflict.class_index]
    by = f" by {conflict.oracle_id}" if conflict.oracle_id else ""
    return _answer(label, SPLIT_OF_STATE[conflict.state]) + by


def _said(label: KnownLabel) -> str:
    return _answer(label.label, label.split)


def _answer(label: Label | None, split: Split) -> str:
    return "an abstention" if label is None else f"{str(label)!r} ({split.value})"
