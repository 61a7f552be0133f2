"""Every head and every pick of a task's log can be made again, bit for bit."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from tests.rpc.learner.scenes import CLASSES, QUICK, Scene, clip_id, make_scene, new_id

from aloe.client import (
    AcquisitionFunction,
    Answer,
    DuplicateRule,
    EventKind,
    LearnerClient,
    Lease,
    LeaseLost,
    LogisticRecipe,
    NewClip,
    NotFound,
    QueryStrategy,
    RecipeName,
    Representation,
    SelectionRule,
    TaskReplay,
)
from aloe.values.strategy_names import strategy_name

MARGIN = AcquisitionFunction.SMALLEST_MARGIN
MARGIN_OF_LOGITS = QueryStrategy(AcquisitionFunction.MARGIN_LOGITS, SelectionRule.CLASS_AGNOSTIC)
BEST: dict[str, Any] = {"recipe": RecipeName.BEST, "head_recipe": None}


def replay_of(client: LearnerClient, scene: Scene) -> TaskReplay:
    *_, last = client.replay_task(scene.task_id)
    return last


def check(client: LearnerClient, scene: Scene) -> TaskReplay:
    """Check that all that happened is done again, and nothing comes out otherwise."""
    found = replay_of(client, scene)
    assert found.differences == ()
    assert (found.unknown_count, found.unknown_text) == (0, "")
    assert found.event_count == found.total_event_count
    # Heads may have come since.
    events = list(client.list_events(scene.task_id))[: found.total_event_count]
    leased = [each for each in events if each.kind is EventKind.CLIPS_LEASED]
    assert found.pick_count == sum(len(each.changes) for each in leased)
    assert found.head_count == sum(each.kind is EventKind.HEAD_TRAINED for each in events)
    return found


def test_scores_of_minus_nothing_are_done_again(client: LearnerClient):
    """Equal clips have margins of -0, which is 0 in the log."""
    scene = make_scene(client, clip_count=0, query_strategy=MARGIN_OF_LOGITS)
    ids = [clip_id(row) for row in range(20)]
    equal = np.ones(scene.embeddings.shape[1], np.float32)
    clips = [NewClip(each, embedding=equal) for each in ids]
    client.import_clips(scene.pool_id, clips, duplicates=DuplicateRule.KEEP)
    scene.truth.update(zip(ids, CLASSES * 7, strict=False))
    version = scene.seed_labels()
    leases = scene.query(max_clip_count=3, min_head_version=version)
    assert len(leases) == 3
    assert check(client, scene).pick_count == 3


WAYS = [
    *((QueryStrategy(MARGIN, rule), Representation.KERNEL) for rule in SelectionRule),
    *(
        (QueryStrategy(function, SelectionRule.CLASS_AGNOSTIC), Representation.LINEAR)
        for function in AcquisitionFunction
    ),
    (QueryStrategy(), Representation.NONE),
]


@pytest.mark.parametrize(
    ("strategy", "representation"),
    WAYS,
    ids=[f"{strategy_name(strategy)}-{read.value}" for strategy, read in WAYS],
)
def test_a_task_by_any_strategy(
    client: LearnerClient, strategy: QueryStrategy, representation: Representation
):
    recipe = QUICK if representation is Representation.NONE else LogisticRecipe()
    scene = make_scene(
        client, query_strategy=strategy, representation=representation, head_recipe=recipe
    )
    version = 0
    for _ in range(5):
        leases = scene.query(max_clip_count=5, min_head_version=version)
        version = scene.answer(leases).head_version or version
    scene.query(max_clip_count=3, min_head_version=version)
    found = check(client, scene)
    assert (found.pick_count, found.head_count) == (28, version)


def test_audits_seed_labels_corrections_and_new_settings(client: LearnerClient):
    scene = make_scene(client, 120, **BEST, audit_share=0.25)
    version = scene.seed_labels(52, validation_count=9)
    for place in range(4):
        leases = scene.query(max_clip_count=6, min_head_version=version)
        assert any(lease.is_audit for lease in leases)
        first, second, *rest = leases
        version = scene.answer([first, second, *rest[:2]]).head_version or version
        wrong = [Answer(first.lease_id, "low"), Answer(second.lease_id, None)]
        client.submit_labels(scene.task_id, "ann", wrong)
        client.submit_labels(scene.task_id, "ann", [Answer(second.lease_id, None, retracted=True)])
        client.release_leases(scene.task_id, "ann", [rest[2].lease_id])
        if place == 1:
            client.update_task(
                scene.task_id, audit_share=0.5, selection_rule=SelectionRule.CLASS_AWARE
            )
        if place == 2:
            client.update_task(
                scene.task_id, head_recipe=QUICK, representation=Representation.LINEAR
            )
    check(client, scene)


def test_a_pool_that_changes_under_the_task(client: LearnerClient):
    scene = make_scene(client, 40, **BEST)
    version, generator = 0, np.random.default_rng(8)
    for place in range(5):
        leases = scene.query(max_clip_count=4, min_head_version=version)
        version = scene.answer(leases[:3]).head_version or version
        vectors = generator.normal(size=(30, 8)).astype(np.float32)
        more = [NewClip(f"more-{place}-{n}", embedding=each) for n, each in enumerate(vectors)]
        client.import_clips(scene.pool_id, more)
        scene.truth |= {each.clip_id: "mid" for each in more}
        # One that is labeled, one that is leased, and some that are neither.
        gone = {leases[0].clip_id, leases[3].clip_id, more[0].clip_id, clip_id(39 - place)}
        client.delete_clips(scene.pool_id, sorted(gone))
    check(client, scene)


def test_several_oracles_at_once_with_leases_that_expire_and_answers_taken_back(
    client: LearnerClient,
):
    scene = make_scene(client, 300, **BEST)

    def label(oracle: int) -> None:
        generator = np.random.default_rng(oracle)
        for _ in range(12):
            count = int(generator.integers(1, 5))
            short = timedelta(milliseconds=1) if generator.random() < 0.2 else None
            leases = client.query(
                scene.task_id, f"oracle-{oracle}", max_clip_count=count, lease_duration=short
            ).leases
            _answer_some(client, scene, f"oracle-{oracle}", leases, generator)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(label, range(4)))
    found = check(client, scene)
    assert found.pick_count > 60
    kinds = {each.kind for each in client.list_events(scene.task_id)}
    assert {EventKind.LEASES_EXPIRED, EventKind.LEASES_RELEASED, EventKind.HEAD_TRAINED} <= kinds


def _answer_some(
    client: LearnerClient,
    scene: Scene,
    oracle_id: str,
    leases: Sequence[Lease],
    generator: np.random.Generator,
) -> None:
    for lease in leases:
        chance = generator.random()
        label = scene.truth[lease.clip_id] if chance < 0.7 else None
        try:
            if chance < 0.8:
                client.submit_labels(scene.task_id, oracle_id, [Answer(lease.lease_id, label)])
            if chance < 0.1:
                taken_back = Answer(lease.lease_id, None, retracted=True)
                client.submit_labels(scene.task_id, oracle_id, [taken_back])
            if chance > 0.9:
                client.release_leases(scene.task_id, oracle_id, [lease.lease_id])
        except LeaseLost:  # It ran out, and the clip went to another.
            continue


def test_how_far_it_is_is_told(client: LearnerClient):
    scene = make_scene(client)
    scene.query()
    *_, last = client.replay_task(scene.task_id)
    assert (last.event_count, last.total_event_count) == (2, 2)


def test_a_task_that_is_not_there_is_told(client: LearnerClient):
    with pytest.raises(NotFound):
        list(client.replay_task(new_id()))
