"""Rounds, heads and predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from aloe.client.types.calls import InputFailure, InputWarnings
from aloe.client.types.head_maps import HeadMap
from aloe.values.labels import Label, LabelMode, LabelSet
from aloe.values.recipes import HeadRecipe
from aloe.values.representations import Representation
from aloe.values.states import ClipState
from aloe.values.stopping import StopAdvice
from aloe.wire.arrays import Float32Array


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """How well probabilities of several labels a clip tell each class, where it is known of it."""

    mean_average_precision: float | None
    """Over the classes that have one; None without any."""
    mean_roc_auc: float | None
    """Likewise."""
    average_precisions: tuple[float, ...]
    """One per class; NaN for a class that no clip is of."""
    roc_aucs: tuple[float, ...]
    """Areas under the receiver's curve; NaN where all clips are of the class, or none is."""
    f1s: tuple[float, ...]
    """At the thresholds; NaN where no clip is of the class or predicted to be."""
    thresholds: tuple[float, ...]
    """From which probability on a clip is predicted to be of a class."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well a head does on labeled clips."""

    clip_count: int
    accuracy: float
    """Of several labels a clip, of all that is known of clips and classes."""
    macro_f1: float
    class_recalls: tuple[float, ...]
    """One per class; NaN for a class with no clip."""
    loss: float
    calibration_error: float | None
    """Expected calibration error, 15 bins; None in evaluations of older versions, and of several
    labels a clip."""
    label_figures: LabelFigures | None = None
    """Of several labels a clip."""


@dataclass(frozen=True, slots=True)
class AccuracyEstimate:
    """How often a head is right on clips like those of the pool, without validation labels."""

    value: float
    """0 to 1."""
    low: float
    high: float
    """Of an interval that is meant to hold the truth 95 times of 100."""
    label_count: int
    """Labels that were held out for it."""
    audit_label_count: int
    """Those of them that were drawn at random."""
    intercept: float
    slope: float
    """A prediction for an unanswered clip is right with probability
    sigmoid(intercept + slope log(p1 / (1 - p1))), p1 the largest probability of a clip, of which
    0.999999 at most counts."""


@dataclass(frozen=True, slots=True, eq=False)
class PoolPredictions:
    """What a head makes of some clips of its pool, in the pool's order."""

    clip_ids: tuple[str, ...]
    clip_numbers: NDArray[np.int64]
    """(n_clips,) int64, their places in the order of import, ascending."""
    probabilities: Float32Array
    """(n_clips, n_classes) float32"""
    classes: tuple[str, ...]
    """Of the columns."""
    label_classes: tuple[str, ...]
    """Classes that labels are of, retired ones among them."""
    states: tuple[ClipState, ...]
    """Of the clips in the task when the call began."""
    label_indices: NDArray[np.int64]
    """(n_clips,) int64, the labels that they had then, of `label_classes`; -1 for none, and where a
    clip may have several."""
    accepted: NDArray[np.bool_] | None
    """(n_clips,) bool; None where it was not asked what to accept."""
    head_version: int
    clip_count: int
    """Clips of all blocks together, as of the beginning."""
    expected_error: float | None
    """Which part of all that is accepted may be wrong; None without any."""
    thresholds: tuple[float, ...] = ()
    """Of several labels a clip: from which probability on it is predicted to be of a class."""
    known_labels: tuple[LabelSet, ...] = ()
    """Of several labels a clip: those that each had then; empty of one without."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The most probable class of each clip."""
        return tuple(self.classes[index] for index in self.probabilities.argmax(axis=1).tolist())

    @property
    def label_sets(self) -> tuple[LabelSet, ...]:
        """Of several labels a clip: the classes that each is predicted to be of."""
        return predicted_sets(self.probabilities, self.classes, self.thresholds)


def predicted_sets(
    probabilities: Float32Array, classes: Sequence[str], thresholds: Sequence[float]
) -> tuple[LabelSet, ...]:
    """Return the classes whose probability, (n, n_classes) float32, reaches their threshold."""
    is_positive = probabilities >= np.array(thresholds)
    return tuple(
        LabelSet(tuple(name for name, is_in in zip(classes, row, strict=True) if is_in))
        for row in is_positive.tolist()
    )


@dataclass(frozen=True, slots=True)
class PromotedHead:
    """A head that has, or had, a name."""

    version: int
    promote_time: datetime


@dataclass(frozen=True, slots=True)
class Promotion:
    """A name that production asks for, and the head that has it."""

    promotion_id: str
    head: PromotedHead
    earlier: tuple[PromotedHead, ...]
    """Those that had it before, the latest first."""


@dataclass(frozen=True, slots=True)
class HeadTimes:
    """How long the server that answered has worked with a head after its round.

    None for work that another replica did. Nothing of it is stored: a restart forgets it.
    """

    publishing_duration: timedelta | None
    """Storing the head with its round."""
    scoring_duration: timedelta | None
    """Passes of queries over unlabeled clips that the round has not scored."""
    selection_duration: timedelta | None
    """Picking clips by score."""


@dataclass(frozen=True, slots=True)
class LabelOrigins:
    """Labels that a head was trained on, counted."""

    by_class: tuple[int, ...]
    """Of each class of the head, in order; of several labels a clip those that say that it is of
    the class."""
    by_oracle: dict[str, int]
    """Most first; those that were imported are of an empty one."""


@dataclass(frozen=True, slots=True)
class HeadBackup:
    """A head with its map and round, as messages of aloe.v1: what is needed to restore it."""

    version: int
    map_name: str
    """Empty where it reads the embeddings themselves."""
    head: bytes
    """aloe.v1.Head, without its map."""
    map: bytes
    """aloe.v1.HeadMap, the same for all heads that read it; empty without one."""
    round: bytes = b""
    """aloe.v1.Round"""


@dataclass(frozen=True, slots=True)
class Round:
    """What happened between two head versions."""

    head_version: int
    label_count: int
    validation: Evaluation | None
    test: Evaluation | None
    start_time: datetime
    training_duration: timedelta
    evaluation_duration: timedelta
    training_loss: float
    prediction_agreement: float | None
    """Cohen's kappa of this head's predictions and those of the one before, on the train clips that
    had no answer when the round began. Kept where the stopping rule looks at the pool; None for the
    first head."""
    mean_uncertainty: float | None
    """Mean of 1 - p1 over the same clips, p1 the largest probability of a clip; kept likewise."""
    statistics_duration: timedelta | None
    """Of judging those clips, and of estimating accuracy; None without either."""
    store_duration: timedelta | None
    """Of reading the log, the pool and the head before; None in rounds of older versions."""
    head_times: HeadTimes
    stop_advice: StopAdvice | None
    """What the task's stopping rule, as it is now, says at this head; None without a rule."""
    accuracy_estimate: AccuracyEstimate | None
    """None where the task wants none, below 30 labels, where all clips were answered when the round
    began, and in rounds of older versions."""
    head_recipe: HeadRecipe | None
    """How the head was trained; None where an older server answered."""
    map_name: str = ""
    """Of the pool's map that the head reads, with its kind and version: "kernel.2.0f3b5c..."; empty
    for the embedding itself, and in rounds of older versions."""
    classes: tuple[str, ...] = ()
    """Those of the head, by their names now, in the order of class_recalls."""
    label_origins: LabelOrigins | None = None
    """Of a head that came from a backup, if they were known; of others the log tells."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a head makes of some inputs: row i belongs to input i, whatever became of the others."""

    probabilities: Float32Array
    """(n_inputs, n_classes); NaN where the input failed."""
    labels: tuple[str | None, ...]
    """The most probable class; None where the input failed."""
    classes: tuple[str, ...]
    """Empty where no input could be read."""
    head_versions: tuple[int, ...]
    """The head that each input was given to: many take several calls, and a new head may come in
    between. 0 for one that could not be read."""
    failures: tuple[InputFailure, ...] = ()
    """By index."""
    warnings: tuple[InputWarnings, ...] = ()
    """By index."""
    accepted: tuple[bool, ...] | None = None
    """Whether each input's prediction is accepted; None without max_expected_error."""
    expected_error: float | None = None
    """Part of the accepted predictions that is expected to be wrong; None without any."""
    label_sets: tuple[LabelSet | None, ...] | None = None
    """Of several labels a clip: the classes that each input is predicted to be of, None where it
    failed. None of one label a clip."""

    @property
    def answers(self) -> tuple[Label | None, ...]:
        """What is predicted: a class, or of several labels a clip a set; None where it failed."""
        return self.labels if self.label_sets is None else self.label_sets

    @property
    def head_version(self) -> int:
        """The newest head that predicted."""
        return max(self.head_versions, default=0)


@dataclass(frozen=True, slots=True)
class Head:
    """A linear classifier: softmax(x @ weights + biases), of what x it reads of a clip.

    Of several labels a clip it is the sigmoid of each instead.
    """

    task_id: str
    version: int
    weights: Float32Array
    """(dim, n_classes)"""
    biases: Float32Array
    """(n_classes,)"""
    classes: tuple[str, ...]
    encoder_id: str
    encoder_fingerprint: str
    label_count: int
    head_recipe: HeadRecipe
    seed: int
    representation: Representation
    map_name: str
    """Of the pool's map that it reads; empty for the embedding itself."""
    map: HeadMap | None = None
    """That map; None for the embedding itself."""
    label_mode: LabelMode = LabelMode.SINGLE
    thresholds: tuple[float, ...] = ()
    """Of several labels a clip: from which probability on it is predicted to be of a class."""

    def probabilities(self, embeddings: Float32Array) -> Float32Array:
        """Return class probabilities, (n, n_classes) float32, of embeddings, (n, embedding_dim)."""
        read = embeddings if self.map is None else self.map.map(embeddings)
        logits = read.astype(np.float64) @ self.weights + self.biases
        if self.label_mode is LabelMode.MULTIPLE:
            return np.asarray(0.5 + 0.5 * np.tanh(logits / 2), np.float32)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float32)
