"""Classes and changes of them are read as they were written, at both ends."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from aloe.client.operations.class_changes import change_classes
from aloe.client.operations.classes import parse_classes
from aloe.learner.domain.classes import ClassDetails, ClassTable
from aloe.learner.rpc.classes import read_change, write_classes
from aloe.values.classes import (
    AddClass,
    ClassChange,
    DescribeClass,
    MergeClass,
    RenameClass,
    RestoreClass,
    RetireClass,
)

TEXT = st.text(max_size=20)
CHANGES: st.SearchStrategy[ClassChange] = st.one_of(
    st.builds(AddClass, TEXT, TEXT, TEXT),
    st.builds(RenameClass, TEXT, TEXT),
    st.builds(MergeClass, TEXT, TEXT),
    st.builds(RetireClass, TEXT),
    st.builds(RestoreClass, TEXT),
    st.builds(DescribeClass, TEXT, TEXT, st.none() | TEXT),
    st.builds(DescribeClass, TEXT, st.none(), TEXT),
)
TIMES = st.integers(0, 4 * 10**9).map(lambda second: datetime.fromtimestamp(second, UTC))
DETAILS = st.builds(
    ClassDetails,
    st.none() | st.integers(0, 3),
    st.booleans(),
    TEXT,
    TEXT,
    st.lists(TEXT, max_size=2).map(tuple),
    st.none() | TIMES,
)


@given(CHANGES)
def test_a_change_is_read_as_it_was_asked(change: ClassChange):
    operation = change_classes("t", change)
    assert read_change(operation.request) == change


@given(
    st.lists(TEXT.filter(bool), min_size=4, max_size=4, unique=True),
    st.lists(DETAILS, min_size=4, max_size=4),
)
def test_classes_are_read_as_they_were_told(names: list[str], details: list[ClassDetails]):
    found = parse_classes(write_classes(ClassTable(tuple(names), tuple(details))))
    assert [each.name for each in found] == names
    for each, known in zip(found, details, strict=True):
        assert each.state is known.state
        assert each.merged_into == (None if known.merged_into is None else names[known.merged_into])
        assert (each.description, each.hotkey) == (known.description, known.hotkey)
        assert (each.former_names, each.add_time) == (known.former_names, known.add_time)
