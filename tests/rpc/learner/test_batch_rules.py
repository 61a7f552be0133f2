"""Rules that look at how clips lie to each other, from no label on."""

from typing import Any

import pytest
from tests.rpc.learner.scenes import Scene, make_scene

from aloe.client import (
    AcquisitionFunction,
    EventKind,
    LearnerClient,
    Lease,
    PoolState,
    QueryStrategy,
    Representation,
    SelectionRule,
)

RULES = [
    rule
    for rule in SelectionRule
    if rule not in (SelectionRule.CLASS_AWARE, SelectionRule.CLASS_AGNOSTIC)
]


def scene_by(client: LearnerClient, rule: SelectionRule, **options: Any) -> Scene:
    strategy = QueryStrategy(AcquisitionFunction.SMALLEST_MARGIN, rule)
    return make_scene(
        client, query_strategy=strategy, representation=Representation.KERNEL, **options
    )


def ids(leases: tuple[Lease, ...]) -> list[str]:
    return [lease.clip_id for lease in leases]


@pytest.mark.parametrize("rule", RULES)
def test_every_clip_is_asked_once_from_no_label_to_the_last(client: LearnerClient, rule):
    scene = scene_by(client, rule, clip_count=30)
    asked: list[str] = []
    version = 0
    while leases := scene.query(max_clip_count=4, min_head_version=version):
        asked += ids(leases)
        version = scene.answer(leases).head_version or version
    assert sorted(asked) == sorted(scene.truth)
    assert client.query(scene.task_id, "ann").pool_state is PoolState.EXHAUSTED


@pytest.mark.parametrize("rule", RULES)
def test_a_seed_fixes_what_is_asked(client: LearnerClient, rule):
    def story() -> list[list[str]]:
        scene, version, batches = scene_by(client, rule), 0, []
        for _ in range(4):
            leases = scene.query(max_clip_count=3, min_head_version=version)
            batches.append(ids(leases))
            version = scene.answer(leases).head_version or version
        return batches

    assert story() == story()


@pytest.mark.parametrize("rule", [SelectionRule.HERDING, SelectionRule.K_CENTER])
def test_one_by_one_oracles_get_what_one_gets_at_once(client: LearnerClient, rule):
    at_once = ids(scene_by(client, rule).query(max_clip_count=6))
    scene = scene_by(client, rule)
    one_by_one = [ids(scene.query(f"oracle-{n}"))[0] for n in range(6)]
    assert one_by_one == at_once


def test_the_first_clips_stand_for_the_pool(client: LearnerClient):
    """Three clusters: three clips by herding are of three classes."""
    scene = scene_by(client, SelectionRule.HERDING)
    assert len({scene.truth[clip_id] for clip_id in ids(scene.query(max_clip_count=3))}) == 3


def test_the_log_tells_the_rule_that_picked_before_there_was_a_head(client: LearnerClient):
    scene = scene_by(client, SelectionRule.HERDING)
    scene.query()
    (event,) = [
        each for each in client.list_events(scene.task_id) if each.kind is EventKind.CLIPS_LEASED
    ]
    assert event.head_version == 0
    assert event.query_strategy is not None
    assert event.query_strategy.selection_rule is SelectionRule.HERDING


def test_leases_and_the_log_say_why(client: LearnerClient):
    scene = scene_by(client, SelectionRule.HERDING)
    (first,) = scene.query()
    assert first.reason is not None
    assert first.reason.nearest_clip_id is None
    assert 0 < (first.reason.gain or 0) <= 1
    scene.answer([first])
    (second,) = scene.query()
    assert second.reason is not None
    assert second.reason.nearest_clip_id == first.clip_id
    assert second.reason.nearest_distance is not None
    assert first.clip_id in second.reason.text
    told = [
        change.reason
        for event in client.list_events(scene.task_id)
        if event.kind is EventKind.CLIPS_LEASED
        for change in event.changes
    ]
    assert told == [first.reason, second.reason]


def test_information_density_ranks_by_score_and_place(client: LearnerClient):
    strategy = QueryStrategy(AcquisitionFunction.INFORMATION_DENSITY, SelectionRule.CLASS_AGNOSTIC)
    scene = make_scene(client, query_strategy=strategy, representation=Representation.LINEAR)
    version = scene.seed_labels()
    leases = scene.query(max_clip_count=10, min_head_version=version)
    scores = [lease.score for lease in leases if lease.score is not None]
    assert len(scores) == 10
    assert sorted(scores, reverse=True) == scores
    assert all(score > 0 for score in scores)


def test_leases_that_come_back_are_asked_again(client: LearnerClient):
    scene = scene_by(client, SelectionRule.HERDING)
    first = scene.query(max_clip_count=5)
    client.release_leases(scene.task_id, "ann", [lease.lease_id for lease in first])
    assert ids(scene.query("bob", max_clip_count=5)) == ids(first)
