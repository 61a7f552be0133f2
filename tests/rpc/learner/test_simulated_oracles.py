"""Simulated oracles on a real learner, several and slow ones too."""

import asyncio

from tests.rpc.learner.scenes import CLASSES, make_scene
from tests.unit.oracle.asking import lease as lease_of

from aloe.client import AsyncLearnerClient, LearnerClient, PoolState
from aloe.oracle import LabelingReport, LabelingRound, label_task, parse_oracle


async def test_slow_oracles_side_by_side_label_every_clip_once(
    client: LearnerClient, async_client: AsyncLearnerClient
):
    """Each holds two batches, so that answers come in another order than questions."""
    scene = make_scene(client)
    spec = parse_oracle("noise:0.3+slow:0.002s")
    oracles = {name: spec.build(scene.truth, CLASSES, 1, name=name) for name in ("ann", "bob")}
    asked: dict[str, list[str]] = {"ann": [], "bob": []}

    async def label(name: str) -> LabelingReport:
        def on_round(done: LabelingRound) -> None:
            asked[name] += [lease.clip_id for lease in done.query.leases]

        return await label_task(
            async_client,
            scene.task_id,
            oracles[name],
            oracle_id=name,
            batch_size=4,
            batches_at_once=2,
            on_round=on_round,
        )

    reports = await asyncio.gather(*map(label, oracles))
    assert sorted(asked["ann"] + asked["bob"]) == sorted(scene.truth)
    assert sum(report.label_count for report in reports) == len(scene.truth)
    assert {report.pool_state for report in reports} == {PoolState.EXHAUSTED}
    stored = {each.clip_id: each for each in client.export_labels(scene.task_id)}
    # What is said of a clip depends on who is asked, and on nothing else.
    for name, clip_ids in asked.items():
        for clip_id in clip_ids:
            assert stored[clip_id].oracle_id == name
            assert stored[clip_id].label == oracles[name].answer(lease_of(clip_id))
