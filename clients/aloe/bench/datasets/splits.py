"""Splits: their names in files, and the drawing of them where a data set brings none."""

from collections.abc import Sequence

import numpy as np

from aloe.client.types import Split

SPLIT_NAMES = {
    "train": Split.TRAIN,
    "validation": Split.VALIDATION,
    "valid": Split.VALIDATION,
    "dev": Split.VALIDATION,
    "val": Split.VALIDATION,
    "test": Split.TEST,
}


def draw_splits(labels: Sequence[str], seed: int) -> list[Split]:
    """Draw 70 % train, 10 % validation and 20 % test within each class.

    The first recordings of a small class go to train, then test, then validation. The same
    labels in the same order and the same seed give the same splits.
    """
    rng = np.random.default_rng(seed)
    splits = [Split.TRAIN] * len(labels)
    of_class: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        of_class.setdefault(label, []).append(index)
    for label in sorted(of_class):
        shuffled = rng.permutation(of_class[label]).tolist()
        # A class of one is all train; of two, train and test.
        test_count = min(max(1, round(0.2 * len(shuffled))), len(shuffled) - 1)
        rest_count = len(shuffled) - test_count
        validation_count = min(max(1, round(0.1 * len(shuffled))), rest_count - 1)
        for index in shuffled[:test_count]:
            splits[index] = Split.TEST
        for index in shuffled[test_count : test_count + validation_count]:
            splits[index] = Split.VALIDATION
    return splits
