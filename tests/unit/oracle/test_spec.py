"""An oracle's text is read, written back the same, and refused in one line."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloe.oracle import (
    Abstention,
    Behaviour,
    Confusion,
    Mistake,
    Noise,
    OracleError,
    OracleSpec,
    Slowness,
    hardness_of,
    parse_oracle,
)

RATES = st.floats(0, 1)


def behaviours() -> st.SearchStrategy[list[Behaviour]]:
    mistakes = st.builds(Mistake, st.just("cough"), st.sampled_from(["sigh", "laugh"]), RATES)
    kinds: list[st.SearchStrategy[Behaviour]] = [
        st.builds(Noise, RATES, st.booleans()),
        st.builds(Abstention, RATES, st.booleans()),
        st.builds(lambda mistake: Confusion((mistake,)), mistakes),
        st.builds(Slowness, st.floats(1e-9, 1e9)),
    ]
    return st.lists(st.one_of(kinds), unique_by=lambda each: each.kind)


@given(behaviours(), st.integers(1, 9))
def test_text_of_an_oracle_is_read_as_the_same_oracle(some, voter_count):
    spec = OracleSpec(tuple(some), voter_count)
    assert parse_oracle(str(spec)) == spec


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("perfect", OracleSpec()),
        ("noise:0.1", OracleSpec((Noise(0.1),))),
        ("hard:.4", OracleSpec((Noise(0.4, on_hard_clips=True),))),
        (
            "abstain:0.05 + abstain-hard:1",
            OracleSpec((Abstention(0.05), Abstention(1.0, on_hard_clips=True))),
        ),
        (
            "confusion:throat clearing>cough:0.3,cough>sigh:0.1",
            OracleSpec(
                (
                    Confusion(
                        (Mistake("throat clearing", "cough", 0.3), Mistake("cough", "sigh", 0.1))
                    ),
                )
            ),
        ),
        ("slow:0.2s", OracleSpec((Slowness(0.2),))),
        (
            "majority:3:noise:0.2+abstain:0.05",
            OracleSpec((Noise(0.2), Abstention(0.05)), voter_count=3),
        ),
    ],
)
def test_oracle_is_read(text, spec):
    assert parse_oracle(text) == spec


def test_numbers_are_written_without_an_exponent():
    assert str(parse_oracle("noise:1e-5+slow:2E1s")) == "noise:0.00001+slow:20s"


def test_only_hard_clips_need_hardness():
    assert parse_oracle("noise:0.1+abstain-hard:0.1").needs_hardness
    assert not parse_oracle("noise:0.1+confusion:a>b:1+slow:1s").needs_hardness


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "'' is no oracle; there are perfect"),
        ("nosie:0.1", "'nosie:0.1' is no oracle"),
        ("noise", "'noise' is no oracle"),
        ("noise:much", "'noise:much' is no oracle"),
        ("noise:1.5", "rate of 0 to 1, got 1.5"),
        ("noise:nan", "rate of 0 to 1, got nan"),
        ("noise:0.1+noise:0.2", "noise stands twice"),
        ("noise:0.1+", "'' is no oracle"),
        ("perfect+noise:0.1", "'perfect' is no oracle"),
        ("confusion:cough:0.3", "'confusion:cough:0.3' is no oracle"),
        ("confusion:a>b>c:0.3", "'confusion:a>b>c:0.3' is no oracle"),
        ("confusion:cough>cough:0.3", "takes two classes, got cough>cough:0.3"),
        ("confusion:a>b:0.6,a>c:0.5", "mistakes 'a' 1.1 times"),
        ("confusion:a>b:0.1,a>b:0.2", "names a pair of classes twice"),
        ("slow:0.2", "'slow:0.2' is no oracle"),
        ("slow:0s", "seconds over 0, as in slow:0.2s, got 0"),
        ("slow:infs", "got inf"),
        ("majority:1:noise:0.1", "2 oracles or more, got '1'"),
        ("majority:few:noise:0.1", "2 oracles or more, got 'few'"),
        ("majority:3", "'' is no oracle"),
        ("majority:3:majority:3:noise:0.1", "'majority:3:noise:0.1' is no oracle"),
    ],
)
def test_text_that_is_no_oracle_is_refused_in_one_line(text, told):
    with pytest.raises(OracleError) as caught:
        parse_oracle(text)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_hardness_is_one_less_the_margin():
    probabilities = np.array([[0.7, 0.1, 0.2], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]], np.float32)
    hardness = hardness_of(["a", "b", "c"], probabilities)
    assert hardness == pytest.approx({"a": 0.5, "b": 1.0, "c": 0.0}, abs=1e-6)
    assert all(0.0 <= each <= 1.0 for each in hardness.values())
