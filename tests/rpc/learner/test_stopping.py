"""When labels are enough: the learner says so, with its reasons, and refuses nothing."""

from typing import Any

import pytest
from tests.rpc.learner.scenes import CLASSES, QUICK, Scene, check_refused, make_scene, new_id

from aloe.client import (
    AllOfRules,
    AnyOfRules,
    LabelCountRule,
    LearnerClient,
    PlateauRule,
    RecipeName,
    StablePredictionsRule,
    StopVerdict,
    UncertaintyRule,
)
from aloe.v1 import head_pb2, stopping_pb2, task_pb2

STOP, CONTINUE = StopVerdict.STOP, StopVerdict.CONTINUE
EVERY_RULE = AnyOfRules(
    (
        LabelCountRule(14),
        AllOfRules((PlateauRule(2, 0.01), StablePredictionsRule(2, 0.9), UncertaintyRule(0.5))),
    )
)


def label_rounds(scene: Scene, round_count: int) -> int:
    """Label two clips in each of some strict rounds; return the version of the last head."""
    version = scene.seed_labels(validation_count=12)
    for _ in range(round_count):
        leases = scene.query(max_clip_count=2, min_head_version=version)
        version = scene.answer(leases).head_version or version
    scene.client.predict(scene.task_id, embeddings=scene.embeddings[:1], min_head_version=version)
    return version


def test_a_learner_says_stop_and_because_of_what(client: LearnerClient):
    scene = make_scene(client, stopping_rule=EVERY_RULE)
    task = client.get_task(scene.task_id)
    assert (task.stopping_rule, task.stop_advice) == (EVERY_RULE, None)
    assert label_rounds(scene, 4) == 5
    rounds = client.list_rounds(scene.task_id)
    verdicts = [each.stop_advice and each.stop_advice.verdict for each in rounds]
    # 6, 8, 10, 12 and 14 labels.
    assert verdicts == [CONTINUE] * 4 + [STOP]
    advice = client.get_task(scene.task_id).stop_advice
    assert advice is not None
    assert advice == rounds[-1].stop_advice
    enough, *others = advice.reasons
    assert (enough.verdict, enough.value, enough.bound) == (STOP, 14, 14)
    assert enough.description == "14 labels; 14 are enough"
    assert [type(each.rule) for each in others] == [
        PlateauRule,
        StablePredictionsRule,
        UncertaintyRule,
    ]
    last_two = [each.prediction_agreement or 0.0 for each in rounds[-2:]]
    assert others[1].value == min(last_two)
    assert others[2].value == rounds[-1].mean_uncertainty
    # Advice only: the oracle is asked on.
    assert scene.query(max_clip_count=2)


def test_a_watcher_is_told_when_labels_are_enough(client: LearnerClient):
    scene = make_scene(client, stopping_rule=LabelCountRule(8))
    label_rounds(scene, 1)
    for update in client.watch_task(scene.task_id):
        assert update.task.stop_advice is not None
        assert update.task.stop_advice.verdict is STOP
        assert update.last_round is not None
        assert update.last_round.stop_advice == update.task.stop_advice
        break


def test_a_changed_rule_judges_all_rounds_anew(client: LearnerClient):
    scene = make_scene(client, stopping_rule=LabelCountRule(1_000))
    label_rounds(scene, 2)
    task = client.update_task(scene.task_id, stopping_rule=LabelCountRule(8))
    assert task.stop_advice is not None
    assert task.stop_advice.verdict is STOP
    verdicts = [
        each.stop_advice and each.stop_advice.verdict for each in client.list_rounds(scene.task_id)
    ]
    assert verdicts == [CONTINUE, STOP, STOP]
    task = client.update_task(scene.task_id, stopping_rule=None)
    assert (task.stopping_rule, task.stop_advice) == (None, None)
    assert client.list_rounds(scene.task_id)[-1].stop_advice is None


def test_a_page_of_rounds_is_judged_by_those_before_it(raw, client: LearnerClient):
    scene = make_scene(client, stopping_rule=PlateauRule(1, 1.0))
    label_rounds(scene, 2)
    request = head_pb2.ListRoundsRequest(task=f"tasks/{scene.task_id}", page_size=1, page_token="2")  # noqa: S106
    [second] = raw.ListRounds(request).rounds
    assert second.head_version == 2
    assert second.stop_advice.verdict == stopping_pb2.STOP_VERDICT_STOP


def test_equal_tasks_get_equal_figures(client: LearnerClient):
    scene = make_scene(client, stopping_rule=EVERY_RULE)
    twin = Scene(client, scene.pool_id, new_id(), scene.embeddings, scene.truth)
    client.create_task(
        twin.task_id,
        scene.pool_id,
        CLASSES,
        recipe=RecipeName.PAPER,
        head_recipe=QUICK,
        seed=1,
        stopping_rule=EVERY_RULE,
    )
    figures = []
    for each in (scene, twin):
        label_rounds(each, 3)
        rounds = client.list_rounds(each.task_id)
        figures.append([(one.prediction_agreement, one.mean_uncertainty) for one in rounds])
    assert figures[0] == figures[1]
    assert None not in figures[0][-1]


def test_rounds_tell_where_their_time_went(client: LearnerClient):
    scene = make_scene(client, stopping_rule=UncertaintyRule())
    label_rounds(scene, 1)
    first, last = client.list_rounds(scene.task_id)
    for each in (first, last):
        assert each.statistics_duration is not None
        assert each.store_duration is not None
        assert each.head_times.publishing_duration is not None
    # Nobody had asked before the first one: its clips were scored by the query that did.
    assert first.head_times.scoring_duration is not None
    assert first.head_times.selection_duration is not None
    # By the last one nobody asked yet; its round has scored the clips for whoever does.
    assert (last.head_times.scoring_duration, last.head_times.selection_duration) == (None, None)
    scene.query(max_clip_count=2)
    last = client.list_rounds(scene.task_id)[-1]
    assert last.head_times.scoring_duration is None
    assert last.head_times.selection_duration is not None


def label_count(number: int) -> stopping_pb2.StoppingRule:
    return stopping_pb2.StoppingRule(label_count=stopping_pb2.LabelCountRule(label_count=number))


def any_of(*rules: stopping_pb2.StoppingRule) -> stopping_pb2.StoppingRule:
    return stopping_pb2.StoppingRule(any=stopping_pb2.StoppingRules(rules=rules))


BAD_RULES: dict[str, tuple[stopping_pb2.StoppingRule, str]] = {
    "no rule": (stopping_pb2.StoppingRule(), ""),
    "no rule inside": (any_of(label_count(3), stopping_pb2.StoppingRule()), ".any.rules[1]"),
    "any of nothing": (any_of(), ".any.rules"),
    "no labels": (label_count(0), ".label_count.label_count"),
    "no heads": (
        stopping_pb2.StoppingRule(plateau=stopping_pb2.PlateauRule(round_count=0)),
        ".plateau.round_count",
    ),
    "more than certain": (
        stopping_pb2.StoppingRule(uncertainty=stopping_pb2.UncertaintyRule(max_uncertainty=1.5)),
        ".uncertainty.max_uncertainty",
    ),
    "21 rules": (any_of(*[label_count(3)] * 21), ""),
    "five levels": (any_of(any_of(any_of(any_of(label_count(3))))), ".any.rules[0]" * 4),
}


@pytest.mark.parametrize("case", BAD_RULES)
@pytest.mark.parametrize("rpc", ["CreateTask", "UpdateTask"])
def test_a_bad_rule_is_refused_by_its_field(raw, scene: Scene, case, rpc):
    rule, wrong = BAD_RULES[case]
    fields: dict[str, Any] = {"stopping_rule": rule}
    request: Any = task_pb2.CreateTaskRequest(
        task_id=new_id(),
        task=task_pb2.Task(pool=f"pools/{scene.pool_id}", classes=CLASSES, **fields),
    )
    if rpc == "UpdateTask":
        request = task_pb2.UpdateTaskRequest(
            task=task_pb2.Task(name=f"tasks/{scene.task_id}", **fields)
        )
        request.update_mask.paths.append("stopping_rule")
    check_refused(raw, scene, rpc, request, (f"task.stopping_rule{wrong}",))
