"""The picks of the learner are those of the paper's authors, given the same head."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from tests.rpc.learner import authors
from tests.rpc.learner.speech import import_speech, label_rounds, overlapping_clusters

from aloe.client import AcquisitionFunction, LearnerClient, QueryStrategy, SelectionRule

READINGS = authors.PAPER | authors.CODE
RULES = SelectionRule.CLASS_AWARE, SelectionRule.CLASS_AGNOSTIC


@pytest.fixture(scope="module")
def clusters() -> authors.Speech:
    return overlapping_clusters()


@pytest.fixture(scope="module")
def cluster_pool(client: LearnerClient, clusters: authors.Speech) -> str:
    return import_speech(client, clusters)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.value)
@pytest.mark.parametrize("function", READINGS, ids=lambda function: function.value)
def test_given_the_same_head_the_picks_are_those_of_the_authors(
    client: LearnerClient, clusters: authors.Speech, cluster_pool: str, function, rule
):
    is_aware = rule is SelectionRule.CLASS_AWARE
    rounds = label_rounds(
        client,
        cluster_pool,
        clusters,
        QueryStrategy(function, rule),
        round_count=5,
        batch_size=clusters.class_count if is_aware else 1,
    )
    for done in rounds:
        values, predicted = READINGS[function](done.logits), done.predicted
        expected = authors.pick(values, predicted, done.candidates, class_aware=is_aware)
        picks = done.picks[predicted[done.picks].argsort()]
        # Equal, but for clips that are equally informative to the last digits of a float32.
        assert predicted[picks].tolist() == predicted[expected].tolist()
        assert_allclose(values[picks], values[expected], rtol=0, atol=1e-5)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.value)
def test_random_picks_are_uniform_on_the_pool_or_on_each_predicted_class(
    client: LearnerClient, clusters: authors.Speech, cluster_pool: str, rule
):
    """The paper draws from the pool, the authors' code one clip of each predicted class."""
    is_aware, class_count = rule is SelectionRule.CLASS_AWARE, clusters.class_count
    strategy = QueryStrategy(AcquisitionFunction.RANDOM, rule)
    places = []
    for done in label_rounds(
        client, cluster_pool, clusters, strategy, round_count=20, batch_size=class_count
    ):
        predicted = done.predicted
        if is_aware:
            assert sorted(predicted[done.picks]) == list(range(class_count))
        for row in done.picks:
            is_choice = (predicted[done.candidates] == predicted[row]) | (not is_aware)
            choices = done.candidates[is_choice]
            places.append((np.searchsorted(choices, row) + 0.5) / len(choices))
    # Kolmogorov and Smirnov's distance from the uniform distribution, at 0.1 %.
    steps = np.arange(1, len(places) + 1) / len(places)
    assert np.abs(np.sort(places) - steps).max() < 1.95 / len(places) ** 0.5
