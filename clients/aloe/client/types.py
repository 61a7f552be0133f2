"""What the clients take and return: plain values, numpy arrays, no protobuf."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pcm:
    """Raw samples."""

    samples: NDArray[np.float32] | NDArray[np.int16]
    """(n_samples,) or (n_samples, n_channels); float32 in [-1, 1], or int16."""
    sample_rate_hz: int


Audio = bytes | Path | Pcm
"""A recording: the bytes of a file, a file to read, or raw samples."""


class Split(Enum):
    """What a clip is to a task."""

    TRAIN = "train"
    """Open to queries; its label trains the head."""
    VALIDATION = "validation"
    """Watched each round; never queried."""
    TEST = "test"
    """Measures the result; never queried."""


class AcquisitionFunction(Enum):
    """Class probabilities to informativeness; p1 and p2 are the two largest."""

    SMALLEST_MARGIN = "margin"
    """-(p1 - p2)"""
    LARGEST_MARGIN = "largest_margin"
    """1 - (p1 - smallest p)"""
    LEAST_CONFIDENCE = "least_confidence"
    """1 - p1"""
    ENTROPY = "entropy"
    """-sum p log p"""
    NORM = "norm"
    """Distance of p from the one-hot vector of its largest entry."""
    RANDOM = "random"
    """Uniform, seeded."""
    MARGIN_LOGITS = "margin_logits"
    """SMALLEST_MARGIN on logits, as the paper's code has it."""


class SelectionRule(Enum):
    """How a batch is picked by score."""

    CLASS_AWARE = "class-aware"
    """The best clip of each predicted class in turn."""
    CLASS_AGNOSTIC = "class-agnostic"
    """The best clips, whatever they are predicted to be."""


class PoolState(Enum):
    """Whether a task has clips to ask for."""

    OPEN = "open"
    ALL_LEASED = "all_leased"
    """Every clip left is held by an oracle; ask again later."""
    EXHAUSTED = "exhausted"
    """Every clip is answered."""
    BUDGET_SPENT = "budget_spent"
    """The label budget is spent, or reserved by leases."""
    ORACLE_LIMIT = "oracle_limit"
    """The oracle that asks holds as many clips as it may."""


@dataclass(frozen=True, slots=True)
class QueryStrategy:
    """Which clips are asked first."""

    acquisition_function: AcquisitionFunction = AcquisitionFunction.SMALLEST_MARGIN
    selection_rule: SelectionRule = SelectionRule.CLASS_AWARE


@dataclass(frozen=True, slots=True)
class AdamRecipe:
    """Mini-batch Adam from a Glorot-uniform start, as in the paper."""

    learning_rate: float = 0.001
    epoch_count: int = 100
    batch_size: int = 32


@dataclass(frozen=True, slots=True)
class LbfgsRecipe:
    """L-BFGS on the mean cross-entropy plus l2_penalty / 2 times the squared weights."""

    l2_penalty: float = 0.001


HeadRecipe = AdamRecipe | LbfgsRecipe


@dataclass(frozen=True, slots=True)
class Encoder:
    """A frozen network that turns audio into embeddings."""

    encoder_id: str
    fingerprint: str
    """Equal fingerprints mean comparable embeddings."""
    embedding_dim: int
    sample_rate_hz: int
    length_policy: str
    max_clip_duration: timedelta


@dataclass(frozen=True, slots=True)
class Embeddings:
    """What Embed returns."""

    values: Float32Array
    """(n_clips, embedding_dim)"""
    fingerprint: str
    durations: tuple[timedelta, ...]


@dataclass(frozen=True, slots=True)
class Pool:
    """Clips and their embeddings under one encoder."""

    pool_id: str
    encoder_id: str
    encoder_fingerprint: str
    embedding_dim: int
    keep_audio: bool
    clip_count: int
    create_time: datetime


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording of a pool."""

    clip_id: str
    uri: str
    duration: timedelta | None
    """None where it is not known."""
    content_hash: str
    """Of what it was imported from."""


@dataclass(frozen=True, slots=True)
class EmbeddedPoolClip:
    """A clip of a pool with its embedding."""

    clip: Clip
    embedding: Float32Array
    """(embedding_dim,)"""


@dataclass(frozen=True, slots=True)
class NewClip:
    """A clip to import: its audio, or its embedding, or a URI that the server may read."""

    clip_id: str
    audio: Audio | None = None
    embedding: Float32Array | None = None
    """(embedding_dim,)"""
    uri: str = ""
    duration: timedelta | None = None
    """With an embedding: how long the recording is, where that is known."""
    content_hash: str = ""
    """With an embedding: that of the clip it was exported from, if it was."""


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One wrong field of a request."""

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class ClipFailure:
    """Why one clip of an import could not be taken."""

    clip_id: str
    reason: str
    """An ErrorReason, such as "INVALID_INPUT"."""
    message: str
    violations: tuple[FieldViolation, ...] = ()


@dataclass(frozen=True, slots=True)
class EmbeddedClip:
    """What became of one clip of embed_stream."""

    key: str
    """The key it was given with."""
    embedding: Float32Array | None
    """(embedding_dim,); None where the clip failed."""
    duration: timedelta | None
    """As decoded; None where the clip failed."""
    failure: ClipFailure | None
    """Why there is no embedding; its clip_id is the key."""


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What became of an import."""

    imported_count: int
    existing_count: int
    failures: tuple[ClipFailure, ...]


@dataclass(frozen=True, slots=True)
class ClipCounts:
    """How many of a task's clips are in which state."""

    unlabeled: int
    leased: int
    labeled: int
    abstained: int
    validation: int
    test: int
    budget_spent: int


@dataclass(frozen=True, slots=True)
class Task:
    """One classification problem on the clips of a pool."""

    task_id: str
    pool_id: str
    classes: tuple[str, ...]
    query_strategy: QueryStrategy
    head_recipe: HeadRecipe
    label_budget: int | None
    lease_duration: timedelta
    seed: int
    head_version: int
    """Version of the newest head; 0 before the first."""
    training_head_version: int | None
    """Version of the head in training, if one is."""
    clip_counts: ClipCounts
    pool_state: PoolState
    create_time: datetime
    max_leases_per_oracle: int | None
    """Clips that one oracle may hold at a time; None for no limit."""


@dataclass(frozen=True, slots=True)
class KnownLabel:
    """A label that is known already: a seed label, or that of a validation or test clip."""

    clip_id: str
    label: str | None
    """None for an abstention."""
    split: Split = Split.TRAIN
    oracle_id: str = ""
    """Who gave it, where that is known."""
    label_time: datetime | None = None
    """When it was given, where that is known."""


@dataclass(frozen=True, slots=True)
class ImportLabelsResult:
    """What became of imported labels."""

    changed_count: int
    head_version: int | None
    """The head that will contain the seed labels, if one will."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One oracle's exclusive, expiring hold on a clip."""

    lease_id: str
    clip_id: str
    uri: str
    expire_time: datetime
    predicted_class: str
    """Empty without a head."""
    score: float | None


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The clips to label, the most informative one first."""

    leases: tuple[Lease, ...]
    pool_state: PoolState
    head_version: int
    """The head that ranked them; 0 for none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An oracle's answer for one clip."""

    lease_id: str
    label: str | None
    """One of the task's classes; None abstains."""
    retracted: bool = False
    """Instead of a label: what was answered under this lease is taken back."""


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """What became of submitted answers."""

    head_version: int | None
    """The head that will contain them, if one will."""
    label_count: int


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a head makes of some clips."""

    probabilities: Float32Array
    """(n_clips, n_classes)"""
    labels: tuple[str, ...]
    classes: tuple[str, ...]
    head_version: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well a head does on labeled clips."""

    clip_count: int
    accuracy: float
    macro_f1: float
    class_recalls: tuple[float, ...]
    """One per class; NaN for a class with no clip."""
    loss: float


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


@dataclass(frozen=True, slots=True)
class TaskUpdate:
    """A task as WatchTask tells it."""

    task: Task
    last_round: Round | None


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """A label as the task keeps it."""

    clip_id: str
    uri: str
    label: str | None
    """None for an abstention."""
    split: Split
    oracle_id: str
    """Empty for imported labels."""
    label_time: datetime


class EventKind(Enum):
    """What happened to a task."""

    TASK_CREATED = "task_created"
    TASK_UPDATED = "task_updated"
    CLIPS_LEASED = "clips_leased"
    LEASES_RENEWED = "leases_renewed"
    LEASES_RELEASED = "leases_released"
    LEASES_EXPIRED = "leases_expired"
    CLIPS_ANSWERED = "clips_answered"
    LABELS_IMPORTED = "labels_imported"
    HEAD_TRAINED = "head_trained"


class ClipState(Enum):
    """What a clip is to a task at a moment."""

    UNLABELED = "unlabeled"
    LEASED = "leased"
    LABELED = "labeled"
    ABSTAINED = "abstained"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class ClipChange:
    """What became of one clip in an event."""

    clip_id: str
    state: ClipState
    label: str | None
    """Its class after the event."""
    lease_id: str
    score: float | None
    """CLIPS_LEASED: what it was ranked by."""


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """Something that happened to a task; its state follows from all of them."""

    event_id: str
    event_time: datetime
    kind: EventKind
    oracle_id: str
    """Empty where it was nobody's doing."""
    changes: tuple[ClipChange, ...]
    head_version: int
    """HEAD_TRAINED: the head's. CLIPS_LEASED: of the head that ranked, 0 for none."""
    query_strategy: str
    """CLIPS_LEASED: by which strategy."""


@dataclass(frozen=True, slots=True)
class Head:
    """A linear softmax classifier: softmax(embedding @ weights + biases)."""

    task_id: str
    version: int
    weights: Float32Array
    """(embedding_dim, n_classes)"""
    biases: Float32Array
    """(n_classes,)"""
    classes: tuple[str, ...]
    encoder_id: str
    encoder_fingerprint: str
    label_count: int
    head_recipe: HeadRecipe
    seed: int


@dataclass(frozen=True, slots=True)
class ClipAudio:
    """A recording to be heard."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """How calls are made."""

    timeout: timedelta = timedelta(seconds=30)
    """Deadline of a call, its retries included."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Sent with every call."""
    max_message_bytes: int = 64 * 1024 * 1024
