"""Classes of a task are added, renamed, merged, retired and restored while it is labeled."""

from typing import Any

import numpy as np
import pytest
from tests.rpc.learner.scenes import CLASSES, Scene, fails_with, make_scene, new_id, refused
from tests.rpc.learner.test_replay import check

from aloe.client import (
    AddClass,
    AlreadyExists,
    Answer,
    ClassChange,
    ClassState,
    DescribeClass,
    EventKind,
    Head,
    HeadNotTrained,
    KnownLabel,
    LabelCountRule,
    LearnerClient,
    LogisticRecipe,
    MergeClass,
    NotFound,
    QueryStrategy,
    RecipeName,
    RenameClass,
    Representation,
    RestoreClass,
    RetireClass,
    Round,
    SelectionRule,
    Split,
)

LOW, MID, HIGH = CLASSES


def change(scene: Scene, *changes: ClassChange) -> int:
    """Make changes; return the version of the head that has the last one."""
    version = None
    for each in changes:
        version = scene.client.change_classes(scene.task_id, each).head_version
    return version or 0


def test_a_task_tells_its_classes_and_what_became_of_each(client: LearnerClient, scene: Scene):
    change(
        scene,
        AddClass("peak", "louder than high", "p"),
        RenameClass(LOW, "quiet"),
        MergeClass("peak", HIGH),
        RetireClass(MID),
        DescribeClass("quiet", hotkey="q"),
    )
    task = client.get_task(scene.task_id)
    assert task.classes == ("quiet", HIGH)
    told = [(each.name, each.state, each.merged_into, each.hotkey) for each in task.class_details]
    assert told == [
        ("quiet", ClassState.ACTIVE, None, "q"),
        (MID, ClassState.RETIRED, None, ""),
        (HIGH, ClassState.ACTIVE, None, ""),
        ("peak", ClassState.MERGED, HIGH, ""),
    ]
    assert task.class_details[0].former_names == (LOW,)
    assert task.class_details[3].description == "louder than high"
    assert [each.add_time is None for each in task.class_details] == [True, True, True, False]
    [*_, last] = client.list_events(scene.task_id)
    assert last.kind is EventKind.CLASSES_CHANGED
    assert last.class_details == task.class_details
    assert client.list_tasks(scene.pool_id)[0] == task


def test_a_class_that_came_later_can_be_answered_with_and_is_predicted(
    client: LearnerClient, scene: Scene
):
    scene.seed_labels(9)
    outcome = client.change_classes(scene.task_id, AddClass("peak"))
    assert outcome.head_version is not None
    leases = scene.query(max_clip_count=4, min_head_version=outcome.head_version)
    version = client.submit_labels(
        scene.task_id, "ann", [Answer(each.lease_id, "peak") for each in leases]
    ).head_version
    found = client.predict(
        scene.task_id,
        clip_ids=[each.clip_id for each in leases],
        min_head_version=version or 0,
    )
    assert found.classes == (*CLASSES, "peak")
    assert set(found.labels) == {"peak"}
    assert client.export_head(scene.task_id).classes == (*CLASSES, "peak")


def test_labels_of_a_merged_class_count_as_the_others_and_come_back_when_it_is_restored(
    client: LearnerClient, scene: Scene
):
    scene.seed_labels(9, validation_count=6)
    version = change(scene, MergeClass(LOW, MID))
    found = client.predict(scene.task_id, embeddings=scene.embeddings[:3], min_head_version=version)
    assert found.classes == (MID, HIGH)
    [round_] = client.list_rounds(scene.task_id, version)
    assert round_.classes == (MID, HIGH)
    assert round_.validation is not None
    assert len(round_.validation.class_recalls) == 2
    labels = {each.clip_id: each for each in client.export_labels(scene.task_id)}
    assert {each.label for each in labels.values()} == {MID, HIGH}
    assert {each.given_label for each in labels.values()} == {LOW, None}
    assert {scene.truth[each] for each in labels if labels[each].given_label} == {LOW}
    # What was exported is what is there.
    again = [KnownLabel(each.clip_id, each.label, each.split) for each in labels.values()]
    assert client.import_labels(scene.task_id, again).changed_count == 0
    assert client.import_labels(scene.task_id, [KnownLabel("clip-0020", LOW)]).changed_count == 1
    only = list(client.export_labels(scene.task_id, f'label = "{MID}" AND split = "train"'))
    assert len(only) == 7
    change(scene, RestoreClass(LOW))
    labels = {each.clip_id: each for each in client.export_labels(scene.task_id)}
    assert labels.pop("clip-0020").label == LOW
    assert all(each.label == scene.truth[clip] for clip, each in labels.items())


def test_labels_of_a_retired_class_are_kept_marked_and_train_no_head(
    client: LearnerClient, scene: Scene
):
    before = scene.seed_labels(9)
    scene.query(min_head_version=before)
    version = change(scene, RetireClass(MID))
    client.predict(scene.task_id, embeddings=scene.embeddings[:1], min_head_version=version)
    rounds = client.list_rounds(scene.task_id, before)
    assert [each.label_count for each in rounds] == [9, 6]
    labels = list(client.export_labels(scene.task_id))
    assert {each.label for each in labels if each.is_retired} == {MID}
    assert sum(each.is_retired for each in labels) == 3
    assert client.get_task(scene.task_id).clip_counts.labeled == 9
    lease = scene.query("bob")[0]
    with refused("answers[0].label"):
        client.submit_labels(scene.task_id, "bob", [Answer(lease.lease_id, MID)])
    with refused("labels[0].label"):
        client.import_labels(scene.task_id, [KnownLabel("clip-0030", MID)])


def test_a_head_of_other_classes_predicts_those_that_there_are_now(
    client: LearnerClient, scene: Scene
):
    version = scene.seed_labels(9, validation_count=6)
    some: dict[str, Any] = {"embeddings": scene.embeddings[30:40], "min_head_version": version}
    before = client.predict(scene.task_id, **some)
    change(scene, AddClass("peak"), MergeClass(LOW, HIGH))
    found = client.predict(scene.task_id, embeddings=scene.embeddings[30:40], head=version)
    assert found.classes == (MID, HIGH)
    wanted = np.stack(
        [before.probabilities[:, 1], before.probabilities[:, [0, 2]].sum(axis=1)], axis=1
    )
    np.testing.assert_allclose(found.probabilities, wanted, rtol=1e-6)
    blocks = list(client.predict_pool(scene.task_id, head=version))
    assert blocks[0].classes == (MID, HIGH)
    assert blocks[0].label_classes == (*CLASSES, "peak")
    labels = [blocks[0].label_classes[each] for each in blocks[0].label_indices[:9]]
    wanted_labels = [HIGH if scene.truth[f"clip-{row:04d}"] != MID else MID for row in range(9)]
    assert labels == wanted_labels
    assert client.export_head(scene.task_id, version).classes == CLASSES
    # Of the one class that it learned it would be sure whatever it hears.
    change(scene, RetireClass(MID))
    with fails_with("HEAD_NOT_TRAINED", HeadNotTrained):
        client.predict(scene.task_id, embeddings=scene.embeddings[:1], head=version)


@pytest.mark.parametrize("recipe", RecipeName)
@pytest.mark.parametrize("knows_all", [False, True])
def test_a_head_whose_labeled_classes_are_retired_is_none(
    client: LearnerClient, recipe: RecipeName, knows_all: bool
):
    scene = make_scene(
        client, recipe=recipe, head_recipe=None, stopping_rule=LabelCountRule(label_count=2)
    )
    if knows_all:
        change(scene, AddClass("peak"))
    labels = [KnownLabel(each, name) for each, name in scene.truth.items() if name != HIGH][:8]
    version = client.import_labels(scene.task_id, labels).head_version or 0
    one = scene.embeddings[:1]
    client.predict(scene.task_id, embeddings=one, min_head_version=version)
    assert client.get_task(scene.task_id).stop_advice is not None
    client.promote_head(scene.task_id, "production", version)
    if not knows_all:
        change(scene, AddClass("peak"))
    change(scene, RetireClass(LOW), RetireClass(MID))
    for head in (0, version, "production"):
        with pytest.raises(HeadNotTrained, match="label clips of two of them"):
            client.predict(scene.task_id, embeddings=one, head=head)
        with fails_with("HEAD_NOT_TRAINED", HeadNotTrained):
            list(client.predict_pool(scene.task_id, head=head))
    assert client.get_task(scene.task_id).stop_advice is None
    assert client.list_rounds(scene.task_id)[-1].stop_advice is None
    asked = client.query(scene.task_id, "ann", max_clip_count=2)
    assert (asked.head_version, {each.predicted_class for each in asked.leases}) == (0, {""})
    answers = zip(asked.leases, (HIGH, "peak"), strict=True)
    given = [Answer(lease.lease_id, name) for lease, name in answers]
    newer = client.submit_labels(scene.task_id, "ann", given).head_version or 0
    found = client.predict(scene.task_id, embeddings=one, min_head_version=newer)
    assert found.classes == (HIGH, "peak")
    assert client.get_task(scene.task_id).stop_advice is not None
    check(client, scene)


def test_what_a_head_predicts_is_not_accepted_by_an_estimate_of_other_classes(
    client: LearnerClient,
):
    scene = make_scene(client, estimate_accuracy=True)
    version = scene.seed_labels(45)
    client.predict(scene.task_id, embeddings=scene.embeddings[:1], min_head_version=version)
    pinned: dict[str, Any] = {"head": version, "max_expected_error": 0.2}
    assert client.predict(scene.task_id, embeddings=scene.embeddings, **pinned).accepted
    change(scene, RenameClass(LOW, "quiet"))
    assert client.predict(scene.task_id, embeddings=scene.embeddings, **pinned).accepted
    change(scene, MergeClass("quiet", MID))
    with refused("max_expected_error"):
        client.predict(scene.task_id, embeddings=scene.embeddings, **pinned)


@pytest.mark.parametrize(
    ("change_", "field"),
    [
        (AddClass(" x"), "add.name"),
        (AddClass("x", "y" * 501), "add.description"),
        (AddClass("x", hotkey="!"), "add.hotkey"),
        (RenameClass("nothing", "x"), "rename.name"),
        (RenameClass(LOW, MID), "rename.new_name"),
        (MergeClass(LOW, LOW), "merge.into"),
        (MergeClass(LOW, "nothing"), "merge.into"),
        (RetireClass("nothing"), "retire.name"),
        (RestoreClass("nothing"), "restore.name"),
        (DescribeClass(LOW), "describe"),
    ],
)
def test_what_cannot_be_is_refused_with_the_field(
    client: LearnerClient, scene: Scene, change_: ClassChange, field: str
):
    before = scene.snapshot()
    with refused(field):
        client.change_classes(scene.task_id, change_)
    assert scene.snapshot() == before


def test_two_classes_are_left_at_least(client: LearnerClient, scene: Scene):
    change(scene, RetireClass(LOW))
    for change_, field in (
        (RetireClass(MID), "retire.name"),
        (MergeClass(MID, HIGH), "merge.name"),
    ):
        with refused(field):
            client.change_classes(scene.task_id, change_)


def test_a_task_that_is_not_there_is_told(client: LearnerClient):
    with pytest.raises(NotFound):
        client.change_classes(new_id(), AddClass("x"))


def test_settings_are_changed_beside_classes_and_a_task_is_not_created_again(
    client: LearnerClient, scene: Scene
):
    change(scene, AddClass("peak"), RetireClass(LOW))
    task = client.update_task(scene.task_id, label_budget=7)
    assert (task.label_budget, task.classes) == (7, (MID, HIGH, "peak"))
    assert len(task.class_details) == 4
    with pytest.raises(AlreadyExists):
        client.create_task(scene.task_id, scene.pool_id, CLASSES)


@pytest.mark.parametrize(
    "options",
    [
        {"query_strategy": QueryStrategy(selection_rule=SelectionRule.CLASS_AWARE)},
        {"recipe": RecipeName.BEST, "head_recipe": None},
        {
            "query_strategy": QueryStrategy(selection_rule=SelectionRule.PROBCOVER),
            "representation": Representation.LINEAR,
            "head_recipe": LogisticRecipe(),
        },
    ],
    ids=["class_aware", "best", "probcover"],
)
def test_every_head_and_pick_is_made_again_whatever_the_classes_were(
    client: LearnerClient, options: dict[str, object]
):
    scene = make_scene(client, 120, estimate_accuracy=True, **options)
    truth, version = dict(scene.truth), 0
    changes: list[ClassChange] = [
        AddClass("peak"),
        RenameClass(LOW, "quiet"),
        MergeClass(MID, HIGH),
        RetireClass("peak"),
        RestoreClass(MID),
        AddClass("calm"),
    ]
    for place, change_ in enumerate(changes):
        leases = scene.query(max_clip_count=6, min_head_version=version)
        version = scene.answer(leases[:5]).head_version or version
        head_version = client.change_classes(scene.task_id, change_).head_version
        # Some are asked by a head of other classes, some wait for the next.
        version = head_version or version if place % 2 else version
        if place == 0:
            scene.truth = {clip: "peak" if name == HIGH else name for clip, name in truth.items()}
        if place == 3:
            scene.truth = truth
    scene.query(max_clip_count=5, min_head_version=version)
    check(client, scene)


def test_a_head_is_that_of_a_task_that_always_had_its_classes(client: LearnerClient):
    """Bit for bit: what was given before the changes counts as if it were given after them."""
    recipe = LogisticRecipe()  # It begins at zero, whatever the head's version is.
    changed = make_scene(client, head_recipe=recipe)
    always, final = new_id(), ("quiet", "loud", "peak")
    client.create_task(
        always, changed.pool_id, final, recipe=RecipeName.PAPER, head_recipe=recipe, seed=1
    )
    change(changed, AddClass("noise"), AddClass("peak"))
    given = [changed.truth[f"clip-{row:04d}"] for row in range(24)]
    given[3:6], given[10:14] = ["noise"] * 3, ["peak"] * 4
    splits = [Split.VALIDATION if row % 4 == 3 else Split.TRAIN for row in range(24)]
    counts_as = {LOW: "quiet", MID: "loud", HIGH: "loud", "peak": "peak"}
    versions = []
    for task_id, names in (
        (changed.task_id, {each: each for each in given}),
        (always, counts_as),
    ):
        labels = [
            KnownLabel(f"clip-{row:04d}", names[name], split)
            for row, (name, split) in enumerate(zip(given, splits, strict=True))
            if name in names
        ]
        versions.append(client.import_labels(task_id, labels).head_version or 0)
    for each in (
        RenameClass(LOW, "quiet"),
        MergeClass(HIGH, MID),
        RenameClass(MID, "loud"),
        RetireClass("noise"),
    ):
        versions[0] = client.change_classes(changed.task_id, each).head_version or versions[0]
    heads: list[Head] = []
    rounds: list[Round] = []
    for task_id, version in zip((changed.task_id, always), versions, strict=True):
        client.query(task_id, "ann", min_head_version=version)
        heads.append(client.export_head(task_id, version))
        rounds += client.list_rounds(task_id, version)
    assert heads[0].classes == heads[1].classes == final
    assert heads[0].weights.tobytes() == heads[1].weights.tobytes()
    assert heads[0].biases.tobytes() == heads[1].biases.tobytes()
    assert rounds[0].validation == rounds[1].validation
    assert rounds[0].label_count == rounds[1].label_count
