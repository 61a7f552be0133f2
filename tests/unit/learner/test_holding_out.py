"""Labels that heads were trained without."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from aloe.learner.domain.holding_out import (
    FOLDS_OF_FEW,
    FOLDS_OF_MANY,
    MOST_HELD_OUT,
    HeldOut,
    HoldingOut,
    _folds,
    _within_span,
    logits_of,
)
from aloe.learner.domain.judging import class_probabilities
from aloe.learner.domain.training import train_head
from aloe.values.recipes import AdamRecipe, LbfgsRecipe, LogisticRecipe


def clouds(count: int, size: int = 8) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(5)
    labels = generator.integers(0, 3, count)
    noise = generator.normal(size=(count, size))
    return (noise + 1.5 * np.eye(3, size)[labels]).astype(np.float32), labels


def hold_out(*args, **options) -> HeldOut:
    """Do all shares, the last one first."""
    holding = HoldingOut(*args, **options)
    for number in reversed(range(holding.share_count)):
        holding.share(number)
    return holding.outcome()


def none_of(count: int) -> np.ndarray:
    return np.zeros(count, np.bool_)


@pytest.mark.parametrize(
    ("count", "fold_count"),
    [
        (30, FOLDS_OF_FEW),
        (91, FOLDS_OF_FEW),
        (100, FOLDS_OF_FEW),
        (101, FOLDS_OF_MANY),
        (399, FOLDS_OF_MANY),
        (400, FOLDS_OF_MANY),
    ],
)
def test_every_one_of_a_few_labels_is_held_out_once(count, fold_count):
    folds = _folds(none_of(count), 1, 1)
    assert len(folds) == fold_count
    assert_array_equal(np.sort(np.concatenate(folds)), np.arange(count))
    assert max(map(len, folds)) - min(map(len, folds)) <= 1


@pytest.mark.parametrize(("count", "fold_count"), [(401, 5), (1_000, 2), (1_999, 1), (50_000, 1)])
def test_of_many_labels_some_are_held_out_in_fewer_folds(count, fold_count):
    folds = _folds(none_of(count), 1, 1)
    held = np.concatenate(folds)
    assert (len(folds), len(held), len(np.unique(held))) == (fold_count, MOST_HELD_OUT, 400)
    # The heads are trained on 80 % of the labels or more.
    assert max(map(len, folds)) <= -(-count // 5)


def test_audits_are_held_out_first_and_in_all_folds():
    is_audit = np.zeros(1_000, np.bool_)
    is_audit[-60:] = True
    assert [int(is_audit[fold].sum()) for fold in _folds(is_audit, 1, 1)] == [30, 30]


def test_folds_follow_from_seed_and_version():
    first, again, other = (_folds(none_of(100), 1, version) for version in (3, 3, 4))
    for one, same in zip(first, again, strict=True):
        assert_array_equal(one, same)
    assert any(set(one) != set(two) for one, two in zip(first, other, strict=True))


@pytest.mark.parametrize("recipe", [AdamRecipe(epoch_count=5), LbfgsRecipe(), LogisticRecipe()])
def test_labels_are_judged_by_heads_that_were_trained_without_them(recipe):
    embeddings, labels = clouds(30)
    found = hold_out(recipe, embeddings, labels, none_of(30), class_count=3, seed=4, version=2)
    place = 0
    for fold in _folds(none_of(30), 4, 2):
        rest = np.setdiff1d(np.arange(30), fold)
        head = train_head(recipe, embeddings[rest], labels[rest], class_count=3, seed=4, version=2)
        probabilities = class_probabilities(head, embeddings[fold])
        some = slice(place, place + len(fold))
        assert_array_equal(found.is_right[some], probabilities.argmax(axis=1) == labels[fold])
        expected = logits_of(1 - probabilities.max(axis=1))
        assert_allclose(found.logits[some], expected, atol=1e-4)
        place += len(fold)


def test_few_labels_of_long_embeddings_are_judged_in_the_space_that_they_span():
    embeddings, labels = clouds(25, size=200)
    assert _within_span(embeddings).shape == (25, 25)
    long = hold_out(
        LbfgsRecipe(), embeddings, labels, none_of(25), class_count=3, seed=4, version=2
    )
    place = 0
    for fold in _folds(none_of(25), 4, 2):
        rest = np.setdiff1d(np.arange(25), fold)
        head = train_head(
            LbfgsRecipe(), embeddings[rest], labels[rest], class_count=3, seed=4, version=2
        )
        expected = logits_of(1 - class_probabilities(head, embeddings[fold]).max(axis=1))
        # As near as the optimiser comes to the minimum.
        assert_allclose(long.logits[place : place + len(fold)], expected, atol=0.1)
        place += len(fold)


def test_a_class_with_one_label_is_missed_and_hurts_nobody():
    embeddings, _ = clouds(20)
    labels = np.array([0] * 19 + [1])
    found = hold_out(
        LbfgsRecipe(), embeddings, labels, none_of(20), class_count=3, seed=1, version=1
    )
    assert np.count_nonzero(~found.is_right) >= 1
    assert np.isfinite(found.logits).all()


def test_logits_of_uncertainties_by_hand():
    assert_allclose(logits_of(np.array([0.5, 0.2], np.float32)), [0, np.log(4)], atol=1e-6)
    ends = logits_of(np.array([0, 1], np.float32))
    assert_allclose(ends, [np.log(1e6), -np.log(1e6)], rtol=1e-5)
