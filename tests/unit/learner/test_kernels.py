"""The compiled loops against plain numpy, and what must not change a clip's figures."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from tests.unit.learner.reference import logits_of, scores_of

from aloe.learner.domain.acquisition import FORMULAS
from aloe.learner.domain.head import Head
from aloe.learner.domain.judging import Judge, Judgement, all_in_range, class_probabilities
from aloe.values.strategies import AcquisitionFunction

FUNCTIONS = list(FORMULAS)


def make_head(seed: int, dim: int, class_count: int, spread: float = 1.0) -> Head:
    generator = np.random.default_rng(seed)
    weights = generator.normal(scale=spread / np.sqrt(dim), size=(dim, class_count))
    return Head(seed, weights.astype(np.float32), generator.normal(size=class_count).astype("f4"))


def make_embeddings(seed: int, clip_count: int, dim: int):
    return np.random.default_rng(seed).normal(size=(clip_count, dim)).astype(np.float32)


def judged(judges: list[Judge], embeddings, rows=None) -> Judgement:
    rows = np.arange(len(embeddings)) if rows is None else rows
    judgement = Judgement(judges, embeddings, rows)
    judgement.share(0, len(rows))
    return judgement


@settings(max_examples=30, deadline=None)
@given(order=st.permutations([*FUNCTIONS, *FUNCTIONS]), seed=st.integers(0, 1_000))
def test_functions_of_one_head_share_a_pass_whatever_stands_between_them(order, seed):
    embeddings = make_embeddings(seed, 70, 20)
    heads = make_head(seed, 20, 3), make_head(seed + 1, 20, 8)
    judges = [Judge(heads[n % 3 % 2], function) for n, function in enumerate(order)]
    together = judged(judges, embeddings)
    for n, judge in enumerate(judges):
        alone = judged([judge], embeddings)
        assert_array_equal(together.scores[n], alone.scores[0])
        assert_array_equal(together.predicted[n], alone.predicted[0])


@settings(max_examples=60, deadline=None)
@given(
    function=st.sampled_from(FUNCTIONS),
    clip_count=st.integers(1, 150),
    dim=st.integers(1, 70),
    class_count=st.integers(2, 14),
    spread=st.floats(0.1, 30),
    seed=st.integers(0, 1_000),
)
def test_scores_and_predictions_are_those_of_the_plain_formulas(
    *, function, clip_count, dim, class_count, spread, seed
):
    head = make_head(seed, dim, class_count, spread)
    embeddings = make_embeddings(seed, clip_count, dim)
    found = judged([Judge(head, function)], embeddings)
    logits = logits_of(head, embeddings)
    assert_allclose(found.scores[0], scores_of(function, logits), rtol=1e-4, atol=2e-4)
    # The prediction may differ only where two classes are as good as equal.
    chosen = logits[np.arange(clip_count), found.predicted[0]]
    assert (logits.max(axis=1) - chosen < 1e-3).all()


def test_margin_of_logits_ranks_otherwise_than_that_of_probabilities():
    # Clip A: logits (4, 3, 0): margin of logits 1. e^4, e^3, 1 = 54.598, 20.086, 1; sum 75.684:
    #   p1 - p2 = (54.598 - 20.086) / 75.684 = 0.4560
    # Clip B: logits (1.2, 0, 0): margin of logits 1.2. e^1.2 = 3.3201; sum 5.3201:
    #   p1 - p2 = (3.3201 - 1) / 5.3201 = 0.4361
    # The code asks A first, the paper B.
    logits = np.array([[4.0, 3.0, 0.0], [1.2, 0.0, 0.0]], dtype=np.float32)
    passing_on = Head(1, np.eye(3, dtype=np.float32), np.zeros(3, np.float32))
    paper = judged([Judge(passing_on, AcquisitionFunction.SMALLEST_MARGIN)], logits).scores[0]
    code = judged([Judge(passing_on, AcquisitionFunction.MARGIN_LOGITS)], logits).scores[0]
    assert_allclose(paper, [-0.4560, -0.4361], atol=1e-4)
    assert_allclose(code, [-1.0, -1.2], atol=1e-6)


def test_of_equal_classes_the_first_is_predicted():
    logits = np.array([[1.0, 2.0, 2.0], [0.0, 0.0, 0.0], [3.0, 1.0, 3.0]], dtype=np.float32)
    passing_on = Head(1, np.eye(3, dtype=np.float32), np.zeros(3, np.float32))
    found = judged([Judge(passing_on, AcquisitionFunction.ENTROPY)], logits)
    assert found.predicted[0].tolist() == [1, 0, 0]
    assert found.predicted.dtype == np.int16


def test_heads_in_one_pass_get_the_bits_that_they_get_alone():
    embeddings = make_embeddings(1, 333, 61)
    judges = [
        Judge(make_head(seed, 61, class_count), function)
        for seed, (class_count, function) in enumerate(
            zip(itertools.cycle((2, 3, 5, 12, 4, 31)), FUNCTIONS, strict=False)
        )
    ]
    together = judged(judges, embeddings)
    for index, judge in enumerate(judges):
        alone = judged([judge], embeddings)
        assert_array_equal(together.scores[index], alone.scores[0])
        assert_array_equal(together.predicted[index], alone.predicted[0])


def test_a_clip_gets_the_same_bits_whatever_is_scored_with_it_and_in_how_many_shares():
    embeddings = make_embeddings(2, 1_001, 130)
    judge = Judge(make_head(4, 130, 7), AcquisitionFunction.SMALLEST_MARGIN)
    everything = judged([judge], embeddings)
    some = np.array([0, 1, 2, 500, 502, 999, 1_000])
    assert_array_equal(judged([judge], embeddings, some).scores[0], everything.scores[0][some])
    shared = Judgement([judge], embeddings, np.arange(1_001))
    for begin, end in ((700, 1_001), (0, 3), (3, 700)):
        shared.share(begin, end)
    assert_array_equal(shared.scores, everything.scores)
    assert_array_equal(shared.predicted, everything.predicted)


def test_scoring_and_predicting_agree():
    embeddings, head = make_embeddings(6, 200, 33), make_head(9, 33, 6)
    found = judged([Judge(head, AcquisitionFunction.LEAST_CONFIDENCE)], embeddings)
    probabilities = class_probabilities(head, embeddings)
    assert_array_equal(probabilities.argmax(axis=1), found.predicted[0])
    assert_allclose(found.scores[0], 1 - probabilities.max(axis=1), atol=1e-6)


def test_huge_embeddings_give_scores_within_the_bounds_of_their_formula():
    embeddings = np.full((3, 16), 1e9, dtype=np.float32)
    embeddings[1] *= -1
    found = judged([Judge(make_head(1, 16, 4), AcquisitionFunction.ENTROPY)], embeddings)
    assert ((found.scores >= 0) & (found.scores <= np.log(4) + 1e-6)).all()


@pytest.mark.slow
def test_without_a_folder_for_compiled_code_everything_is_compiled_anew():
    program = (
        "from aloe.learner.domain.warming import warm_up\n"
        "from aloe.learner.domain.kernels import dense\n"
        "warm_up()\n"
        "print(type(dense.exp._cache).__name__)"
    )
    # Where the only folder that numba may use is a file.
    environment = os.environ | {
        "NUMBA_CACHE_DIR": os.devnull,
        "NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator",
    }
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "NullCache"


@pytest.mark.slow
def test_on_a_processor_without_wide_registers_the_scores_are_the_same_within_rounding(tmp_path):
    program = (
        "import numpy as np\n"
        "from tests.unit.learner.test_kernels import *\n"
        "from aloe.learner.domain.kernels.tile import LANES\n"
        "judge = Judge(make_head(1, 1_003, 7), AcquisitionFunction.MARGIN_LOGITS)\n"
        "found = judged([judge], make_embeddings(2, 133, 1_003))\n"
        "np.savez(sys.argv[1], lanes=LANES, scores=found.scores)"
    )
    path = tmp_path / "found.npz"
    environment = os.environ | {
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    command = [sys.executable, "-c", program, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = np.load(path)
    assert found["lanes"] == 8
    judge = Judge(make_head(1, 1_003, 7), AcquisitionFunction.MARGIN_LOGITS)
    here = judged([judge], make_embeddings(2, 133, 1_003))
    assert_allclose(found["scores"], here.scores, atol=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 2e9, -2e9])
@pytest.mark.parametrize("clip_count", [1, 3, 500])
def test_one_value_out_of_range_is_found_wherever_it_stands(bad, clip_count):
    embeddings = make_embeddings(1, clip_count, 37)
    assert all_in_range(embeddings)
    for place in ((0, 0), (clip_count - 1, 36), (clip_count // 2, 17)):
        spoilt = embeddings.copy()
        spoilt[place] = bad
        assert not all_in_range(spoilt)


def test_few_clips_get_the_bits_that_they_get_among_many():
    embeddings, head = make_embeddings(8, 300, 45), make_head(3, 45, 7)
    many = class_probabilities(head, embeddings)
    for count in (1, 2, 64, 65):
        assert_array_equal(class_probabilities(head, embeddings[:count]), many[:count])


def test_arrays_that_may_be_written_and_those_that_may_not_give_the_same_bits():
    embeddings, head = make_embeddings(8, 5, 45), make_head(3, 45, 7)
    read_only = np.frombuffer(embeddings.tobytes(), np.float32).reshape(embeddings.shape)
    columns_first = np.asfortranarray(embeddings)
    expected = class_probabilities(head, embeddings)
    for each in (read_only, columns_first, embeddings.astype(np.float64)):
        assert_array_equal(class_probabilities(head, each), expected)
