"""A class that a logistic head rules out is no class to any rule."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.unit.learner.batches.scenes import random_situation

from aloe.learner.domain.batches.rules import RULES
from aloe.learner.domain.judging import class_probabilities
from aloe.learner.domain.training import train_head
from aloe.values.recipes import LogisticRecipe
from aloe.values.strategies import SelectionRule

KNOWN_COUNT = 3


# The radius of PROBCOVER is chosen by how many classes the task has, labeled or not.
@pytest.mark.parametrize("rule", [each for each in RULES if each is not SelectionRule.PROBCOVER])
@pytest.mark.parametrize("seed", range(4))
def test_a_class_without_labels_changes_no_pick(rule, seed):
    scene = random_situation(seed, count=9)
    labels = np.arange(len(scene.references)) % KNOWN_COUNT

    def picks(class_count: int):
        head = train_head(
            LogisticRecipe(), scene.references, labels, class_count=class_count, seed=0, version=1
        )
        places = np.where(scene.covered_labels < KNOWN_COUNT, scene.covered_labels, -1)
        situation = replace(
            scene,
            covered_labels=places,
            probabilities=class_probabilities(head, scene.candidates),
            covered_probabilities=class_probabilities(head, scene.covered),
            reference_probabilities=class_probabilities(head, scene.references),
        )
        return RULES[rule](situation)

    with_unseen, known = picks(KNOWN_COUNT + 1), picks(KNOWN_COUNT)
    assert_array_equal(with_unseen.places, known.places)
    assert_allclose(with_unseen.gains, known.gains, rtol=1e-4, atol=1e-6)
