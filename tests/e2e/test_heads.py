"""`aloe head`: from labels to a head in production, back again, and its card."""

import pytest
from tests.e2e.conftest import CommandLine
from tests.rpc.learner.scenes import CLASSES, Scene, make_scene

from aloe.cli.head_card import labels_of_head
from aloe.client import Answer, LearnerClient, Split


@pytest.fixture
def scene(learner: LearnerClient) -> Scene:
    """A task with two heads: of six labels, and of three more that an oracle gave."""
    made = make_scene(learner)
    first = made.seed_labels(validation_count=9)
    learner.predict(made.task_id, embeddings=made.embeddings[:1], min_head_version=first)
    leases = learner.query(made.task_id, "ann", max_clip_count=3, min_head_version=first).leases
    answers = [Answer(each.lease_id, made.truth[each.clip_id]) for each in leases]
    newer = learner.submit_labels(made.task_id, "ann", answers).head_version or 0
    learner.predict(made.task_id, embeddings=made.embeddings[:1], min_head_version=newer)
    return made


def test_a_head_goes_to_production_and_back(aloe: CommandLine, scene: Scene):
    task_id = scene.task_id
    newest = aloe.json("head", "list", task_id)["newest"]
    assert aloe.json("head", "promote", task_id, "production")["head"]["version"] == newest
    older = aloe.json("head", "promote", task_id, "production", "--version", newest - 1)
    assert [each["version"] for each in (older["head"], *older["earlier"])] == [newest - 1, newest]
    back = aloe.run("head", "rollback", task_id, "production")
    assert f"production of {task_id} is head {newest}, before it head {newest - 1}" in back.stderr
    (listed,) = aloe.json("head", "list", task_id)["promotions"]
    assert (listed["promotion_id"], listed["head"]["version"]) == ("production", newest)
    assert "production" in aloe.output("head", "list", task_id)
    assert aloe.json("head", "demote", task_id, "production")["demoted"] == newest
    assert aloe.json("head", "list", task_id)["promotions"] == []


def test_heads_are_listed_with_their_labels_scores_and_names(aloe: CommandLine, scene: Scene):
    task_id = scene.task_id
    aloe.output("head", "promote", task_id, "production", "--version", 1)
    listed = aloe.json("head", "list", task_id)["heads"]
    assert [each["version"] for each in listed] == [2, 1]
    assert [each["names"] for each in listed] == [[], ["production"]]
    assert [each["trained"]["label_count"] for each in listed] == [9, 6]
    lines = [each.split() for each in aloe.output("head", "list", task_id).splitlines()]
    assert lines[0][:6] == ["head", "names", "trained", "labels", "validation", "accuracy"]
    assert [each[:2] for each in lines[1:3]] == [["2", "-"], ["1", "production"]]
    assert "%" in lines[1][-1]
    aloe.output("head", "promote", task_id, "production", "--version", 2)
    assert "production before" in aloe.output("head", "list", task_id)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rollback", "production"), "promoted to production; there are: none"),
        (("demote", "production"), "promoted to production; there are: none"),
        (("promote", "production", "--version", "99"), "keeps no head 99"),
        (("promote", "7"), "must start with a letter"),
        (("card", "--head", "production"), "promoted to 'production'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    aloe: CommandLine, scene: Scene, arguments: tuple[str, ...], said: str
):
    verb, *rest = arguments
    done = aloe.run("head", verb, scene.task_id, *rest)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_card_tells_labels_oracles_and_scores(
    aloe: CommandLine, learner: LearnerClient, scene: Scene
):
    aloe.output("head", "promote", scene.task_id, "production")
    card = aloe.json("head", "card", scene.task_id, "--head", "production")
    head = learner.export_head(scene.task_id, "production")
    labels = [each for each in learner.export_labels(scene.task_id) if each.split is Split.TRAIN]
    assert card["label_count"] == head.label_count == len(labels) == 9
    assert card["labels_by_class"] == {
        name: sum(each.label == name for each in labels) for name in CLASSES
    }
    assert card["labels_by_oracle"] == {"imported": 6, "ann": 3}
    assert card["validation"]["clip_count"] == 9
    assert card["promoted_to"] == ["production"]
    text = aloe.output("head", "card", scene.task_id)
    assert text.startswith(f"# Head {head.version} of {scene.task_id}, promoted to production\n")
    assert "On 9 validation clips: accuracy" in text
    assert "| ann | 3 |" in text


def test_the_labels_of_an_older_head_are_those_it_was_trained_on(
    learner: LearnerClient, scene: Scene
):
    classes = [each.name for each in learner.get_task(scene.task_id).class_details]
    for version in (1, 2):
        head = learner.export_head(scene.task_id, version)
        labels = labels_of_head(learner.list_events(scene.task_id), version, classes)
        assert labels is not None
        assert len(labels) == head.label_count
