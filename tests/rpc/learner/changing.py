"""Helpers for tests of clips that are replaced, renamed and deleted."""

import numpy as np
from tests.rpc.learner.scenes import (
    DIM,
    Scene,
    clip_id,
)

from aloe.client import (
    ClipState,
    EventKind,
    NewClip,
)

A, B, C = clip_id(0), clip_id(1), clip_id(2)


def vector(value: float) -> np.ndarray:
    return np.full(DIM, value, dtype=np.float32)


def replace_clip(scene: Scene, name: str, value: float = 9.0) -> None:
    summary = scene.client.import_clips(
        scene.pool_id, [NewClip(name, embedding=vector(value))], replace=True
    )
    assert (summary.replaced_count, summary.failures) == (1, ())


def kinds(scene: Scene) -> list[EventKind]:
    return [event.kind for event in scene.client.list_events(scene.task_id)]


def states_of(scene: Scene, name: str) -> list[ClipState]:
    return [
        change.state
        for event in scene.client.list_events(scene.task_id)
        for change in event.changes
        if change.clip_id == name
    ]
