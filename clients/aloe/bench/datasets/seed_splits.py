"""Splits that each seed draws anew, for a data set that has none of its own."""

from collections.abc import Sequence

import numpy as np

from aloe.bench.datasets.splits import count_labels, group_keys, one_each, split_by_group
from aloe.client.types import Label, Split

_TENTHS = {Split.TEST: 3, Split.TRAIN: 7}
_DRAWING = 0x5917
"""With the seed of a run, that of its split: drawn apart from its seed labels and clips."""


def draw_train_test(labels: Sequence[Label], groups: Sequence[str], seed: int) -> list[Split]:
    """Draw 70 % train and 30 % test, no group in both, each class divided as far as groups allow.

    Every class has a train recording. The same labels and groups in the same order and the same
    seed give the same splits. Groups come in an order drawn by the seed, and each goes to the split
    that most lacks its classes; large ones do not come first, as they do where splits are drawn
    once, or groups of different sizes would be split the same way by every seed. An empty group is
    unknown: such recordings are drawn one by one, and within each class where no group is known
    and none has several labels.
    Where all would be train, the smallest group that can be spared is test.

    Args:
        labels: of each recording.
        groups: of each recording; empty where there are none.
        seed: of a run.

    Raises:
        DatasetError: no groups can be test, for each has a class that no other has.
    """
    generator = np.random.default_rng([seed, _DRAWING])
    plain = one_each(labels)
    if plain is not None and not any(groups):
        return _within_classes(plain, generator)
    keys = group_keys(groups or [""] * len(labels))
    labels_of = count_labels(labels, keys)
    names = list(labels_of)
    order = [names[index] for index in generator.permutation(len(names))]
    split_of = split_by_group(labels, labels_of, order, _TENTHS)
    return [split_of[key] for key in keys]


def _within_classes(labels: Sequence[str], generator: np.random.Generator) -> list[Split]:
    """Draw within each class; a class of one recording is train."""
    splits = [Split.TRAIN] * len(labels)
    names = np.array(labels)
    for label in sorted(set(labels)):
        places = generator.permutation(np.flatnonzero(names == label)).tolist()
        test_count = min(max(1, round(0.3 * len(places))), len(places) - 1)
        for place in places[:test_count]:
            splits[place] = Split.TEST
    return splits
