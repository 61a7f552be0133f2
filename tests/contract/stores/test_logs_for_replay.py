"""What the log tells so that every head can be trained again and every ranking made again."""

from dataclasses import replace

from aloe.learner.domain.events import START_OF_LOG, Event
from aloe.learner.domain.leases import Basis, LabelChange
from aloe.values.recipes import LbfgsRecipe
from aloe.values.states import ClipState

from .conftest import Scene
from .heads import a_head, a_round
from .test_rounds import HOLD


async def log_of(scene: Scene) -> list[Event]:
    return await scene.store.read_events(scene.task, START_OF_LOG)


async def test_a_lease_tells_what_its_ranking_rests_on(scene: Scene):
    basis = Basis("7-3", 5, 2, 4, 30, "kernel/2/ü", mark="m")
    await scene.store.lease(scene.task, scene.request(basis=basis))
    *_, leased = await log_of(scene)
    assert leased.basis == basis


async def test_a_head_tells_its_labels_and_its_map(scene: Scene):
    labels = [LabelChange(row, ClipState.LABELED, row) for row in (0, 1)]
    await scene.store.import_labels(scene.task, labels)
    *_, imported = await log_of(scene)
    ticket = await scene.store.begin_round(scene.task, "trainer", HOLD)
    assert ticket is not None
    await scene.store.import_labels(scene.task, [LabelChange(2, ClipState.LABELED, 1)])
    head = replace(a_head(1), map_name="kernel/1/x")
    assert await scene.store.publish_head(ticket, head, a_round(1))
    *_, trained = await log_of(scene)
    assert trained.cutoff_event_id == ticket.cutoff_event_id == imported.event_id
    assert trained.map_name == "kernel/1/x"


async def test_creation_and_updates_tell_the_settings(scene: Scene):
    await scene.store.update_task(
        replace(scene.task, head_recipe=LbfgsRecipe(0.25), audit_share=0.1)
    )
    created, updated = await log_of(scene)
    assert created.settings == scene.task
    assert updated.settings == (await scene.store.read_task(scene.task.task_id))[0]
