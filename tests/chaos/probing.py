"""When everything is healed, every call must go through, on every learner."""

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import numpy as np
from tests.chaos.findings import Finding, FindingKind
from tests.chaos.recorded_client import RecordedClient, content_of, new_request_id
from tests.chaos.scene import PLANS, Scene, TaskPlan

from aloe.client import Answer, HeadNotTrained, RestoreClass
from aloe.client.errors import AloeError


async def probe(clients: Sequence[RecordedClient], scene: Scene) -> list[Finding]:
    """Make each kind of call once, for each task and by each replica's client.

    Returns:
        A finding for each call that failed.
    """
    findings: list[Finding] = []
    for client in clients:
        for plan in PLANS:
            for name, call in _calls(client, scene, plan):
                try:
                    await call()
                except HeadNotTrained:  # Labels are too few yet.
                    continue
                except AloeError as error:
                    findings.append(
                        Finding(
                            FindingKind.STUCK,
                            f"{name} on {plan.task_id} fails though all is healed: {error.code}"
                            f" {error.reason} {error}",
                        )
                    )
    return findings


def _calls(
    client: RecordedClient, scene: Scene, plan: TaskPlan
) -> list[tuple[str, Callable[[], Awaitable[Any]]]]:
    vectors = np.zeros((1, scene.embedding_dims[plan.pool_id]), np.float32)
    return [
        ("import_clips", lambda: scene.grow_little(client, plan.pool_id, random.Random(0))),
        ("import_recording", lambda: scene.cut_new(client)),
        ("change_classes", lambda: client.change_classes(plan.task_id, RestoreClass(plan.twin))),
        ("get_task", lambda: client.get_task(plan.task_id)),
        ("query and submit_labels", lambda: _label(client, plan)),
        ("predict", lambda: client.predict(plan.task_id, min_head_version=0, embeddings=vectors)),
        ("list_rounds", lambda: client.list_rounds(plan.task_id)),
    ]


async def _label(client: RecordedClient, plan: TaskPlan) -> None:
    asked = await client.query(
        plan.task_id, max_clip_count=2, min_head_version=0, request_id=new_request_id()
    )
    answers = [Answer(each.lease_id, plan.true_label(content_of(each))) for each in asked.leases]
    if answers:
        await client.submit_labels(plan.task_id, answers, request_id=new_request_id())
