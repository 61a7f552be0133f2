"""A simulated oracle says the same of a clip however it is asked, and errs at its rates."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aloe.client import Lease
from aloe.oracle import SimulatedOracle

CLASSES = ["cough", "laugh", "sneeze", "sigh"]
CLIP_IDS = [f"clip{n}" for n in range(4000)]
TRUTH = {clip_id: CLASSES[n % 4] for n, clip_id in enumerate(CLIP_IDS)}


def lease(clip_id: str) -> Lease:
    return Lease("lease", clip_id, "", datetime(2023, 6, 4, tzinfo=UTC), "", None)


def answers(oracle: SimulatedOracle, clip_ids=CLIP_IDS) -> dict[str, str | None]:
    return {clip_id: oracle.answer(lease(clip_id)) for clip_id in clip_ids}


def test_oracle_without_errors_tells_the_truth():
    assert answers(SimulatedOracle(TRUTH, CLASSES)) == TRUTH


@settings(deadline=None)
@given(order=st.permutations(CLIP_IDS[:50]), seed=st.integers(0, 2**64))
def test_answer_does_not_depend_on_the_order_of_questions(order, seed):
    def oracle():
        return SimulatedOracle(TRUTH, CLASSES, seed=seed, error_rate=0.5, abstention_rate=0.3)

    assert answers(oracle(), order) == answers(oracle(), CLIP_IDS[:50])


def test_answers_are_the_same_in_every_process():
    """Written down once: they must not change with the version or with PYTHONHASHSEED."""
    oracle = SimulatedOracle(TRUTH, CLASSES, seed=1, error_rate=0.5, abstention_rate=0.3)
    assert [oracle.answer(lease(clip_id)) for clip_id in CLIP_IDS[:8]] == [
        None,
        "sneeze",
        None,
        "laugh",
        "cough",
        None,
        "sneeze",
        None,
    ]


def test_another_seed_errs_on_other_clips():
    first, second = (
        answers(SimulatedOracle(TRUTH, CLASSES, seed=seed, error_rate=0.5)) for seed in (1, 2)
    )
    assert 1000 < sum(first[clip_id] != second[clip_id] for clip_id in CLIP_IDS) < 3500


def test_rates_hold_and_errors_are_spread_over_the_other_classes():
    oracle = SimulatedOracle(TRUTH, CLASSES, error_rate=0.3, abstention_rate=0.2)
    given_answers = answers(oracle)
    labels = {clip_id: label for clip_id, label in given_answers.items() if label is not None}
    wrong = {clip_id: label for clip_id, label in labels.items() if label != TRUTH[clip_id]}
    # Five standard deviations of 4,000 draws and less.
    assert len(labels) / len(TRUTH) == pytest.approx(0.8, abs=0.032)
    assert len(wrong) / len(labels) == pytest.approx(0.3, abs=0.041)
    coughs = [label for clip_id, label in wrong.items() if TRUTH[clip_id] == "cough"]
    for other in CLASSES[1:]:
        assert coughs.count(other) / len(coughs) == pytest.approx(1 / 3, abs=0.16)


def test_rate_of_one_is_always():
    assert set(answers(SimulatedOracle(TRUTH, CLASSES, abstention_rate=1.0)).values()) == {None}
    wrong = answers(SimulatedOracle(TRUTH, CLASSES, error_rate=1.0))
    assert all(label != TRUTH[clip_id] for clip_id, label in wrong.items())


@pytest.mark.parametrize(
    ("classes", "options", "told"),
    [
        (CLASSES, {"error_rate": 1.1}, "error_rate"),
        (CLASSES, {"abstention_rate": float("nan")}, "abstention_rate"),
        (CLASSES[1:], {}, "cough"),
    ],
)
def test_oracle_that_makes_no_sense_is_refused(classes, options, told):
    with pytest.raises(ValueError, match=told):
        SimulatedOracle(TRUTH, classes, **options)


def test_error_takes_another_class():
    with pytest.raises(ValueError, match="two classes"):
        SimulatedOracle({"clip0": "cough"}, ["cough"], error_rate=0.1)


def test_clip_without_a_truth_is_named():
    with pytest.raises(KeyError, match="unheard"):
        SimulatedOracle(TRUTH, CLASSES).answer(lease("unheard"))
