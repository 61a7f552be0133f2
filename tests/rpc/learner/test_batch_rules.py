"""Query strategies that look at how clips lie to each other, from no label on."""

from typing import Any

import pytest
from tests.rpc.learner.scenes import Scene, make_scene, refused

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
from aloe.values.strategies import GRAPH_FUNCTIONS, GRAPH_RULES
from aloe.values.strategy_names import strategy_name

MARGIN, MCV_OPT = AcquisitionFunction.SMALLEST_MARGIN, AcquisitionFunction.MCV_OPT
HERDING = QueryStrategy(MARGIN, SelectionRule.HERDING)
ON_GRAPH = QueryStrategy(MCV_OPT, SelectionRule.CLASS_AGNOSTIC)
STRATEGIES = {
    strategy_name(each): each
    for each in (
        *(QueryStrategy(MARGIN, rule) for rule in SelectionRule if rule not in GRAPH_RULES),
        *(
            QueryStrategy(function, ON_GRAPH.selection_rule)
            for function in AcquisitionFunction
            if function in GRAPH_FUNCTIONS
        ),
        QueryStrategy(MCV_OPT, SelectionRule.CLASS_AWARE),
    )
}


def scene_by(client: LearnerClient, strategy: QueryStrategy, **options: Any) -> Scene:
    return make_scene(
        client, query_strategy=strategy, representation=Representation.KERNEL, **options
    )


def ids(leases: tuple[Lease, ...]) -> list[str]:
    return [lease.clip_id for lease in leases]


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
def test_every_clip_is_asked_once_from_no_label_to_the_last(
    client: LearnerClient, strategy: QueryStrategy
):
    scene = scene_by(client, strategy, clip_count=30)
    asked: list[str] = []
    version = 0
    while leases := scene.query(max_clip_count=4, min_head_version=version):
        asked += ids(leases)
        version = scene.answer(leases).head_version or version
    assert sorted(asked) == sorted(scene.truth)
    assert client.query(scene.task_id, "ann").pool_state is PoolState.EXHAUSTED


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
def test_a_seed_fixes_what_is_asked(client: LearnerClient, strategy: QueryStrategy):
    def story() -> list[list[str]]:
        scene, version, batches = scene_by(client, strategy), 0, []
        for _ in range(4):
            leases = scene.query(max_clip_count=3, min_head_version=version)
            batches.append(ids(leases))
            version = scene.answer(leases).head_version or version
        return batches

    assert story() == story()


@pytest.mark.parametrize(
    "strategy", [HERDING, QueryStrategy(MARGIN, SelectionRule.K_CENTER), ON_GRAPH]
)
def test_one_by_one_oracles_get_what_one_gets_at_once(
    client: LearnerClient, strategy: QueryStrategy
):
    at_once = ids(scene_by(client, strategy).query(max_clip_count=6))
    scene = scene_by(client, strategy)
    one_by_one = [ids(scene.query(f"oracle-{n}"))[0] for n in range(6)]
    assert one_by_one == at_once


@pytest.mark.parametrize("strategy", [HERDING, ON_GRAPH])
def test_the_first_clips_stand_for_the_pool(client: LearnerClient, strategy: QueryStrategy):
    """Three clusters: the first three clips are of three classes."""
    scene = scene_by(client, strategy)
    assert len({scene.truth[clip_id] for clip_id in ids(scene.query(max_clip_count=3))}) == 3


@pytest.mark.parametrize("strategy", [HERDING, ON_GRAPH])
def test_the_log_tells_what_picked_before_there_was_a_head(
    client: LearnerClient, strategy: QueryStrategy
):
    scene = scene_by(client, strategy)
    scene.query()
    (event,) = [
        each for each in client.list_events(scene.task_id) if each.kind is EventKind.CLIPS_LEASED
    ]
    assert event.head_version == 0
    assert event.query_strategy == strategy


@pytest.mark.parametrize(
    ("strategy", "why"),
    [
        (HERDING, "% of the pool"),
        (ON_GRAPH, "% off what is unknown over the pool's graph, by how unsure"),
    ],
)
def test_leases_and_the_log_say_why(client: LearnerClient, strategy: QueryStrategy, why: str):
    scene = scene_by(client, strategy)
    (first,) = scene.query()
    assert first.reason is not None
    assert first.reason.nearest_clip_id is None
    assert 0 < (first.reason.gain or 0) <= 1
    assert why in first.reason.text
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


@pytest.mark.parametrize("strategy", [HERDING, ON_GRAPH])
def test_leases_that_come_back_are_asked_again(client: LearnerClient, strategy: QueryStrategy):
    scene = scene_by(client, strategy)
    first = scene.query(max_clip_count=5)
    client.release_leases(scene.task_id, "ann", [lease.lease_id for lease in first])
    assert ids(scene.query("bob", max_clip_count=5)) == ids(first)


def test_functions_on_the_graph_go_with_rules_by_score(client: LearnerClient):
    scene = make_scene(client, clip_count=6)
    assert client.get_task(scene.task_id).query_strategy.selection_rule is SelectionRule.CLASS_AWARE
    task = client.update_task(scene.task_id, acquisition_function=MCV_OPT)
    assert task.query_strategy == QueryStrategy(MCV_OPT, SelectionRule.CLASS_AWARE)
    with refused("task.query_strategy.selection_rule"):
        client.update_task(scene.task_id, selection_rule=SelectionRule.HERDING)
    with refused("task.query_strategy.selection_rule"):
        scene_by(client, QueryStrategy(MCV_OPT, SelectionRule.HERDING))


def test_picks_on_the_graph_have_its_scores_and_those_at_random_have_none(client: LearnerClient):
    scene = scene_by(client, ON_GRAPH, clip_count=60, audit_share=0.5)
    version = scene.seed_labels(48)
    leases = scene.query(max_clip_count=8, min_head_version=version)
    assert [lease.is_audit for lease in leases[:2]] == [False, False]
    for lease in leases:
        assert (lease.score is None) == lease.is_audit == (lease.reason is None)
    assert any(lease.is_audit for lease in leases)
