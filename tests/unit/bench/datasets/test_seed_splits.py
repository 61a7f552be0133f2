"""Splits that each seed draws anew."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aloe.bench.datasets import DatasetError
from aloe.bench.datasets.seed_splits import draw_train_test
from aloe.client.types import Split

SEEDS = range(20)


@pytest.mark.parametrize(
    ("size", "test"), [(1, 0), (2, 1), (3, 1), (4, 1), (10, 3), (25, 8), (200, 60)]
)
def test_thirty_percent_of_each_class_are_test(size: int, test: int) -> None:
    labels = ["a"] * size + ["b"] * 10
    for seed in SEEDS:
        found = Counter(zip(labels, draw_train_test(labels, [""] * len(labels), seed), strict=True))
        assert (found["a", Split.TRAIN], found["a", Split.TEST]) == (size - test, test)
        assert found["b", Split.TEST] == 3


def test_seeds_draw_different_splits_and_the_same_seed_the_same() -> None:
    labels, groups = list("ab" * 100), [f"g{n // 9}" for n in range(200)]
    for known in ([""] * 200, groups):
        drawn = [draw_train_test(labels, known, seed) for seed in SEEDS]
        assert drawn == [draw_train_test(labels, known, seed) for seed in SEEDS]
        assert all(one != other for one, other in pairwise(drawn))


LABELS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 6)), min_size=1, max_size=60)


@settings(max_examples=50)
@given(LABELS, st.integers(0, 99))
def test_no_group_is_in_both_and_every_class_can_be_learned(
    clips: list[tuple[str, int]], seed: int
) -> None:
    labels = [label for label, _ in clips]
    groups = [f"g{number}" if number else "" for _, number in clips]
    try:
        splits = draw_train_test(labels, groups, seed)
    except DatasetError:
        # Only where no group can be spared: each has a class that no other group has.
        keys = [group or str(n) for n, group in enumerate(groups)]
        groups_of = {
            label: {k for k, of in zip(keys, labels, strict=True) if of == label}
            for label in labels
        }
        alone = {next(iter(each)) for each in groups_of.values() if len(each) == 1}
        assert alone == set(keys)
        return
    assert set(splits) <= {Split.TRAIN, Split.TEST}
    of_group = {(group, split) for group, split in zip(groups, splits, strict=True) if group}
    assert len(of_group) == len({group for group, _ in of_group})
    trained = {label for label, split in zip(labels, splits, strict=True) if split is Split.TRAIN}
    assert trained == set(labels)


def test_groups_of_different_sizes_are_drawn_too_and_near_to_the_share() -> None:
    # Ten speakers, as in EmoDB: seven classes, unequal numbers of clips.
    sizes = [49, 58, 43, 38, 55, 35, 61, 69, 56, 71]
    groups = [f"speaker{n}" for n, size in enumerate(sizes) for _ in range(size)]
    labels = [f"class{n % 7}" for n in range(len(groups))]
    drawn = [draw_train_test(labels, groups, seed) for seed in SEEDS]
    tested = {
        frozenset(g for g, split in zip(groups, splits, strict=True) if split is Split.TEST)
        for splits in drawn
    }
    assert len(tested) > 10
    shares = [splits.count(Split.TEST) / len(groups) for splits in drawn]
    assert all(0.18 <= share <= 0.42 for share in shares)
    assert abs(sum(shares) / len(shares) - 0.3) < 0.04
    for splits in drawn:
        counts = Counter(
            of for of, split in zip(labels, splits, strict=True) if split is Split.TEST
        )
        assert max(counts.values()) - min(counts.values()) <= 3


def test_groups_that_cannot_be_spared_are_told() -> None:
    with pytest.raises(DatasetError, match="no group of 2 can be test: each has a class that no"):
        draw_train_test(["a", "a", "b"], ["x", "x", "y"], 0)
