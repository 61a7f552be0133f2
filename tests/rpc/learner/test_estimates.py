"""How right a head is without validation labels: in rounds, by audits, and what to accept."""

import math

import numpy as np
import pytest
from tests.rpc.learner.scenes import QUICK, Scene, make_scene, refused

from aloe.client import (
    AccuracyEstimate,
    EventKind,
    LbfgsRecipe,
    LearnerClient,
    QueryStrategy,
    SelectionRule,
)

LBFGS = LbfgsRecipe()


def estimating_scene(client: LearnerClient, clip_count: int = 160, **options) -> Scene:
    return make_scene(client, clip_count, **{"head_recipe": LBFGS, **options})


def estimate_of(scene: Scene, version: int) -> AccuracyEstimate | None:
    """Wait for a head and return the estimate of its accuracy."""
    client = scene.client
    client.predict(scene.task_id, embeddings=scene.embeddings[:1], min_head_version=version)
    return client.list_rounds(scene.task_id)[-1].accuracy_estimate


def test_every_round_says_how_right_its_head_is(client: LearnerClient):
    scene = estimating_scene(client)
    estimate = estimate_of(scene, scene.seed_labels(row_count=60))
    assert estimate is not None
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert (estimate.label_count, estimate.audit_label_count) == (60, 0)
    predicted = client.predict(scene.task_id, embeddings=scene.embeddings[60:])
    truth = np.mean(np.array(predicted.labels) == np.array(list(scene.truth.values())[60:]))
    assert estimate.low <= truth <= estimate.high
    # What predictions for the unanswered clips are worth, and how many labels were judged right.
    best = np.minimum(predicted.probabilities.max(axis=1).astype(np.float64), 1 - 1e-6)
    chances = 1 / (1 + np.exp(-estimate.intercept) * (best / (1 - best)) ** -estimate.slope)
    right = 160 * estimate.value - chances.sum()
    assert right == pytest.approx(round(right), abs=0.05)
    assert 30 < right <= 60
    (only,) = client.list_rounds(scene.task_id)
    # No stopping rule wants these.
    assert (only.mean_uncertainty, only.prediction_agreement) == (None, None)
    for update in client.watch_task(scene.task_id):
        assert update.last_round == only
        break


def test_equal_tasks_get_equal_estimates(client: LearnerClient):
    scenes = [estimating_scene(client, seed=3) for _ in range(2)]
    first, second = (estimate_of(each, each.seed_labels(row_count=40)) for each in scenes)
    assert first is not None
    assert first == second


@pytest.mark.parametrize(
    ("options", "label_count"),
    [
        ({}, 29),
        ({"estimate_accuracy": False}, 60),
        # The paper's recipe estimates nothing unless it is asked to.
        ({"head_recipe": QUICK}, 60),
    ],
)
def test_there_may_be_no_estimate(client: LearnerClient, options, label_count):
    scene = estimating_scene(client, **options)
    assert estimate_of(scene, scene.seed_labels(row_count=label_count)) is None
    with refused("max_expected_error"):
        client.predict(scene.task_id, embeddings=scene.embeddings[:1], max_expected_error=0.1)


def test_the_papers_recipe_estimates_where_it_is_asked_to(client: LearnerClient):
    scene = estimating_scene(client, head_recipe=QUICK, estimate_accuracy=True)
    assert estimate_of(scene, scene.seed_labels(row_count=30)) is not None


@pytest.mark.parametrize("rule", [SelectionRule.CLASS_AWARE, SelectionRule.HERDING])
def test_audits_are_told_in_leases_events_labels_and_estimates(client: LearnerClient, rule):
    strategy = QueryStrategy(selection_rule=rule)
    scene = estimating_scene(client, audit_share=0.25, query_strategy=strategy)
    version = scene.seed_labels(row_count=48)
    leases = scene.query(max_clip_count=10, min_head_version=version)
    # Every fourth of all that were asked, behind the 50th.
    assert [place for place, lease in enumerate(leases) if lease.is_audit] == [3, 7]
    *_, leased = (
        each for each in client.list_events(scene.task_id) if each.kind is EventKind.CLIPS_LEASED
    )
    told = {change.clip_id: change.is_audit for change in leased.changes}
    assert told == {lease.clip_id: lease.is_audit for lease in leases}
    estimate = estimate_of(scene, scene.answer(leases).head_version or 0)
    drawn = {each.clip_id for each in client.export_labels(scene.task_id) if each.is_audit}
    assert drawn == {lease.clip_id for lease in leases if lease.is_audit}
    assert estimate is not None
    assert (estimate.label_count, estimate.audit_label_count) == (58, 2)


def test_audits_leave_the_order_of_the_other_picks_as_it_is(client: LearnerClient):
    picks = []
    for share in (0.0, 0.5):
        scene = estimating_scene(client, audit_share=share, seed=9)
        version = scene.seed_labels(row_count=60)
        leases = scene.query(max_clip_count=8, min_head_version=version)
        picks.append([lease.clip_id for lease in leases if not lease.is_audit])
    plain, mixed = picks
    assert len(mixed) == 4
    assert [each for each in plain if each in mixed] == mixed


def test_settings_come_back_and_go_back_to_their_defaults(client: LearnerClient):
    scene = estimating_scene(client, estimate_accuracy=False, audit_share=0.5)
    task = client.get_task(scene.task_id)
    assert (task.estimate_accuracy, task.audit_share) == (False, 0.5)
    task = client.update_task(scene.task_id, estimate_accuracy=None, audit_share=None)
    assert (task.estimate_accuracy, task.audit_share) == (True, 0.0)
    task = client.update_task(scene.task_id, audit_share=0.125)
    assert (task.estimate_accuracy, task.audit_share) == (True, 0.125)


def test_predictions_are_accepted_while_few_of_them_are_wrong(client: LearnerClient):
    scene = estimating_scene(client)
    estimate_of(scene, scene.seed_labels(row_count=60))
    embeddings = np.r_[scene.embeddings[60:], np.full((1, 8), np.nan, np.float32)]
    whole = client.predict(scene.task_id, embeddings=embeddings, max_expected_error=1.0)
    assert whole.expected_error is not None
    half, counts = whole.expected_error / 2, []
    for max_error in (0.0, half, 1.0):
        found = client.predict(scene.task_id, embeddings=embeddings, max_expected_error=max_error)
        assert found.accepted is not None
        assert not found.accepted[-1]
        counts.append(sum(found.accepted))
        if counts[-1]:
            assert found.expected_error is not None
            assert found.expected_error <= max_error
    nothing, some, all_there_are = counts
    assert (nothing, all_there_are) == (0, len(embeddings) - 1)
    assert nothing < some < all_there_are
    few = client.predict(scene.task_id, embeddings=embeddings[:-1], max_expected_error=half)
    best, accepted = few.probabilities.max(axis=1), np.array(few.accepted)
    assert best[accepted].min() > best[~accepted].max()
    named = client.predict(scene.task_id, clip_ids=list(scene.truth)[60:], max_expected_error=half)
    assert named.accepted == few.accepted
    assert client.predict(scene.task_id, embeddings=embeddings).accepted is None


@pytest.mark.parametrize("max_error", [-0.1, 1.1, math.nan, math.inf])
def test_an_error_that_is_no_part_of_one_is_refused(client: LearnerClient, scene, max_error):
    with refused("max_expected_error"):
        client.predict(scene.task_id, embeddings=scene.embeddings[:1], max_expected_error=max_error)
