"""The store in memory is the model of the one in Redis: whatever is called, they answer alike."""

import asyncio
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import redis.asyncio
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from aloe.learner.adapters.redis.store import RedisStore
from aloe.learner.domain.class_changes import changed_classes, teaches
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.events import RETRACTED
from aloe.learner.domain.given_labels import class_of
from aloe.learner.domain.label_sets import ClassSet
from aloe.learner.domain.leases import Basis, LabelChange, LeaseOutcome, LeaseRequest, Pick
from aloe.learner.domain.round_work import RoundTicket
from aloe.learner.domain.task import Task
from aloe.values.classes import AddClass, MergeClass, RenameClass, RestoreClass, RetireClass
from aloe.values.kept_heads import KEPT_HEADS
from aloe.values.labels import LabelMode, LabelSet, Unmentioned
from aloe.values.recipes import AdamRecipe
from aloe.values.states import ClipState
from aloe.values.strategies import QueryStrategy

from .clips_in_step import ALL_IDS, CLIP_COUNT, ClipsInStep
from .conftest import new_task
from .heads import a_head, a_round
from .in_step import Both, listed

# Where they differ, finding the shortest story that shows it takes minutes.
pytestmark = pytest.mark.timeout(900)

ROWS = st.integers(0, CLIP_COUNT - 1)
ORACLES = st.sampled_from(["ann", "bob"])
REQUEST_IDS = st.sampled_from(["r1", "r2"]) | st.uuids().map(str)
# No sum of them comes near another: what the calls take does not matter.
DURATIONS = st.sampled_from([timedelta(minutes=1), timedelta(minutes=10), timedelta(days=1)])
PAUSES = st.sampled_from([timedelta(seconds=90), timedelta(hours=5), timedelta(days=3)])
SETTINGS = st.fixed_dictionaries(
    {
        "label_budget": st.none() | st.integers(1, 4),
        "max_leases_per_oracle": st.none() | st.integers(1, 3),
        "head_recipe": st.builds(AdamRecipe, epoch_count=st.integers(1, 3)),
    }
)
MOST_CHANGES = 4
CONTENTS = st.sampled_from(["", "x", "y"])
PARTS = st.dictionaries(
    st.integers(0, 4), st.sampled_from(["positive", "negative", "unknown"]), max_size=3
)
"""What an answer of several labels names; of the other classes the task says what holds."""
CHANGES = st.lists(
    st.one_of(
        st.builds(
            LabelChange,
            ROWS,
            st.sampled_from([ClipState.LABELED, ClipState.VALIDATION, ClipState.TEST]),
            st.integers(0, 2),
            st.sampled_from(["", "ann"]),
            content_hash=CONTENTS,
        ),
        st.builds(
            LabelChange,
            ROWS,
            st.just(ClipState.ABSTAINED),
            st.just(NO_CLASS),
            content_hash=CONTENTS,
        ),
    ),
    max_size=MOST_CHANGES,
    unique_by=lambda change: change.row,
)
CLASSES = st.sampled_from(["no", "yes", "maybe", "never"])
CLASS_CHANGES = st.one_of(
    st.builds(AddClass, CLASSES),
    st.builds(RenameClass, CLASSES, CLASSES),
    st.builds(MergeClass, CLASSES, CLASSES),
    st.builds(RetireClass, CLASSES),
    st.builds(RestoreClass, CLASSES),
)
Pair = tuple[str, str]
"""A lease's id in memory and in Redis."""


class TasksInStep(ClipsInStep):
    """Calls on one task of six clips or more, some with a copy of it that is out of date."""

    leases = Bundle("leases")
    tickets = Bundle("tickets")

    def __init__(self, both: Both, label_mode: LabelMode) -> None:
        super().__init__(both)
        self.label_mode = label_mode
        self.copies: list[Task] = []

    @initialize(target=leases, changes=SETTINGS, unmentioned=st.sampled_from(Unmentioned))
    def create(self, changes: dict[str, Any], unmentioned: Unmentioned) -> Pair:
        self.create_pool()
        if self.label_mode is LabelMode.MULTIPLE:
            changes |= {"label_mode": self.label_mode, "unmentioned": unmentioned}
        self.copies = [new_task(self.pool.pool_id, **changes)]
        self.both.call(lambda store, _: store.create_task(self.copies[0]))
        return "no-such-lease", "no-such-lease"

    def copy(self, age: int) -> Task:
        """A copy of the task: the newest, or one that was read before."""
        return self.copies[max(0, len(self.copies) - 1 - age)]

    @rule(
        target=leases,
        age=st.sampled_from([0, 0, 0, 1]),
        oracle_id=ORACLES,
        rows=st.permutations(range(CLIP_COUNT)) | st.lists(ROWS, unique=True),
        max_count=st.integers(1, 4),
        duration=DURATIONS,
        request_id=REQUEST_IDS,
        head_version=st.integers(0, 2),
        content=CONTENTS,
    )
    def lease(
        self, *, age, oracle_id, rows, max_count, duration, request_id, head_version, content
    ):
        request = LeaseRequest(
            oracle_id,
            [Pick(row, row / 8 if head_version else None, row % 2, content) for row in rows],
            Basis("0-0", CLIP_COUNT, 0, max_count, CLIP_COUNT, ""),
            max_count,
            duration,
            request_id,
            head_version,
            QueryStrategy() if head_version else None,
        )
        found = self.both.call(lambda store, _: store.lease(self.copy(age), request))
        if not isinstance(found[0], LeaseOutcome):
            return multiple()
        pairs = zip(found[0].leases, found[1].leases, strict=True)
        return multiple(*((first.lease_id, second.lease_id) for first, second in pairs))

    @rule(
        age=st.sampled_from([0, 0, 0, 1]),
        oracle_id=ORACLES,
        answers=st.lists(
            st.tuples(leases, st.sampled_from([RETRACTED, NO_CLASS, 0, 1, 2]), PARTS),
            max_size=4,
            unique_by=lambda answer: answer[0],
        ),
        request_id=REQUEST_IDS,
    )
    def submit(self, age, oracle_id, answers, request_id):
        self.both.call(
            lambda store, place: store.submit(
                self.copy(age),
                oracle_id,
                [
                    (pair[place], _answer_of(self.copy(age), index, parts))
                    for pair, index, parts in answers
                ],
                request_id,
            )
        )

    @rule(oracle_id=ORACLES, pairs=st.lists(leases, max_size=3))
    def release(self, oracle_id, pairs):
        self.both.call(
            lambda store, place: store.release(
                self.copy(0), oracle_id, [pair[place] for pair in pairs]
            )
        )

    @rule(oracle_id=ORACLES, pairs=st.lists(leases, min_size=1, max_size=3), duration=DURATIONS)
    def renew(self, oracle_id, pairs, duration):
        self.both.call(
            lambda store, place: _renew(
                store, self.copy(0), oracle_id, [pair[place] for pair in pairs], duration
            )
        )

    @rule(
        changes=CHANGES,
        parts=st.lists(PARTS, min_size=MOST_CHANGES, max_size=MOST_CHANGES),
        replaces=st.booleans(),
        validate_only=st.sampled_from([False] * 3 + [True]),
    )
    def import_labels(self, changes, parts, replaces, validate_only):
        task = self.copy(0)
        labels = []
        for each, named in zip(changes, parts, strict=False):
            said = _answer_of(task, each.class_index, named)
            index, classes = (NO_CLASS, said) if isinstance(said, ClassSet) else (said, None)
            labels.append(replace(each, class_index=index, class_set=classes))
        self.both.call(
            lambda store, _: store.import_labels(
                task, labels, replace=replaces, validate_only=validate_only
            )
        )

    @rule(age=st.sampled_from([0, 0, 0, 1]), count=st.integers(1, 3))
    def retire(self, age, count):
        changes, _ = self.both.call(
            lambda store, _: listed(store.read_changes(self.pool, 0, 1_000))
        )
        rows = [change.row for change in changes if change.clip.is_retired][-count:]
        self.both.call(lambda store, _: store.retire_rows(self.copy(age), rows))

    @rule(contents=st.dictionaries(ROWS, st.sampled_from([None, "x", "y"]), max_size=3))
    def drop_strays(self, contents):
        self.both.call(lambda store, _: store.drop_strays(self.copy(0), contents))

    @rule(
        target=tickets,
        age=st.sampled_from([0, 0, 0, 1]),
        trainer_id=st.sampled_from(["t1", "t2"]),
        hold=st.sampled_from([timedelta(0), timedelta(minutes=1)]),
    )
    def begin_round(self, age, trainer_id, hold):
        found = self.both.call(lambda store, _: store.begin_round(self.copy(age), trainer_id, hold))
        return found if isinstance(found[0], RoundTicket) else multiple()

    @rule(pair=tickets)
    def publish_head(self, pair):
        version = pair[0].head_version
        self.both.call(
            lambda store, place: store.publish_head(pair[place], a_head(version), a_round(version))
        )

    @rule(version=st.integers(0, 2 * KEPT_HEADS), count=st.integers(0, 3))
    def read_rounds(self, version, count):
        self.both.call(lambda store, _: _head_biases(store, self.copy(0), version))
        self.both.call(lambda store, _: _round_texts(store, self.copy(0), version, count))

    @rule(age=st.sampled_from([0, 0, 1]), changes=SETTINGS)
    def update(self, age, changes):
        changed = replace(self.copy(age), **changes)
        self.both.call(lambda store, _: store.update_task(changed))
        self.read()

    @rule(age=st.sampled_from([0, 0, 0, 1]), change=CLASS_CHANGES)
    def change_classes(self, age, change):
        task = self.copy(age)
        try:
            table = changed_classes(task.class_table, change, task.create_time)
        except InvalidInput:
            return
        changed = task.reclassed(table, f"mark-{task.revision}")
        self.both.call(lambda store, _: store.change_classes(changed, teaches=teaches(change)))
        self.read()

    @rule()
    def read(self):
        found, _ = self.both.call(lambda store, _: store.read_task(self.copies[0].task_id))
        if found[0] != self.copies[-1]:
            self.copies.append(found[0])

    @rule(changes=SETTINGS)
    def make_anew(self, changes):
        self.both.call(lambda store, _: store.delete_task(self.copies[0].task_id))
        anew = replace(self.copies[0], epoch=uuid.uuid4().hex, revision=0, **changes)
        self.both.call(lambda store, _: store.create_task(anew))
        self.copies.append(anew)

    @rule(changes=SETTINGS)
    def create_again(self, changes):
        again = replace(self.copies[0], epoch=uuid.uuid4().hex, revision=0, **changes)
        self.both.call(lambda store, _: store.create_task(again))
        self.both.call(lambda store, _: store.delete_pool(self.pool.pool_id))

    @rule(duration=PAUSES)
    def pass_time(self, duration):
        self.both.pass_time(self.copies[0], duration)

    @invariant()
    def agree(self):
        if self.copies:
            self.both.check_alike(self.copies[-1])
            self.both.check_pool_alike(self.pool, ALL_IDS)

    def teardown(self) -> None:
        if self.copies:
            self.both.call(lambda store, _: store.delete_task(self.copies[0].task_id))
            self.both.call(lambda store, _: store.delete_pool(self.pool.pool_id))


def _answer_of(task: Task, index: int, parts: Mapping[int, str]) -> int | ClassSet:
    """Return a class of the task, or a set where it is of several, or what stands in its place."""
    if index < 0 or task.label_mode is LabelMode.SINGLE:
        return index if index < 0 else index % len(task.classes)
    table = task.class_table
    named: dict[int, str] = {}
    for each, part in parts.items():
        class_index = each % len(table.names)
        if table.target(class_index) != NO_CLASS:
            named.setdefault(class_index, part)
    if set(named.values()) <= {"unknown"}:
        named[table.active[0]] = "positive"
    names = {
        wanted: tuple(table.names[each] for each, part in named.items() if part == wanted)
        for wanted in ("positive", "negative", "unknown")
    }
    return class_of(task, LabelSet(**names), "")


async def _renew(store, task, oracle_id, lease_ids, duration):
    await store.renew(task, oracle_id, lease_ids, duration)


async def _head_biases(store, task, version):
    head = await store.read_head(task, version)
    return None if head is None else head.biases.tolist()


async def _round_texts(store, task, version, count):
    # As texts, in which NaN equals NaN.
    return [repr(each) for each in await store.read_rounds(task, version, count)]


@pytest.fixture
def both_of(redis_url: str) -> Iterator[Any]:
    """Make pairs of stores, the one in memory anew each time."""
    with asyncio.Runner() as runner:
        store = RedisStore.of_url(redis_url)
        client = redis.asyncio.Redis.from_url(redis_url)
        yield lambda: Both(runner, store, client)
        runner.run(store.close())
        runner.run(client.aclose())


@pytest.mark.parametrize("label_mode", LabelMode)
@pytest.mark.parametrize(
    ("example_count", "step_count"),
    [(25, 30), pytest.param(300, 60, marks=pytest.mark.slow)],
)
def test_the_stores_answer_alike_whatever_is_called(both_of, example_count, step_count, label_mode):
    run_state_machine_as_test(
        lambda: TasksInStep(both_of(), label_mode),  # type: ignore[arg-type]  # a factory is as good
        settings=settings(
            max_examples=example_count,
            stateful_step_count=step_count,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
