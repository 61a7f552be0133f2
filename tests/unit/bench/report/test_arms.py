"""What arms are called, and which of them the others are compared with."""

import pytest
from tests.unit.bench.report.runs_in_memory import HERDING, PAPERS, RANDOM

from aloe.bench.report.arms import (
    Arm,
    NoSuchArm,
    arm_name,
    baseline_of,
    choice_text,
    in_order,
    name_beside,
    random_beside,
)
from aloe.bench.spec import PAPER_HEAD_RECIPE

OTHER_RANDOM = Arm("random", "class-agnostic", (("recipe", "linear"),))
ARMS = [RANDOM, HERDING, PAPERS]


def test_an_arm_is_called_what_tells_it_from_the_others():
    assert [arm_name(each, ARMS) for each in ARMS] == [
        "paper, random",
        "linear, herding",
        "paper, margin-class-aware",
    ]
    assert arm_name(PAPERS, [PAPERS, RANDOM]) == "margin-class-aware"


def by_recipe(representation: str, head_recipe: str) -> Arm:
    choices = (("representation", representation), ("head_recipe", head_recipe))
    return Arm("random", "class-agnostic", choices)


def test_recipes_go_by_their_names_where_all_arms_have_one():
    chosen = (("none", "adam"), ("kernel", "ridge"), ("linear", "logistic"))
    arms = [by_recipe(*each) for each in chosen]
    assert [arm_name(each, arms) for each in arms] == [
        "paper, random",
        "best, random",
        "linear, random",
    ]
    assert arm_name(arms[0], arms[:1]) == "random"
    assert baseline_of(arms, "best") == arms[1]
    assert baseline_of(arms, "kernel/ridge") == arms[1]
    assert baseline_of(arms, "paper/random") == arms[0]
    others = [*arms, by_recipe("none", "ridge")]
    assert arm_name(others[0], others) == "none, adam, random"
    assert baseline_of(others, "best") == arms[1]


def test_beside_others_under_its_rule_a_strategy_is_called_by_its_function():
    by_entropy = Arm("entropy", "herding", HERDING.choices)
    named = [name_beside(each) for each in (PAPERS, RANDOM, HERDING, by_entropy)]
    assert named == ["smallest_margin", "random", "herding", "entropy+herding"]


def test_the_baseline_is_the_papers_recipe_wherever_it_stands():
    assert baseline_of(ARMS) == PAPERS
    code = Arm("margin_logits", "class-aware", PAPERS.choices)
    assert baseline_of([HERDING, code]) == code


def test_without_the_papers_recipe_random_picks_are_the_baseline():
    by_classes = Arm("smallest_margin", "class-aware", HERDING.choices)
    assert baseline_of([by_classes, HERDING, RANDOM]) == RANDOM
    assert baseline_of([by_classes, OTHER_RANDOM]) == OTHER_RANDOM
    assert baseline_of([HERDING]) == HERDING


@pytest.mark.parametrize("wanted", ["herding", "linear", "herding/linear", "linear/herding"])
def test_a_baseline_is_found_by_parts_of_its_name(wanted):
    assert baseline_of(ARMS, wanted) == HERDING


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("badge", "'badge' names no arm; give one of paper/random, linear/herding, paper/"),
        ("paper", "'paper' names several arms; give one of paper/random, paper/margin-class-aware"),
    ],
)
def test_a_baseline_that_is_none_or_several_is_told_with_the_names(wanted, message):
    with pytest.raises(NoSuchArm) as caught:
        baseline_of(ARMS, wanted)
    assert str(caught.value).startswith(message)


def test_the_random_picks_beside_an_arm_share_its_choices_where_there_are_such():
    assert random_beside(HERDING, [RANDOM, OTHER_RANDOM]) == OTHER_RANDOM
    assert random_beside(HERDING, [RANDOM]) == RANDOM
    assert random_beside(HERDING, [PAPERS]) is None
    aware = Arm("random", "class-aware", PAPERS.choices)
    assert random_beside(PAPERS, [RANDOM, aware]) == aware


def test_arms_stand_by_choice_with_random_last():
    badge = Arm("smallest_margin", "class-agnostic", PAPERS.choices)
    assert in_order([RANDOM, badge, PAPERS, HERDING, PAPERS]) == [PAPERS, badge, RANDOM, HERDING]


@pytest.mark.parametrize(
    ("recipe", "text", "is_papers"),
    [
        (PAPER_HEAD_RECIPE, "adam", True),
        ("adam:learning_rate=0.01,epoch_count=100,batch_size=32", "adam:learning_rate=0.01", False),
        ("logistic:l2_penalty=0.0005,iteration_count=40,class_balance=0.0", "logistic", False),
        ("newton:of=another,version=1", "newton:of=another,version=1", False),
    ],
)
def test_head_recipes_are_arms_by_their_short_names(recipe, text, is_papers):
    arm = Arm("random", "class-aware", (("head_recipe", choice_text("head_recipe", recipe)),))
    assert arm.name == f"{text}/random-class-aware"
    assert arm.is_papers == is_papers
