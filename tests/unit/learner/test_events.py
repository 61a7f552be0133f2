"""The state of a task's clips, folded from its log."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.events import Event, TaskView, event_order
from aloe.values.states import ClipState, EventKind, Split

UNLABELED, LEASED, LABELED = ClipState.UNLABELED, ClipState.LEASED, ClipState.LABELED


def event(number: int, kind: EventKind, *changes: tuple[int, ClipState, int], version=0) -> Event:
    return Event(
        event_id=f"1700000000000-{number}",
        kind=kind,
        rows=tuple(row for row, _, _ in changes),
        states=tuple(state for _, state, _ in changes),
        class_indices=tuple(class_index for _, _, class_index in changes),
        head_version=version,
    )


def test_a_new_view_holds_unlabeled_clips_and_no_head():
    view = TaskView(3)
    assert view.rows_in(UNLABELED).tolist() == [0, 1, 2]
    assert (view.head_version, view.last_event_id) == (0, "0-0")


def test_a_clips_state_is_what_the_last_event_says():
    view = TaskView(4)
    view.apply(event(1, EventKind.CLIPS_LEASED, (1, LEASED, NO_CLASS), (2, LEASED, NO_CLASS)))
    view.apply(event(2, EventKind.CLIPS_ANSWERED, (2, LABELED, 5)))
    view.apply(event(3, EventKind.LEASES_EXPIRED, (1, UNLABELED, NO_CLASS)))
    view.apply(event(4, EventKind.CLIPS_ANSWERED, (0, ClipState.ABSTAINED, NO_CLASS)))
    assert view.states.tolist() == [ClipState.ABSTAINED, UNLABELED, LABELED, UNLABELED]
    assert view.class_indices.tolist() == [NO_CLASS, NO_CLASS, 5, NO_CLASS]
    assert view.rows_in(UNLABELED).tolist() == [1, 3]
    assert view.last_event_id == "1700000000000-4"


def drawn(number: int, kind: EventKind, audits: tuple[bool, ...], *rows: int) -> Event:
    changes = [(row, LABELED, 1) for row in rows]
    return replace(event(number, kind, *changes), audits=audits)


def test_labels_are_those_of_audits_as_answers_and_imports_say():
    view = TaskView(4)
    view.apply(drawn(1, EventKind.CLIPS_LEASED, (True, True), 0, 3))
    assert not view.is_audit.any()
    view.apply(drawn(2, EventKind.CLIPS_ANSWERED, (True, False, True), 0, 1, 2))
    before = view.last_event_id
    view.apply(drawn(3, EventKind.CLIPS_ANSWERED, (), 2))
    view.apply(drawn(4, EventKind.LABELS_IMPORTED, (False, True), 0, 3))
    assert view.is_audit.tolist() == [False, False, False, True]
    then = view.at(before)
    assert then is not None
    assert then.is_audit.tolist() == [True, False, True, False]
    view.grow(6)
    view.cut(5)
    assert len(view.is_audit) == 5


def test_what_was_asked_is_leased_labeled_or_abstained():
    view = TaskView(6)
    view.apply(event(1, EventKind.CLIPS_LEASED, *[(row, LEASED, NO_CLASS) for row in range(3)]))
    view.apply(event(2, EventKind.CLIPS_ANSWERED, (1, LABELED, 1), (2, ClipState.ABSTAINED, -1)))
    view.apply(event(3, EventKind.LABELS_IMPORTED, (3, ClipState.TEST, 0)))
    view.apply(event(4, EventKind.CLIPS_RETIRED, (4, ClipState.RETIRED, NO_CLASS)))
    assert view.asked_count() == 3


def test_a_correction_replaces_the_label():
    view = TaskView(2)
    view.apply(event(1, EventKind.CLIPS_ANSWERED, (1, LABELED, 0)))
    view.apply(event(2, EventKind.CLIPS_ANSWERED, (1, LABELED, 3)))
    rows, labels = view.labeled_rows(Split.TRAIN)
    assert (rows.tolist(), labels.tolist()) == ([1], [3])


def test_each_split_has_its_own_labels():
    view = TaskView(5)
    changes = [(0, LABELED, 1), (2, ClipState.VALIDATION, 0), (3, ClipState.TEST, 2)]
    view.apply(event(1, EventKind.LABELS_IMPORTED, *changes))
    found = {split: [each.tolist() for each in view.labeled_rows(split)] for split in Split}
    assert found == {Split.TRAIN: [[0], [1]], Split.VALIDATION: [[2], [0]], Split.TEST: [[3], [2]]}
    assert view.labeled_rows(Split.TRAIN)[1].dtype == np.int64


def test_only_a_head_event_changes_the_head_version():
    view = TaskView(1)
    view.apply(event(1, EventKind.HEAD_TRAINED, version=4))
    view.apply(event(2, EventKind.TASK_UPDATED))
    assert view.head_version == 4


def test_a_view_grows_with_its_pool_and_forgets_nothing():
    view = TaskView(0)
    view.apply(event(1, EventKind.LABELS_IMPORTED, (2, LABELED, 1)))
    view.grow(5)
    view.grow(1)
    assert view.states.tolist() == [UNLABELED, UNLABELED, LABELED, UNLABELED, UNLABELED]
    assert view.class_indices.tolist() == [NO_CLASS, NO_CLASS, 1, NO_CLASS, NO_CLASS]


def test_event_ids_sort_by_number_and_not_as_text():
    ids = ["999-1", "1000-2", "1000-10", "0-0"]
    assert sorted(ids, key=event_order) == ["0-0", "999-1", "1000-2", "1000-10"]


CHANGES = st.tuples(st.integers(0, 11), st.sampled_from(ClipState), st.integers(-1, 3))


@pytest.mark.slow
@pytest.mark.parametrize("first_count", [0, 6, 12])
@given(batches=st.lists(st.lists(CHANGES, max_size=5, unique_by=lambda each: each[0]), max_size=8))
def test_folding_gives_each_clip_its_last_change_whatever_size_the_view_began_with(
    first_count, batches
):
    view = TaskView(first_count)
    last = {}
    for number, changes in enumerate(batches):
        view.apply(event(number, EventKind.LABELS_IMPORTED, *changes))
        last.update({row: (state, class_index) for row, state, class_index in changes})
    view.grow(12)
    found = list(zip(view.states.tolist(), view.class_indices.tolist(), strict=True))
    assert found == [last.get(row, (UNLABELED, NO_CLASS)) for row in range(12)]


CHANGES = st.tuples(st.integers(0, 5), st.sampled_from(ClipState), st.integers(NO_CLASS, 3))
HAPPENINGS: st.SearchStrategy[tuple[EventKind, list[tuple[int, ClipState, int]]]] = st.one_of(
    st.tuples(
        st.sampled_from([EventKind.CLIPS_LEASED, EventKind.CLIPS_ANSWERED]),
        st.lists(CHANGES, min_size=1, max_size=4, unique_by=lambda change: change[0]),
    ),
    st.tuples(st.sampled_from([EventKind.TASK_UPDATED, EventKind.HEAD_TRAINED]), st.just([])),
)


def folded(events: list[Event]) -> TaskView:
    view = TaskView(6)
    for each in events:
        view.apply(each)
    return view


@given(st.lists(HAPPENINGS, max_size=12), st.data())
def test_a_view_goes_back_to_what_it_was_at_any_event_since_the_newest_head(happenings, data):
    events = [
        event(number, kind, *changes, version=number)
        for number, (kind, changes) in enumerate(happenings, start=1)
    ]
    heads = [n for n, each in enumerate(events, 1) if each.kind is EventKind.HEAD_TRAINED]
    newest_head = max(heads, default=0)
    number = data.draw(st.integers(0, len(events)))
    found = folded(events).at(f"1700000000000-{number}")
    if number < newest_head:
        assert found is None
        return
    assert found is not None
    expected = folded(events[:number])
    assert found.states.tolist() == expected.states.tolist()
    assert found.class_indices.tolist() == expected.class_indices.tolist()


def test_what_a_view_returns_is_a_copy_of_its_own():
    view = folded([event(1, EventKind.CLIPS_ANSWERED, (1, LABELED, 0))])
    copy = view.at("1700000000000-1")
    assert copy is not None
    copy.states[1] = UNLABELED
    assert view.states[1] == LABELED


def test_a_view_of_a_task_that_nobody_trains_forgets_its_first_steps():
    view = TaskView(1)
    for number in range(1, 5_001):
        view.apply(event(number, EventKind.CLIPS_LEASED, (0, LEASED, NO_CLASS)))
    assert view.at("1700000000000-1") is None
    assert view.at("1700000000000-4900") is not None


def test_a_view_of_many_large_leases_does_not_grow_without_end():
    view, rows = TaskView(10_000), tuple(range(10_000))
    states, classes = (LEASED,) * len(rows), (NO_CLASS,) * len(rows)
    for number in range(1, 301):
        view.apply(Event(f"{number}-0", EventKind.CLIPS_LEASED, rows, states, classes))
    assert view.at("199-0") is None
    assert view.at("201-0") is not None


def test_answers_after_an_event_are_known():
    view = folded([event(1, EventKind.CLIPS_ANSWERED, (1, LABELED, 0))])
    view.apply(event(2, EventKind.CLIPS_LEASED, (0, LEASED, NO_CLASS)))
    assert view.is_changed_after("0-0")
    assert not view.is_changed_after("1700000000000-1")
