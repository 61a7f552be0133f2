"""Graph-based functions by hand, by what they stand for, and against graphlearning."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tests.unit.learner.graphs.scenes import clusters, path
from tests.unit.learner.graphs.test_spectrum import ODD_POOLS

from aloe.learner.domain.graphs.acquisition import (
    GRAPH_FORMULAS,
    GraphSituation,
    graph_picks,
    graph_scores,
    unknown,
)
from aloe.learner.domain.graphs.covariance import _FLOOR, covariance_given
from aloe.learner.domain.graphs.spectrum import Spectrum, fit_spectrum, leading_eigenpairs
from aloe.learner.domain.graphs.weights import neighbor_graph
from aloe.values.strategies import AcquisitionFunction

V_OPT, SIGMA_OPT = AcquisitionFunction.V_OPT, AcquisitionFunction.SIGMA_OPT
MODEL_CHANGE, MCV_OPT = AcquisitionFunction.MODEL_CHANGE, AcquisitionFunction.MCV_OPT
SPECTRUM = fit_spectrum(clusters(60, 40), seed=0)
ALL = np.arange(100)


def situation(spectrum=SPECTRUM, covered=(), uncertainties=None):
    """Ask for what is not covered."""
    covered = np.array(covered, np.int64)
    candidates = np.setdiff1d(np.arange(spectrum.clip_count), covered)
    if uncertainties is None:
        uncertainties = np.ones(len(candidates), np.float32)
    return GraphSituation(spectrum, covered, candidates, uncertainties)


def wavering(count):
    return np.random.default_rng(5).random(count, np.float32)


def independent(*variances):
    """Return the spectrum on which each clip is by itself, with these variances."""
    return Spectrum(1 / np.array(variances) - _FLOOR, np.eye(len(variances)))


def on_all_clips(spectrum, covered):
    """Return the covariance of all clips, (n_clips, n_clips)."""
    vectors = spectrum.eigenvectors
    return vectors @ covariance_given(spectrum, np.array(covered, np.int64)) @ vectors.T


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        # C v is the clip's variance c, at its own place; d = c + 0.01.
        (V_OPT, [1 / 1.01, 0.25 / 0.51, 0.0625 / 0.26]),
        (SIGMA_OPT, [1 / 1.01, 0.25 / 0.51, 0.0625 / 0.26]),
        (MODEL_CHANGE, [0.2 / 1.01, 0.5 / 0.51, 0.5 * 0.25 / 0.26]),
        (MCV_OPT, [0.2 / 1.01, 0.25 / 0.51, 0.5 * 0.0625 / 0.26]),
    ],
)
def test_clips_by_themselves_by_hand(function, expected):
    uncertainties = np.array([0.2, 1.0, 0.5], np.float32)
    asked = situation(independent(1.0, 0.5, 0.25), uncertainties=uncertainties)
    assert_allclose(graph_scores(function, asked), expected, rtol=1e-6)


def test_an_answer_leaves_of_a_variance_what_noise_leaves():
    # By hand: 1 - 1^2 / 1.01 = 0.00990099
    assert_allclose(on_all_clips(independent(1.0, 0.5), [0]), np.diag([1 / 101, 0.5]), rtol=1e-12)


def test_a_path_of_three_clips_by_hand():
    # Eigenvalues 0, 1, 2: C = diag(1/0.001, 1/1.001, 1/2.001) = diag(1000, 0.999001, 0.499750).
    # The middle is (root, 0, -root): C v = (707.106781, 0, -0.353377), d = 0.01 + 500.249875
    # The ends are (1/2, ±root, 1/2): C v = (500, ±0.706400, 0.249875), d = 0.01 + 250.624438
    asked = situation(leading_eigenpairs(path(3), 3, seed=0))
    ends, middle = 250000.561439 / 250.634438, 500000.124875 / 500.259875
    assert_allclose(graph_scores(V_OPT, asked), [ends, middle, ends], rtol=1e-6)
    # Over all clips the eigenvectors sum to 1 + root, 0 and 1 - root.
    ends = (500 * 1.707107 + 0.249875 * 0.292893) ** 2 / 250.634438
    middle = (707.106781 * 1.707107 - 0.353377 * 0.292893) ** 2 / 500.259875
    assert_allclose(graph_scores(SIGMA_OPT, asked), [ends, middle, ends], rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("covered", [[], [3], [3, 70, 71]])
def test_v_opt_is_what_a_label_takes_off_all_variances(covered):
    before = np.trace(on_all_clips(SPECTRUM, covered))
    asked = situation(covered=covered)
    after = [np.trace(on_all_clips(SPECTRUM, [*covered, row])) for row in asked.candidates]
    assert_allclose(graph_scores(V_OPT, asked), before - np.array(after), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("covered", [[], [3], [3, 70, 71]])
def test_sigma_opt_is_what_a_label_takes_off_all_covariances(covered):
    before = on_all_clips(SPECTRUM, covered).sum()
    asked = situation(covered=covered)
    after = [on_all_clips(SPECTRUM, [*covered, row]).sum() for row in asked.candidates]
    assert_allclose(graph_scores(SIGMA_OPT, asked), before - np.array(after), rtol=1e-5, atol=1e-6)


def test_what_is_unknown_by_hand():
    asked = situation(independent(1.0, 0.5, 0.25), covered=[1])
    # Of the covered one noise leaves 0.5 - 0.5^2 / 0.51.
    for function in (V_OPT, SIGMA_OPT, MCV_OPT):
        assert_allclose(unknown(function, asked), 1.25 + 0.5 / 51, rtol=1e-12)
    assert unknown(MODEL_CHANGE, asked) == 1


@pytest.mark.parametrize("function", [V_OPT, SIGMA_OPT])
def test_labels_of_all_clips_tell_nearly_all_that_is_unknown(function):
    asked = situation(covered=[5])
    gains = graph_picks(function, asked, 99).gains
    assert 0.9 < gains.sum() / unknown(function, asked) < 1


@pytest.mark.parametrize("function", GRAPH_FORMULAS)
def test_a_batch_is_picked_as_if_each_label_had_come_before_the_next(function):
    uncertainties = wavering(100)
    covered: list[int] = []
    for _ in range(12):
        asked = situation(covered=covered, uncertainties=np.delete(uncertainties, covered))
        scores = graph_scores(function, asked)
        covered.append(int(asked.candidates[scores.argmax()]))
        last_score = scores.max()
    picks = graph_picks(function, situation(uncertainties=uncertainties), 12)
    assert_array_equal(ALL[picks.places], covered)
    assert_allclose(picks.gains[-1], last_score, rtol=1e-5)


@pytest.mark.parametrize("function", GRAPH_FORMULAS)
def test_the_first_picks_of_a_longer_batch_are_those_of_a_shorter_one(function):
    asked = situation(covered=[1, 2], uncertainties=wavering(98))
    longest = graph_picks(function, asked, 200).places
    assert_array_equal(np.sort(longest), np.arange(98))
    for count in (0, 1, 7):
        assert_array_equal(graph_picks(function, asked, count).places, longest[:count])


def test_past_the_updates_that_time_allows_picks_follow_by_score():
    # Of 3,000 candidates, 666 are picked one after the other.
    vectors = np.random.default_rng(2).standard_normal((3_000, 2))
    spectrum = Spectrum(np.zeros(2), np.linalg.qr(vectors)[0])
    asked = situation(spectrum)
    picks = graph_picks(V_OPT, asked, 700)
    assert len(set(picks.places.tolist())) == 700
    left = situation(spectrum, covered=picks.places[:666])
    best = np.argsort(-graph_scores(V_OPT, left), kind="stable")[:34]
    assert_array_equal(picks.places[666:], left.candidates[best])
    assert (np.diff(picks.gains[666:]) <= 0).all()
    assert_array_equal(graph_picks(V_OPT, asked, 680).places, picks.places[:680])


def test_covered_clips_are_a_set():
    expected = covariance_given(SPECTRUM, np.array([4, 9, 50]))
    assert_array_equal(covariance_given(SPECTRUM, np.array([50, 4, 9, 4])), expected)


def test_the_first_picks_are_of_different_clusters():
    picks = graph_picks(V_OPT, situation(fit_spectrum(clusters(40, 20, 30), seed=0)), 3)
    assert sorted(np.searchsorted([40, 60], picks.places, side="right").tolist()) == [0, 1, 2]


@pytest.mark.parametrize("function", [V_OPT, SIGMA_OPT, MCV_OPT])
def test_a_label_leaves_least_to_learn_of_clips_of_the_same_vector(function):
    vectors = clusters(300)
    vectors[7] = vectors[8] = vectors[9]
    spectrum = fit_spectrum(vectors, seed=0)
    before = np.delete(graph_scores(function, situation(spectrum)), 7)
    left = graph_scores(function, situation(spectrum, covered=[7])) / before
    assert_array_equal(np.sort(left.argsort()[:2]), [7, 8])


def test_where_the_head_is_sure_nothing_is_learned_of_its_change():
    asked = situation(uncertainties=np.zeros(100, np.float32))
    for function in (MODEL_CHANGE, MCV_OPT):
        assert not graph_scores(function, asked).any()
        assert_array_equal(graph_picks(function, asked, 3).places, [0, 1, 2])


@pytest.mark.parametrize("function", GRAPH_FORMULAS)
@pytest.mark.parametrize("vectors", ODD_POOLS.values(), ids=ODD_POOLS)
def test_odd_pools_have_finite_scores_and_every_clip_is_asked_once(vectors, function):
    spectrum = fit_spectrum(vectors, seed=0)
    asked = situation(spectrum)
    scores = graph_scores(function, asked)
    assert np.isfinite(scores).all()
    assert (scores >= 0).all()
    picks = graph_picks(function, asked, 60)
    assert len(set(picks.places.tolist())) == min(60, len(vectors))
    assert np.isfinite(picks.gains).all()
    assert (picks.gains >= 0).all()
    left = replace(asked, candidates=ALL[:0], uncertainties=asked.uncertainties[:0])
    assert not len(graph_picks(function, left, 5).places)


def test_graphlearning_gives_the_same_figures():
    """The figures were made with graphlearning 1.7.5, which has no wheels, on numpy 2.4.6.

    Its sigma_opt is given the covariance of all clips: of a truncated one it sums coefficients. Its
    eigenvalues are singular values; beyond the first 4 here, some are of negative eigenvalues.

        import graphlearning as gl, numpy as np
        vectors = np.random.default_rng(0).standard_normal((30, 3)).astype(np.float32)
        graph = gl.graph(gl.weightmatrix.knn(vectors.astype(float), 15))
        values, v = graph.eigen_decomp(normalization="normalized", k=4)
        p = np.random.default_rng(1).dirichlet(np.ones(4), 30)
        al, every, c = gl.active_learning, np.arange(30), np.diag(1 / (values + 0.001))
        print(graph.degree_vector()[:5], values)
        for f in [al.var_opt(c, v), al.sigma_opt(v @ c @ v.T), al.model_change(c, v),
                  al.model_change_var_opt(c, v)]:
            f.update([3, 17], None)
            print(f.compute(p, every)[::6])
    """
    vectors = np.random.default_rng(0).standard_normal((30, 3)).astype(np.float32)
    graph = neighbor_graph(vectors)
    degrees = [3.40087213, 3.24061421, 2.81532653, 4.67953901, 1.36827074]
    assert_allclose(graph.sum(axis=1)[:5], degrees, rtol=1e-7)
    spectrum = leading_eigenpairs(graph, 4, seed=0)
    values = [0, 0.14493964, 0.29207577, 0.60341063]
    assert_allclose(spectrum.eigenvalues, values, atol=1e-8)
    p = np.sort(np.random.default_rng(1).dirichlet(np.ones(4), 30))
    uncertainties = (1 - (p[:, -1] - p[:, -2])).astype(np.float32)
    asked = GraphSituation(spectrum, np.array([3, 17]), np.arange(30), uncertainties)
    expected = {
        V_OPT: [12.273786219, 11.597269922, 8.85281138, 0.216637816, 8.740872341],
        SIGMA_OPT: [207.174096434, 179.265493077, 150.6113759, 0.22928145, 127.944641477],
        MODEL_CHANGE: [2.129237134, 3.010395074, 7.831118396, 2.6450473, 1.848210384],
        MCV_OPT: [4.860579985, 10.587146404, 5.279710209, 0.182941144, 6.774442266],
    }
    for function, scores in expected.items():
        assert_allclose(graph_scores(function, asked)[::6], scores, rtol=1e-6)
