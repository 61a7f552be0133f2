"""`aloe pool dump` and `restore`: heads that were promoted, with their names, maps and cards."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_array_equal
from tests.e2e.conftest import CommandLine
from tests.rpc.learner.scenes import CLASSES, Scene, make_scene

from aloe.client import Answer, LearnerClient, RenameClass, Representation

MANY_HEADS = 8
"""More than are kept."""


def train(learner: LearnerClient, scene: Scene, version: int) -> None:
    one = scene.embeddings[:1]
    learner.predict(scene.task_id, embeddings=one, min_head_version=version)


@pytest.fixture
def scene(learner: LearnerClient) -> Scene:
    """A task with many heads: production is 2 and was 1, "old" was taken off 3."""
    made = make_scene(learner, representation=Representation.KERNEL)
    train(learner, made, made.seed_labels(validation_count=9))
    for version in range(2, MANY_HEADS + 1):
        leases = learner.query(made.task_id, "ann", max_clip_count=1).leases
        answers = [Answer(each.lease_id, made.truth[each.clip_id]) for each in leases]
        assert learner.submit_labels(made.task_id, "ann", answers).head_version == version
        train(learner, made, version)
        if version == 2:
            learner.promote_head(made.task_id, "production", 1)
            learner.promote_head(made.task_id, "production", 2)
        if version == 3:
            learner.promote_head(made.task_id, "old", 3)
    learner.demote_head(made.task_id, "old")
    learner.update_task(made.task_id, label_budget=40)
    return made


def cards(aloe: CommandLine, task_id: str) -> list[object]:
    kept = ("seed", "train_time", "labels_by_class", "labels_by_oracle", "validation", "map_name")
    found = [aloe.json("head", "card", task_id, "--head", version) for version in (1, 2, 3)]
    return [{name: each[name] for name in kept} for each in found]


def test_promoted_heads_come_back_with_their_names_maps_and_cards(
    aloe: CommandLine, learner: LearnerClient, scene: Scene, tmp_path: Path
):
    task_id, dump = scene.task_id, tmp_path / "heads.parquet"
    learner.change_classes(task_id, RenameClass(CLASSES[0], "lowest"))
    names, before = learner.list_promotions(task_id), cards(aloe, task_id)
    predicted = learner.predict(task_id, embeddings=scene.embeddings, head="production")
    assert aloe.json("pool", "dump", scene.pool_id, dump)["heads"] == 3
    aloe.output("task", "delete", task_id, "-y")
    aloe.output("pool", "delete", scene.pool_id, "-y")
    done = aloe.run("pool", "restore", dump)
    assert done.returncode == 0, done.stderr
    assert "1 task with 3 promoted heads" in done.stderr
    for _ in range(2):
        assert learner.list_promotions(task_id) == names
        assert cards(aloe, task_id) == before
        again = learner.predict(task_id, embeddings=scene.embeddings, head="production")
        assert_array_equal(again.probabilities, predicted.probabilities)
        assert again.classes == predicted.classes
        done = aloe.run("pool", "restore", dump)
        assert done.returncode == 0, done.stderr
    # Heads of its own come after them.
    train(learner, scene, 4)
    assert learner.get_task(task_id).head_version >= 4
    # And a dump of what was restored has them as well.
    again_file = tmp_path / "again.parquet"
    assert aloe.json("pool", "dump", scene.pool_id, again_file)["heads"] == 3
    copied = aloe.json("pool", "restore", again_file, "--pool", f"{scene.pool_id}-copy")
    assert cards(aloe, copied["task_ids"][task_id]) == before


def test_heads_that_a_task_cannot_take_are_told(
    aloe: CommandLine, learner: LearnerClient, scene: Scene, tmp_path: Path
):
    dump = tmp_path / "heads.parquet"
    aloe.output("pool", "dump", scene.pool_id, dump)
    task = learner.get_task(scene.task_id)
    learner.delete_task(scene.task_id)
    aloe.output("pool", "restore", dump)
    learner.delete_task(scene.task_id)
    learner.create_task(
        scene.task_id,
        scene.pool_id,
        CLASSES,
        query_strategy=task.query_strategy,
        head_recipe=task.head_recipe,
        representation=task.representation,
        seed=task.seed,
        label_budget=40,
    )
    train(learner, scene, scene.seed_labels(validation_count=9))
    done = aloe.run("pool", "restore", dump)
    assert done.returncode == 1
    assert f"head 2 of {scene.task_id} is not restored: " in done.stderr
    assert "restore it into a new task" in done.stderr
    names = [each.promotion_id for each in learner.list_promotions(scene.task_id)]
    assert names in ([], ["production"])


def test_a_dump_of_before_says_that_it_has_no_heads(
    aloe: CommandLine, learner: LearnerClient, tmp_path: Path
):
    scene = make_scene(learner, clip_count=6)
    now, old = tmp_path / "now.parquet", tmp_path / "old.parquet"
    aloe.output("pool", "dump", scene.pool_id, now)
    assert "hold no heads" not in aloe.run("pool", "restore", now).stderr
    table = pq.read_table(now)
    about = json.loads(table.schema.metadata[b"aloe"])
    about["format"] = "aloe-pool-3"
    for each in about["tasks"]:
        del each["heads"], each["promotions"]
    pq.write_table(table.replace_schema_metadata({"aloe": json.dumps(about)}), old)
    said = aloe.run("pool", "restore", old).stderr
    assert "whose dumps hold no heads" in said
    assert "aloe head promote" in said
