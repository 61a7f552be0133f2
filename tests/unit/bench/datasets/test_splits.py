from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloe.bench.datasets import DatasetError
from aloe.bench.datasets.splits import draw_group_splits, draw_splits
from aloe.client.types import Split


@pytest.mark.parametrize(
    ("size", "train", "validation", "test"),
    [(1, 1, 0, 0), (2, 1, 0, 1), (3, 1, 1, 1), (10, 7, 1, 2), (200, 140, 20, 40)],
)
def test_parts_of_a_class(size: int, train: int, validation: int, test: int) -> None:
    counts = Counter(draw_splits(["a"] * size, seed=0))
    assert [counts[s] for s in (Split.TRAIN, Split.VALIDATION, Split.TEST)] == [
        train,
        validation,
        test,
    ]


@given(st.lists(st.sampled_from("abc")), st.integers(0, 9))
def test_every_class_can_be_learned(labels: list[str], seed: int) -> None:
    splits = draw_splits(labels, seed)
    assert len(splits) == len(labels)
    trained = {label for label, s in zip(labels, splits, strict=True) if s is Split.TRAIN}
    assert trained == set(labels)


SIZES = st.lists(st.integers(1, 30), min_size=2, max_size=40)


@given(SIZES, st.integers(0, 9))
def test_speakers_are_split_whole_and_as_near_to_the_parts_as_they_go(
    sizes: list[int], seed: int
) -> None:
    speakers = [f"speaker{n}" for n, size in enumerate(sizes) for _ in range(size)]
    splits = draw_group_splits(["a"] * len(speakers), speakers, seed)
    assert splits == draw_group_splits(["a"] * len(speakers), speakers, seed)
    assert len(set(zip(speakers, splits, strict=True))) == len(sizes)
    counts = Counter(splits)
    assert counts[Split.TRAIN] > 0
    assert counts[Split.TEST] > 0
    for split, share in ((Split.TRAIN, 0.7), (Split.VALIDATION, 0.1), (Split.TEST, 0.2)):
        assert abs(counts[split] - share * len(speakers)) <= 4 / 3 * max(sizes) + 1e-6


def test_speakers_of_equal_size_are_drawn_by_seed_and_within_their_classes() -> None:
    speakers = [f"speaker{n // 5}" for n in range(400)]
    labels = ["a" if n < 200 else "b" for n in range(400)]
    first, other = (draw_group_splits(labels, speakers, seed) for seed in (0, 1))
    assert first != other
    for label in "ab":
        counts = Counter(s for s, of in zip(first, labels, strict=True) if of == label)
        assert counts == {Split.TRAIN: 140, Split.VALIDATION: 20, Split.TEST: 40}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 5)), min_size=1, max_size=40))
def test_groups_leave_every_class_to_learn_and_something_to_measure(
    clips: list[tuple[str, int]],
) -> None:
    labels, groups = [label for label, _ in clips], [f"group{number}" for _, number in clips]
    alone = {
        groups_of.pop()
        for label in labels
        if len(groups_of := {g for g, of in zip(groups, labels, strict=True) if of == label}) == 1
    }
    if alone == set(groups):
        with pytest.raises(DatasetError, match="can be test: each has a class that no other has"):
            draw_group_splits(labels, groups, 0)
        return
    splits = draw_group_splits(labels, groups, 0)
    trained = {label for label, s in zip(labels, splits, strict=True) if s is Split.TRAIN}
    assert trained == set(labels)
    assert Split.TEST in splits


def test_a_class_that_only_a_later_group_has_is_learned() -> None:
    # Ten clips of a are train: of a, test lacks the most, and would get all clips of b with it.
    labels, groups = ["a"] * 15 + ["b"], ["first"] * 10 + ["second"] * 6
    assert draw_group_splits(labels, groups, 0) == [Split.TEST] * 10 + [Split.TRAIN] * 6


def test_clips_of_nobody_known_are_split_one_by_one() -> None:
    counts = Counter(draw_group_splits(["a"] * 100, [""] * 100, 0))
    assert counts == {Split.TRAIN: 70, Split.VALIDATION: 10, Split.TEST: 20}
