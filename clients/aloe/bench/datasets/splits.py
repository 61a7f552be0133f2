"""Splits: their names in files, and drawing them for a data set that has none."""

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

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

_TENTHS = {Split.TEST: 2, Split.TRAIN: 7, Split.VALIDATION: 1}
"""Tenths of the recordings; of splits that need a speaker equally, the first here gets it."""


def draw_splits(labels: Sequence[str], seed: int) -> list[Split]:
    """Draw 70 % train, 10 % validation and 20 % test within each class.

    A class of one recording is all train; of two, train and test; of three, one each. The same
    labels in the same order and the same seed give the same splits.
    """
    rng = np.random.default_rng(seed)
    splits = [Split.TRAIN] * len(labels)
    of_class: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        of_class.setdefault(label, []).append(index)
    for label in sorted(of_class):
        shuffled = rng.permutation(of_class[label]).tolist()
        test_count = min(max(1, round(0.2 * len(shuffled))), len(shuffled) - 1)
        rest_count = len(shuffled) - test_count
        validation_count = min(max(1, round(0.1 * len(shuffled))), rest_count - 1)
        for index in shuffled[:test_count]:
            splits[index] = Split.TEST
        for index in shuffled[test_count : test_count + validation_count]:
            splits[index] = Split.VALIDATION
    return splits


def draw_speaker_splits(labels: Sequence[str], speakers: Sequence[str], seed: int) -> list[Split]:
    """Draw splits of whole speakers, as near to 70 % train, 10 % validation, 20 % test as can be.

    Greedy, as iterative stratification (Sechidis et al., 2011): speakers with more recordings come
    first, equal ones in an order drawn by the seed, and each goes to the split that most lacks its
    classes. Two speakers with the same counts of classes become one train, one test. An empty
    speaker is unknown: such recordings are drawn one by one.
    """
    keys = [name or f"\0{index}" for index, name in enumerate(speakers)]
    labels_of: dict[str, Counter[str]] = {key: Counter() for key in keys}
    for key, label in zip(keys, labels, strict=True):
        labels_of[key][label] += 1
    totals = Counter(labels)
    # Counted in tenths of a recording: whole numbers, so that ties are exact.
    missing = {
        split: Counter({label: tenths * total for label, total in totals.items()})
        for split, tenths in _TENTHS.items()
    }
    names = list(labels_of)
    shuffled = [names[index] for index in np.random.default_rng(seed).permutation(len(names))]
    split_of: dict[str, Split] = {}
    for name in sorted(shuffled, key=lambda name: -labels_of[name].total()):
        split = split_of[name] = _neediest(missing, labels_of[name], totals)
        for label, count in labels_of[name].items():
            missing[split][label] -= 10 * count
    return [split_of[key] for key in keys]


def _neediest(
    missing: Mapping[Split, Counter[str]], counts: Counter[str], totals: Counter[str]
) -> Split:
    """Return the split that most lacks the speaker's classes, each relative to its total."""
    return max(
        missing,
        key=lambda split: sum(
            Fraction(count * missing[split][label], totals[label])
            for label, count in counts.items()
        ),
    )
