"""Graph-based acquisition functions: how much a clip's label would tell about all clips.

With V the eigenvectors, v_k the row of clip k, C the covariance and d_k = gamma^2 + v_k' C v_k the
variance of its answer. Sums are over all clips, not only over those that may be asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from aloe.learner.domain.arrays import Float32Array, Float64Array, IntArray
from aloe.learner.domain.batches.situation import Picks
from aloe.learner.domain.graphs.covariance import NOISE, covariance_given
from aloe.learner.domain.graphs.spectrum import Spectrum
from aloe.values.strategies import AcquisitionFunction

_MOST_UPDATES = 2_000_000
"""Picks times candidates that are updated after them: half a second's work."""


@dataclass(frozen=True, slots=True, eq=False)
class GraphSituation:
    """What a graph-based function knows of the clips when it is asked.

    Rows are places among the clips that the spectrum was fitted on.
    """

    spectrum: Spectrum
    covered: IntArray
    """(l,) int64, rows: clips that are labeled, abstained or leased."""
    candidates: IntArray
    """(m,) int64, rows, ascending: the clips that may be asked for."""
    uncertainties: Float32Array
    """(m,) float32, of the candidates by the head: 1 - (p1 - p2), see batches.situation; 1 without
    a head."""


class Field:
    """What labels of some clips would tell, updated label by label."""

    def __init__(self, situation: GraphSituation) -> None:
        spectrum = situation.spectrum
        self._vectors = spectrum.eigenvectors[situation.candidates]
        self._sum = spectrum.eigenvectors.sum(axis=0)
        self._covariance = covariance_given(spectrum, situation.covered)
        products = self._vectors @ self._covariance
        self.uncertainties = situation.uncertainties
        """(m,) float32"""
        self.squared_norms: Float64Array = np.square(products).sum(axis=1)
        """(m,) float64: |C v|^2, the squared covariances with all clips, summed."""
        self.sums: Float64Array = products @ self._sum
        """(m,) float64: the covariances with all clips, summed."""
        self.variances: Float64Array = NOISE + (products * self._vectors).sum(axis=1)
        """(m,) float64: d, of an answer."""

    def observe(self, place: int) -> None:
        """Count the candidate at a place as answered: C becomes C - C v (C v)' / d."""
        column = self._covariance @ self._vectors[place]
        variance = NOISE + self._vectors[place] @ column
        both = np.stack([column, self._covariance @ column], axis=1)
        shared, again = (self._vectors @ both).T
        shares = shared / variance
        self.squared_norms += shares * (shares * (column @ column) - 2 * again)
        np.maximum(self.squared_norms, 0, out=self.squared_norms)
        self.sums -= shares * (self._sum @ column)
        self.variances -= shares * shared
        np.maximum(self.variances, NOISE, out=self.variances)
        self._covariance -= np.outer(column, column) / variance


def v_opt(field: Field) -> Float64Array:
    """|C v|^2 / d: by how much a label lowers the sum of all variances.

    Ji & Han, "A variance minimization criterion to active learning on graphs", 2012.
    """
    return field.squared_norms / field.variances


def sigma_opt(field: Field) -> Float64Array:
    """(sum of C v over all clips)^2 / d: by how much it lowers the sum of all covariances.

    Ma, Garnett & Schneider, "Sigma-optimality for active learning on Gaussian random fields", 2013.
    """
    return np.square(field.sums) / field.variances


def model_change(field: Field) -> Float64Array:
    """|C v| / d times u: by how much it moves the function on the graph where the head wavers.

    Miller & Bertozzi, "Model-change active learning in graph-based semi-supervised learning", 2021.
    """
    return field.uncertainties * np.sqrt(field.squared_norms) / field.variances


def mcv_opt(field: Field) -> Float64Array:
    """|C v|^2 / d times u: model change and variance in one (Miller & Bertozzi, 2021)."""
    return field.uncertainties * field.squared_norms / field.variances


GRAPH_FORMULAS: dict[AcquisitionFunction, Callable[[Field], Float64Array]] = {
    AcquisitionFunction.V_OPT: v_opt,
    AcquisitionFunction.SIGMA_OPT: sigma_opt,
    AcquisitionFunction.MODEL_CHANGE: model_change,
    AcquisitionFunction.MCV_OPT: mcv_opt,
}
"""Of every function that needs a graph."""


def unknown(function: AcquisitionFunction, situation: GraphSituation) -> float:
    """Return what the scores of a function are parts of: all that labels could tell.

    Of V_OPT and MCV_OPT that is the sum of all variances, of SIGMA_OPT that of all covariances; of
    MODEL_CHANGE it is 1, since its scores are parts of nothing.
    """
    if function is AcquisitionFunction.MODEL_CHANGE:
        return 1.0
    covariance = covariance_given(situation.spectrum, situation.covered)
    if function is AcquisitionFunction.SIGMA_OPT:
        sums = situation.spectrum.eigenvectors.sum(axis=0)
        return float(sums @ covariance @ sums) or 1.0
    # The eigenvectors are orthonormal.
    return float(np.trace(covariance)) or 1.0


def graph_scores(function: AcquisitionFunction, situation: GraphSituation) -> Float32Array:
    """Score each candidate by itself.

    Args:
        function: one of GRAPH_FORMULAS.
        situation: what is known.

    Returns:
        (m,) float32, 0 or more; higher asks first.
    """
    return GRAPH_FORMULAS[function](Field(situation)).astype(np.float32)


def graph_picks(function: AcquisitionFunction, situation: GraphSituation, count: int) -> Picks:
    """Pick a batch: the best candidate, then the best once that one has an answer, and so on.

    Of equals the earlier candidate. The first picks of a longer batch are those of a shorter one.
    Updating all candidates takes 5 ms for 20,000, so that of more picks than _MOST_UPDATES allows
    the rest follow by their scores as of then.

    Args:
        function: one of GRAPH_FORMULAS.
        situation: what is known.
        count: how many, if there are so many.

    Returns:
        Places among the candidates; a gain is a score when it was the best.
    """
    formula, field = GRAPH_FORMULAS[function], Field(situation)
    is_open = np.ones(len(situation.candidates), np.bool_)
    picks: list[int] = []
    scores: list[float] = []
    update_count = _MOST_UPDATES // max(len(is_open), 1)
    for _ in range(min(count, len(is_open), update_count)):
        current = np.where(is_open, formula(field), -np.inf)
        best = int(current.argmax())
        picks.append(best)
        scores.append(float(current[best]))
        is_open[best] = False
        field.observe(best)
    last = formula(field)
    rest = np.flatnonzero(is_open)
    rest = rest[np.argsort(-last[rest], kind="stable")][: max(count - len(picks), 0)]
    places = np.r_[np.array(picks, np.int64), rest]
    return Picks(places, np.r_[scores, last[rest]].astype(np.float32))
