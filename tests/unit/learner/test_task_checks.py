"""What a caller may get wrong about a task: every fault is found and its field named."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.task import (
    Task,
    TaskProgress,
    check_classes,
    check_lease_duration,
    check_recipe,
    check_strategy,
    check_task,
)
from aloe.values.recipes import AdamRecipe, LbfgsRecipe, LogisticRecipe, RidgeRecipe
from aloe.values.states import PoolState
from aloe.values.stopping import (
    AllOfRules,
    AnyOfRules,
    LabelCountRule,
    PlateauRule,
    StablePredictionsRule,
    UncertaintyRule,
)
from aloe.values.strategies import (
    GRAPH_FUNCTIONS,
    AcquisitionFunction,
    QueryStrategy,
    SelectionRule,
)

MANY = LabelCountRule(1_000)
GOOD = Task("t", "p", ("no", "yes"), epoch="e", create_time=datetime(2026, 1, 1, tzinfo=UTC))


def fields_of(task: Task) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        check_task(task)
    return [violation.field for violation in caught.value.violations]


@pytest.mark.parametrize(
    "task",
    [
        GOOD,
        replace(GOOD, classes=tuple(f"class {n}" for n in range(1_000))),
        replace(GOOD, classes=("да", "нет", "я" * 128)),
        replace(GOOD, label_budget=10**9),
        replace(GOOD, label_budget=1, lease_duration=timedelta(days=1)),
        replace(GOOD, lease_duration=timedelta(milliseconds=1), seed=2**64 - 1),
        replace(GOOD, head_recipe=LbfgsRecipe(0.0)),
        replace(GOOD, head_recipe=AdamRecipe(10.0, 10_000, 65_536)),
        replace(GOOD, head_recipe=LogisticRecipe()),
        replace(GOOD, head_recipe=LogisticRecipe(0.0, 1, 1.0)),
        replace(GOOD, head_recipe=RidgeRecipe()),
        replace(GOOD, head_recipe=RidgeRecipe(1e-6, 1.0)),
        replace(GOOD, head_recipe=LogisticRecipe(1e6, 10_000, 0.0)),
    ],
)
def test_good_tasks_pass(task):
    check_task(task)


@pytest.mark.parametrize("function", AcquisitionFunction)
@pytest.mark.parametrize("rule", SelectionRule)
def test_functions_on_a_graph_are_refused_beside_rules_that_pick_by_themselves(function, rule):
    found = check_strategy(QueryStrategy(function, rule))
    by_itself = rule not in (SelectionRule.CLASS_AWARE, SelectionRule.CLASS_AGNOSTIC)
    if function in GRAPH_FUNCTIONS and by_itself:
        (violation,) = found
        assert violation.field == "task.query_strategy.selection_rule"
        assert f"{rule.name} picks by how clips lie" in violation.description
    else:
        assert not found


@pytest.mark.parametrize(
    ("classes", "field"),
    [
        ((), "task.classes"),
        (("only",), "task.classes"),
        (tuple(map(str, range(1_001))), "task.classes"),
        (("a", "b", "a"), "task.classes[2]"),
        (("a", ""), "task.classes[1]"),
        (("a\n", "b"), "task.classes[0]"),
        (("a", "x" * 129), "task.classes[1]"),
        (("a", "b\0"), "task.classes[1]"),
    ],
)
def test_wrong_classes_are_named(classes, field):
    assert fields_of(replace(GOOD, classes=classes)) == [field]


def test_every_wrong_class_is_named_at_once():
    fields = [each.field for each in check_classes(("a", "a", "", "b", "b"))]
    assert fields == ["task.classes[1]", "task.classes[2]", "task.classes[4]"]


@pytest.mark.parametrize(
    ("recipe", "field"),
    [
        (AdamRecipe(learning_rate=0.0), "adam.learning_rate"),
        (AdamRecipe(learning_rate=-1.0), "adam.learning_rate"),
        (AdamRecipe(learning_rate=math.nan), "adam.learning_rate"),
        (AdamRecipe(learning_rate=math.inf), "adam.learning_rate"),
        (AdamRecipe(epoch_count=0), "adam.epoch_count"),
        (AdamRecipe(epoch_count=10_001), "adam.epoch_count"),
        (AdamRecipe(batch_size=0), "adam.batch_size"),
        (AdamRecipe(batch_size=65_537), "adam.batch_size"),
        (LbfgsRecipe(-0.1), "lbfgs.l2_penalty"),
        (LbfgsRecipe(math.nan), "lbfgs.l2_penalty"),
        (LbfgsRecipe(math.inf), "lbfgs.l2_penalty"),
        (LbfgsRecipe(1e300), "lbfgs.l2_penalty"),
        (LogisticRecipe(l2_penalty=-1e-9), "logistic.l2_penalty"),
        (LogisticRecipe(l2_penalty=math.nan), "logistic.l2_penalty"),
        (LogisticRecipe(l2_penalty=1e6 + 1), "logistic.l2_penalty"),
        (LogisticRecipe(iteration_count=0), "logistic.iteration_count"),
        (LogisticRecipe(iteration_count=10_001), "logistic.iteration_count"),
        (LogisticRecipe(class_balance=-0.1), "logistic.class_balance"),
        (LogisticRecipe(class_balance=1.1), "logistic.class_balance"),
        (LogisticRecipe(class_balance=math.nan), "logistic.class_balance"),
        (RidgeRecipe(l2_penalty=0.0), "ridge.l2_penalty"),
        (RidgeRecipe(l2_penalty=1e6 + 1), "ridge.l2_penalty"),
        (RidgeRecipe(class_balance=1.1), "ridge.class_balance"),
    ],
)
def test_wrong_recipes_are_named(recipe, field):
    assert [each.field for each in check_recipe(recipe)] == [f"task.head_recipe.{field}"]


@pytest.mark.parametrize(
    "duration",
    [
        timedelta(0),
        timedelta(microseconds=999),
        timedelta(seconds=-1),
        timedelta(days=1, microseconds=1),
        timedelta.max,
    ],
)
def test_absurd_lease_durations_are_named(duration):
    assert [each.field for each in check_lease_duration(duration, "lease_duration")] == [
        "lease_duration"
    ]


@pytest.mark.parametrize("budget", [0, 10**9 + 1, 2**53 + 1, 2**64 - 1])
def test_a_budget_of_nothing_or_of_more_than_a_pool_holds_is_refused(budget):
    assert fields_of(replace(GOOD, label_budget=budget)) == ["task.label_budget"]


@pytest.mark.parametrize("share", [-0.01, 0.51, math.nan, math.inf])
def test_audits_are_no_more_than_half_of_the_picks(share):
    assert fields_of(replace(GOOD, audit_share=share)) == ["task.audit_share"]


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (PlateauRule(round_count=0), "plateau.round_count"),
        (PlateauRule(round_count=1_001), "plateau.round_count"),
        (PlateauRule(min_gain=-0.1), "plateau.min_gain"),
        (PlateauRule(min_gain=math.nan), "plateau.min_gain"),
        (StablePredictionsRule(round_count=0), "stable_predictions.round_count"),
        (StablePredictionsRule(min_agreement=1.1), "stable_predictions.min_agreement"),
        (UncertaintyRule(math.inf), "uncertainty.max_uncertainty"),
        (LabelCountRule(0), "label_count.label_count"),
        (LabelCountRule(10**9 + 1), "label_count.label_count"),
        (AnyOfRules(()), "any.rules"),
        (AllOfRules((PlateauRule(), AnyOfRules(()))), "all.rules[1].any.rules"),
        (
            AnyOfRules((LabelCountRule(1), AllOfRules((UncertaintyRule(-1.0),)))),
            "any.rules[1].all.rules[0].uncertainty.max_uncertainty",
        ),
        (
            AnyOfRules((AnyOfRules((AnyOfRules((AnyOfRules((MANY,)),)),)),)),
            "any.rules[0].any.rules[0].any.rules[0].any.rules[0]",
        ),
    ],
)
def test_wrong_stopping_rules_are_named(rule, field):
    assert fields_of(replace(GOOD, stopping_rule=rule)) == [f"task.stopping_rule.{field}"]


def test_too_many_stopping_rules_are_refused_as_a_whole():
    rule = AnyOfRules((MANY,) * 21)
    assert fields_of(replace(GOOD, stopping_rule=rule)) == ["task.stopping_rule"]


def test_four_levels_of_twenty_stopping_rules_pass():
    rule = AnyOfRules((AllOfRules((AnyOfRules((MANY,) * 10),)), *(MANY,) * 10))
    check_task(replace(GOOD, stopping_rule=rule))


def test_all_faults_of_a_task_are_told_at_once():
    task = replace(
        GOOD,
        classes=("a",),
        head_recipe=AdamRecipe(epoch_count=0, batch_size=0),
        label_budget=0,
        lease_duration=timedelta(0),
    )
    assert fields_of(task) == [
        "task.classes",
        "task.head_recipe.adam.epoch_count",
        "task.head_recipe.adam.batch_size",
        "task.label_budget",
        "task.lease_duration",
    ]


def test_an_unknown_label_is_blamed_on_the_callers_field_and_the_classes_are_told():
    assert GOOD.class_index("yes", "answers[0].label") == 1
    with pytest.raises(InvalidInput, match="its classes are no, yes") as caught:
        GOOD.class_index("maybe", "answers[3].label")
    assert caught.value.violations[0].field == "answers[3].label"


def test_a_repetition_is_equal_in_all_that_a_caller_sets():
    later = replace(GOOD, epoch="f", create_time=datetime(2027, 1, 1, tzinfo=UTC))
    assert GOOD.same_content(later)
    changes: dict[str, Any] = {
        "pool_id": "q",
        "classes": ("yes", "no"),
        "label_budget": 5,
        "lease_duration": timedelta(seconds=1),
        "seed": 1,
        "head_recipe": LbfgsRecipe(),
    }
    for name, value in changes.items():
        assert not GOOD.same_content(replace(GOOD, **{name: value})), name


@pytest.mark.parametrize(
    ("progress", "budget", "state"),
    [
        (TaskProgress(labeled=3, leased=1), None, PoolState.OPEN),
        (TaskProgress(labeled=3, leased=2), None, PoolState.ALL_LEASED),
        (TaskProgress(labeled=2, abstained=1, validation=1, test=1), None, PoolState.EXHAUSTED),
        (TaskProgress(labeled=2, budget_spent=2), 2, PoolState.BUDGET_SPENT),
        (TaskProgress(labeled=1, leased=1, budget_spent=1), 2, PoolState.BUDGET_SPENT),
        (TaskProgress(labeled=2, budget_spent=0), 1, PoolState.OPEN),
        (TaskProgress(labeled=5, budget_spent=5), 5, PoolState.EXHAUSTED),
    ],
)
def test_pool_state_of_five_clips(progress, budget, state):
    assert progress.pool_state(5, budget) is state
