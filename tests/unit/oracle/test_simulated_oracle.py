"""A simulated oracle says the same of a clip however it is asked, and errs as it is told to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.oracle.asking import (
    CLASSES,
    CLIP_IDS,
    HARDNESS,
    TRUTH,
    answers,
    answers_of,
    built,
    lease,
    share_wrong,
)

from aloe.client import LabelSet
from aloe.oracle import Noise, OracleError, SimulatedOracle, Slowness, parse_oracle

# Five standard deviations of a part of 4,000 clips, at the most.
MARGIN = 5 * 0.5 / 4000**0.5


def test_perfect_oracle_tells_the_truth():
    assert answers_of("perfect") == TRUTH


@settings(deadline=None)
@given(order=st.permutations(CLIP_IDS[:50]), seed=st.integers(0, 2**64))
def test_answer_does_not_depend_on_the_order_of_questions(order, seed):
    text = "abstain:0.3+noise:0.5+abstain-hard:0.5+confusion:cough>sigh:0.5"
    assert answers(built(text, seed), order) == answers(built(text, seed), CLIP_IDS[:50])


def test_answers_are_the_same_in_every_process():
    """Written down once: they must not change with the version or with PYTHONHASHSEED."""
    oracle = built("abstain:0.3+noise:0.5", seed=1)
    assert [oracle.answer(lease(clip_id)) for clip_id in CLIP_IDS[:8]] == [
        "cough",
        "sigh",
        "sneeze",
        "laugh",
        "laugh",
        None,
        "sneeze",
        "sigh",
    ]


@pytest.mark.parametrize("other", [{"seed": 2}, {"name": "bob"}])
def test_another_seed_or_oracle_errs_on_other_clips(other):
    first, second = answers_of("noise:0.5"), answers_of("noise:0.5", **other)
    # Both are right on a quarter of the clips, and both wrong the same way on a twelfth.
    differing = sum(first[clip_id] != second[clip_id] for clip_id in CLIP_IDS)
    assert differing / len(CLIP_IDS) == pytest.approx(2 / 3, abs=MARGIN)


def test_behaviours_of_one_oracle_act_on_clips_of_their_own():
    abstained = {clip_id for clip_id, said in answers_of("abstain:0.5").items() if said is None}
    wrong = {clip_id for clip_id, said in answers_of("noise:0.5").items() if said != TRUTH[clip_id]}
    assert len(abstained & wrong) / len(CLIP_IDS) == pytest.approx(0.25, abs=MARGIN)


def test_at_a_higher_rate_the_same_clips_are_wrong_and_more():
    few, many = (
        {clip_id for clip_id, said in answers_of(text).items() if said != TRUTH[clip_id]}
        for text in ("noise:0.1", "noise:0.2")
    )
    assert few < many


def test_noise_errs_at_its_rate_and_spreads_over_the_other_classes():
    said = answers_of("abstain:0.2+noise:0.3")
    assert sum(label is None for label in said.values()) / 4000 == pytest.approx(0.2, abs=MARGIN)
    assert share_wrong(said) == pytest.approx(0.3, abs=MARGIN)
    wrong = [said[clip_id] for clip_id in CLIP_IDS if TRUTH[clip_id] == "cough"]
    counts = [wrong.count(other) for other in CLASSES[1:]]
    # 80 each are expected of 1,000 coughs, give or take 9.
    assert min(counts) > 40
    assert max(counts) < 120


def test_rate_of_one_is_always():
    assert set(answers_of("abstain:1").values()) == {None}
    assert share_wrong(answers_of("noise:1")) == 1.0


def test_confusion_mistakes_only_the_classes_it_names():
    said = answers_of("confusion:cough>sneeze:0.3,cough>sigh:0.1,laugh>sigh:1")
    by_class = {name: [said[c] for c in CLIP_IDS if TRUTH[c] == name] for name in CLASSES}
    coughs = by_class["cough"]
    assert coughs.count("sneeze") / 1000 == pytest.approx(0.3, abs=2 * MARGIN)
    assert coughs.count("sigh") / 1000 == pytest.approx(0.1, abs=2 * MARGIN)
    assert coughs.count("cough") + coughs.count("sneeze") + coughs.count("sigh") == 1000
    assert set(by_class["laugh"]) == {"sigh"}
    assert set(by_class["sneeze"]) == {"sneeze"}
    assert set(by_class["sigh"]) == {"sigh"}


def test_harder_clips_are_noisier():
    said = answers_of("hard:0.8")
    quarters = [CLIP_IDS[begin : begin + 1000] for begin in range(0, 4000, 1000)]
    rates = [share_wrong({clip_id: said[clip_id] for clip_id in quarter}) for quarter in quarters]
    # 0.8 times the mean hardness of the quarter.
    assert rates == pytest.approx([0.1, 0.3, 0.5, 0.7], abs=2 * MARGIN)


def test_hard_clips_are_abstained_on():
    said = answers_of("abstain-hard:1")
    silent = [clip_id for clip_id, label in said.items() if label is None]
    assert len(silent) / 4000 == pytest.approx(0.5, abs=MARGIN)
    assert sum(HARDNESS[clip_id] for clip_id in silent) / len(silent) == pytest.approx(
        2 / 3, abs=MARGIN
    )


def test_slow_oracle_tells_the_truth_in_times_drawn_around_its_mean():
    oracle = built("slow:0.2s", seed=3)
    assert answers(oracle) == TRUTH
    times_s = [oracle.answer_time_s(lease(clip_id)) for clip_id in CLIP_IDS]
    assert times_s == [oracle.answer_time_s(lease(clip_id)) for clip_id in CLIP_IDS]
    assert sum(times_s) / 4000 == pytest.approx(0.2, rel=0.08)
    # An exponential distribution exceeds its mean with a probability of 1 / e.
    assert sum(time_s > 0.2 for time_s in times_s) / 4000 == pytest.approx(0.368, abs=MARGIN)


def test_other_oracles_take_no_time():
    assert built("noise:0.5").answer_time_s(lease("clip0")) == 0.0


def test_majority_of_three_errs_less_than_one():
    # Wrong at 0.2 each: all three right 0.512, two right 0.384; two or three agree on a wrong
    # one 0.2^3 / 9 + 3 * 0.2^2 / 3 * (0.8 + 0.2 * 2 / 3) and else there is no majority.
    said = answers_of("majority:3:noise:0.2")
    assert sum(label == TRUTH[c] for c, label in said.items()) / 4000 == pytest.approx(
        0.896, abs=MARGIN
    )
    assert sum(label is None for label in said.values()) / 4000 == pytest.approx(
        0.2**2 * 0.8 * 3 * 2 / 3 + 0.2**3 * 2 / 9, abs=MARGIN
    )


def test_tie_is_an_abstention_and_an_abstention_no_vote():
    one, two = answers_of("noise:0.5"), answers_of("noise:0.5", name="#1")
    assert answers_of("majority:2:noise:0.5") == {
        clip_id: one[clip_id] if one[clip_id] == two[clip_id] else None for clip_id in CLIP_IDS
    }
    one, two = answers_of("abstain:0.5"), answers_of("abstain:0.5", name="#1")
    assert answers_of("majority:2:abstain:0.5") == {
        clip_id: one[clip_id] or two[clip_id] for clip_id in CLIP_IDS
    }


def test_majority_takes_as_long_as_its_slowest():
    voters = [built("slow:1s", name=name) for name in ("", "#1", "#2")]
    together = built("majority:3:slow:1s")
    for clip_id in CLIP_IDS[:20]:
        asked = lease(clip_id)
        assert together.answer_time_s(asked) == max(each.answer_time_s(asked) for each in voters)


@pytest.mark.parametrize(
    ("text", "classes", "hardness", "told"),
    [
        ("perfect", CLASSES[1:], None, "cough"),
        ("confusion:cough>yawn:0.1", CLASSES, None, "yawn"),
        ("hard:0.1", CLASSES, None, "hard:0.1 needs the hardness"),
        ("hard:0.1", CLASSES, {**HARDNESS, "clip7": 1.5}, "clip7"),
        ("abstain-hard:0.1", CLASSES, {"clip0": 0.5}, "clip1"),
    ],
)
def test_oracle_that_does_not_fit_the_task_is_refused(text, classes, hardness, told):
    with pytest.raises(OracleError, match=told):
        parse_oracle(text).build(TRUTH, classes, 0, hardness)


def test_error_takes_another_class():
    with pytest.raises(OracleError, match="two classes"):
        SimulatedOracle({"clip0": "cough"}, ["cough"], [Noise(0.1)])


def test_a_kind_of_behaviour_is_taken_once():
    with pytest.raises(OracleError, match="twice"):
        SimulatedOracle(TRUTH, CLASSES, [Noise(0.1), Slowness(1.0), Noise(0.2)])


def test_clip_without_a_truth_is_named():
    with pytest.raises(KeyError, match="unheard"):
        SimulatedOracle(TRUTH, CLASSES).answer(lease("unheard"))


SETS = {clip_id: LabelSet((CLASSES[n % 4], CLASSES[n % 3])) for n, clip_id in enumerate(CLIP_IDS)}


def test_of_several_labels_a_clip_an_oracle_tells_all_or_abstains():
    assert answers(SimulatedOracle(SETS, CLASSES)) == SETS
    said = answers(parse_oracle("abstain:0.3").build(SETS, CLASSES, 0))
    assert abs(list(said.values()).count(None) / len(said) - 0.3) < MARGIN
    assert all(label in (None, SETS[clip_id]) for clip_id, label in said.items())
    assert answers(parse_oracle("majority:3:perfect").build(SETS, CLASSES, 0)) == SETS


@pytest.mark.parametrize("text", ["noise:0.1", "confusion:cough>sigh:0.5", "hard:0.2"])
def test_what_errs_in_one_label_a_clip_is_refused_of_several(text):
    with pytest.raises(OracleError, match="one label a clip"):
        parse_oracle(text).build(SETS, CLASSES, 0, HARDNESS)
    with pytest.raises(OracleError, match="one label a clip"):
        parse_oracle(text).check_several()
    parse_oracle("abstain:0.1+slow:0.2s").check_several()


def test_a_set_that_names_no_class_of_the_task_is_refused():
    with pytest.raises(OracleError, match="'snore'"):
        SimulatedOracle({"a": LabelSet(("snore",))}, CLASSES)
