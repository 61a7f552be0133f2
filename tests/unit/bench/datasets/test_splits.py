from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloe.bench.datasets.splits import draw_splits
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
