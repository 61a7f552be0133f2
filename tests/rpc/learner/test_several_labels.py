"""Tasks of several labels a clip, through the service: from the first answer to predictions."""

from typing import Any

import numpy as np
import pytest
from tests.rpc.learner.scenes import DIM, FINGERPRINT, clip_id, new_id, refused

from aloe.client import (
    AcquisitionFunction,
    AddClass,
    Answer,
    ClipState,
    EventKind,
    KnownLabel,
    Label,
    LabelCountRule,
    LabelMode,
    LabelSet,
    LearnerClient,
    LogisticRecipe,
    MergeClass,
    NewClip,
    QueryStrategy,
    RecipeName,
    RenameClass,
    RestoreClass,
    RetireClass,
    RidgeRecipe,
    SelectionRule,
    Split,
    UncertaintyRule,
    Unmentioned,
)

CLASSES = ("rain", "wind", "birds")
COUNT = 160


class Sounds:
    """A pool whose clips are of each class where a dimension of their embedding says so."""

    def __init__(self, client: LearnerClient, **options: Any) -> None:
        generator = np.random.default_rng(8)
        self.client = client
        self.is_of = generator.random((COUNT, 3)) < (0.5, 0.3, 0.2)
        noise = generator.normal(scale=0.5, size=(COUNT, DIM))
        self.embeddings = noise.astype(np.float32)
        self.embeddings[:, :3] += 2 * self.is_of
        self.pool_id, self.task_id = new_id(), new_id()
        client.create_pool(self.pool_id, encoder_fingerprint=FINGERPRINT, embedding_dim=DIM)
        client.import_clips(self.pool_id, map(self._clip, range(COUNT)))
        self.task = client.create_task(
            self.task_id, self.pool_id, CLASSES, label_mode=LabelMode.MULTIPLE, **options
        )

    def _clip(self, row: int) -> NewClip:
        return NewClip(clip_id(row), embedding=self.embeddings[row])

    def truth(self, id_: str) -> LabelSet:
        row = int(id_.removeprefix("clip-"))
        return LabelSet(tuple(np.array(CLASSES)[self.is_of[row]].tolist()))

    def known(self, rows: range, split: Split) -> list[KnownLabel]:
        return [KnownLabel(clip_id(row), self.truth(clip_id(row)), split) for row in rows]

    def label(self, count: int, min_head_version: int = 0) -> int | None:
        """Answer some clips with the truth; return the head that will have them."""
        asked = self.client.query(
            self.task_id, "ann", max_clip_count=count, min_head_version=min_head_version
        )
        answers = [Answer(lease.lease_id, self.truth(lease.clip_id)) for lease in asked.leases]
        return self.client.submit_labels(self.task_id, "ann", answers).head_version


@pytest.fixture
def sounds(client: LearnerClient) -> Sounds:
    return Sounds(client)


@pytest.fixture
def judged(client: LearnerClient) -> Sounds:
    """Sounds with validation and test labels, and with two heads."""
    sounds = Sounds(client)
    held_out = sounds.known(range(40), Split.VALIDATION) + sounds.known(range(40, 80), Split.TEST)
    client.import_labels(sounds.task_id, held_out)
    first = sounds.label(20)
    assert first is not None
    second = sounds.label(10, first)
    assert second is not None
    assert second > first
    client.query(sounds.task_id, "bob", min_head_version=second)
    return sounds


def test_a_task_with_nothing_more_said_takes_what_goes_with_several_labels(sounds: Sounds):
    task = sounds.task
    assert (task.label_mode, task.unmentioned) == (LabelMode.MULTIPLE, Unmentioned.NEGATIVE)
    assert isinstance(task.head_recipe, LogisticRecipe)
    assert task.query_strategy.selection_rule is SelectionRule.HERDING
    assert not task.estimate_accuracy
    assert sounds.client.get_task(sounds.task_id) == task


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"head_recipe": RidgeRecipe()}, ["task.head_recipe.ridge"]),
        ({"estimate_accuracy": True}, ["task.estimate_accuracy"]),
        ({"stopping_rule": UncertaintyRule()}, ["task.stopping_rule"]),
        (
            {
                "query_strategy": QueryStrategy(
                    AcquisitionFunction.ENTROPY, SelectionRule.CLUSTERED_MARGIN
                )
            },
            ["task.query_strategy.selection_rule"],
        ),
        (
            {
                "query_strategy": QueryStrategy(
                    AcquisitionFunction.V_OPT, SelectionRule.CLASS_AGNOSTIC
                )
            },
            ["task.query_strategy.acquisition_function"],
        ),
    ],
)
def test_what_takes_one_label_a_clip_is_refused_when_a_task_is_created(
    client: LearnerClient, sounds: Sounds, options: dict[str, Any], fields: list[str]
):
    with refused(*fields):
        client.create_task(
            new_id(), sounds.pool_id, CLASSES, label_mode=LabelMode.MULTIPLE, **options
        )
    with refused(*fields):
        client.update_task(sounds.task_id, **options)


def test_classes_and_what_is_unmentioned_go_with_the_label_mode(
    client: LearnerClient, sounds: Sounds
):
    with refused("task.classes[1]"):
        client.create_task(new_id(), sounds.pool_id, ["a", "b;c"], label_mode=LabelMode.MULTIPLE)
    for unmentioned in Unmentioned:  # Also the default: it would not be given back.
        with refused("task.unmentioned"):
            client.create_task(new_id(), sounds.pool_id, CLASSES, unmentioned=unmentioned)
    rule = LabelCountRule(50)
    assert client.update_task(sounds.task_id, stopping_rule=rule).stopping_rule == rule


def test_answers_of_the_wrong_kind_are_refused_with_their_place(
    client: LearnerClient, sounds: Sounds
):
    (lease,) = client.query(sounds.task_id, "ann").leases
    for label, field in (
        ("rain", "answers[0].label"),
        (LabelSet(("snow",)), "answers[0].labels.positive[0]"),
        (LabelSet(("rain",), ("rain",)), "answers[0].labels.negative[0]"),
        (LabelSet(unknown=CLASSES), "answers[0].labels"),
    ):
        with refused(field):
            client.submit_labels(sounds.task_id, "ann", [Answer(lease.lease_id, label)])
    with refused("labels[0].label"):
        client.import_labels(sounds.task_id, [KnownLabel("clip-0000", "rain")])
    single = new_id()
    client.create_task(single, sounds.pool_id, CLASSES)
    with refused("labels[0].labels"):
        client.import_labels(single, [KnownLabel("clip-0000", LabelSet(("rain",)))])


def test_labels_are_exported_and_logged_as_they_were_given(client: LearnerClient, sounds: Sounds):
    given = {
        "clip-0001": LabelSet(("wind", "birds")),
        "clip-0002": LabelSet(),
        "clip-0003": LabelSet(("rain",), unknown=("birds",)),
        "clip-0004": None,
    }
    client.import_labels(sounds.task_id, [KnownLabel(*each) for each in given.items()])
    exported = {each.clip_id: each.label for each in client.export_labels(sounds.task_id)}
    assert exported == given
    (event,) = [
        each
        for each in client.list_events(sounds.task_id)
        if each.kind is EventKind.LABELS_IMPORTED
    ]
    assert {each.clip_id: each.label for each in event.changes} == given
    other = client.create_task(
        new_id(),
        sounds.pool_id,
        CLASSES,
        label_mode=LabelMode.MULTIPLE,
        unmentioned=Unmentioned.UNKNOWN,
    )
    part = LabelSet(("rain",), ("birds",))
    client.import_labels(other.task_id, [KnownLabel("clip-0001", part)])
    assert [each.label for each in client.export_labels(other.task_id)] == [part]


@pytest.mark.parametrize("recipe", [RecipeName.BEST, RecipeName.PAPER, RecipeName.LINEAR])
def test_heads_learn_to_tell_each_class(client: LearnerClient, recipe: RecipeName):
    sounds = Sounds(client, recipe=recipe)
    client.import_labels(sounds.task_id, sounds.known(range(100, COUNT), Split.TEST))
    seeds = sounds.known(range(60), Split.TRAIN)
    version = client.import_labels(sounds.task_id, seeds).head_version
    assert version is not None
    found = client.predict(
        sounds.task_id, embeddings=sounds.embeddings[:100], min_head_version=version
    )
    assert ((found.probabilities >= 0) & (found.probabilities <= 1)).all()
    assert not np.allclose(found.probabilities.sum(axis=1), 1)
    (round_,) = client.list_rounds(sounds.task_id)
    assert round_.test is not None
    figures = round_.test.label_figures
    assert figures is not None
    assert figures.mean_average_precision is not None
    prevalence = sounds.is_of[100:].mean()
    assert figures.mean_average_precision > prevalence + 0.2
    assert len(figures.roc_aucs) == len(figures.f1s) == len(figures.thresholds) == 3


def test_thresholds_are_chosen_on_validation_labels_and_predictions_keep_to_them(
    client: LearnerClient, judged: Sounds
):
    last = client.list_rounds(judged.task_id)[-1]
    assert last.validation is not None
    assert last.test is not None
    assert last.validation.label_figures is not None
    assert last.test.label_figures is not None
    thresholds = last.validation.label_figures.thresholds
    assert last.test.label_figures.thresholds == thresholds
    assert any(each != 0.5 for each in thresholds)
    found = client.predict(judged.task_id, embeddings=judged.embeddings)
    assert found.label_sets is not None
    expected = found.probabilities >= np.array(thresholds)
    for labels, row in zip(found.label_sets, expected, strict=True):
        assert labels == LabelSet(tuple(np.array(CLASSES)[row].tolist()))
    head = client.export_head(judged.task_id)
    assert (head.label_mode, head.thresholds) == (LabelMode.MULTIPLE, thresholds)
    np.testing.assert_allclose(
        head.probabilities(judged.embeddings), found.probabilities, atol=1e-4
    )


def test_a_whole_pool_is_predicted_with_what_is_known_of_its_clips(
    client: LearnerClient, judged: Sounds
):
    (block,) = client.predict_pool(judged.task_id)
    assert len(block.thresholds) == 3
    assert set(block.label_indices.tolist()) == {-1}
    found = client.predict(judged.task_id, clip_ids=list(block.clip_ids))
    assert block.label_sets == found.label_sets
    given = {each.clip_id: each.label for each in client.export_labels(judged.task_id)}
    for id_, state, labels in zip(block.clip_ids, block.states, block.known_labels, strict=True):
        is_known = state not in (ClipState.UNLABELED, ClipState.LEASED)
        assert labels == (given[id_] if is_known else LabelSet())


def test_what_rests_on_one_label_a_clip_is_refused_of_predictions_and_filters(
    client: LearnerClient, judged: Sounds
):
    with refused("max_expected_error"):
        client.predict(judged.task_id, embeddings=judged.embeddings, max_expected_error=0.1)
    with refused("max_expected_error"):
        list(client.predict_pool(judged.task_id, max_expected_error=0.1))
    with refused("filter"):
        client.query(judged.task_id, "ann", filter='label = "rain"')


@pytest.mark.parametrize(
    "rule",
    [
        SelectionRule.CLASS_AWARE,
        SelectionRule.CLASS_AGNOSTIC,
        SelectionRule.HERDING,
        SelectionRule.TYPICLUST,
        SelectionRule.PROBCOVER,
        SelectionRule.K_CENTER,
    ],
)
def test_every_head_and_pick_can_be_made_again(client: LearnerClient, rule: SelectionRule):
    strategy = QueryStrategy(AcquisitionFunction.ENTROPY, rule)
    sounds = Sounds(client, query_strategy=strategy)
    version = sounds.label(12)
    for _ in range(2):
        assert version is not None
        version = sounds.label(5, version)
    assert version is not None
    client.query(sounds.task_id, "bob", min_head_version=version)
    *_, replay = client.replay_task(sounds.task_id)
    assert (replay.head_count, replay.difference_count, replay.differences) == (3, 0, ())
    assert replay.pick_count >= 10


def test_leases_name_the_likeliest_class(client: LearnerClient, judged: Sounds):
    leases = client.query(judged.task_id, "cyd", max_clip_count=5).leases
    found = client.predict(judged.task_id, clip_ids=[each.clip_id for each in leases])
    assert [each.predicted_class for each in leases] == list(found.labels)


def test_classes_change_and_heads_are_as_if_trained_on_the_final_labels(
    client: LearnerClient, sounds: Sounds
):
    task_id = sounds.task_id
    client.import_labels(task_id, sounds.known(range(30), Split.TRAIN))
    client.change_classes(task_id, AddClass("frogs"))
    frogs = [
        KnownLabel(clip_id(row), LabelSet((*sounds.truth(clip_id(row)).positive, "frogs")))
        for row in range(30, 36)
    ]
    client.import_labels(task_id, frogs)
    client.change_classes(task_id, MergeClass("frogs", "birds"))
    client.change_classes(task_id, RenameClass("wind", "gale"))
    changed = client.change_classes(task_id, RetireClass("rain"))
    assert changed.head_version is not None
    client.query(task_id, "bob", min_head_version=changed.head_version)
    task = client.get_task(task_id)
    assert task.classes == ("gale", "birds")
    exported = [
        KnownLabel(each.clip_id, _without(each.label, "rain"))
        for each in client.export_labels(task_id)
    ]
    assert exported[0].label == LabelSet(
        tuple({"wind": "gale"}.get(n, n) for n in sounds.truth("clip-0000").positive if n != "rain")
    )
    assert client.import_labels(task_id, exported).changed_count == 0
    other = client.create_task(
        new_id(), sounds.pool_id, task.classes, label_mode=LabelMode.MULTIPLE
    ).task_id
    version = client.import_labels(other, exported).head_version
    assert version is not None
    client.query(other, "bob", min_head_version=version)
    ours, theirs = client.export_head(task_id), client.export_head(other)
    assert ours.classes == theirs.classes == ("gale", "birds")
    np.testing.assert_array_equal(ours.weights, theirs.weights)
    np.testing.assert_array_equal(ours.biases, theirs.biases)
    *_, replay = client.replay_task(task_id)
    assert (replay.difference_count, replay.differences) == (0, ())
    with refused("add.name"):
        client.change_classes(task_id, AddClass("a;b"))
    with refused("rename.new_name"):
        client.change_classes(task_id, RenameClass("gale", "a;b"))


def test_answers_by_a_class_that_was_merged_are_its_own_again_when_it_is_restored(
    client: LearnerClient, sounds: Sounds
):
    client.change_classes(sounds.task_id, MergeClass("wind", "rain"))
    leases = client.query(sounds.task_id, "ann", max_clip_count=2).leases
    said = [LabelSet(("wind",)), LabelSet(("rain", "wind", "birds"))]
    answers = [Answer(each.lease_id, label) for each, label in zip(leases, said, strict=True)]
    client.submit_labels(sounds.task_id, "ann", answers)

    def positives() -> list[set[str]]:
        found = {each.clip_id: each.label for each in client.export_labels(sounds.task_id)}
        labels = [found[each.clip_id] for each in leases]
        return [set(each.positive) for each in labels if isinstance(each, LabelSet)]

    assert positives() == [{"rain"}, {"rain", "birds"}]
    client.change_classes(sounds.task_id, RestoreClass("wind"))
    assert positives() == [{"wind"}, {"rain", "wind", "birds"}]


def _without(label: Label | None, name: str) -> Label | None:
    assert isinstance(label, LabelSet)
    return LabelSet(tuple(each for each in label.positive if each != name), unknown=label.unknown)
