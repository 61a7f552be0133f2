"""What the clients take and return: plain values, numpy arrays, no protobuf."""

from aloe.client.types.audio import (
    Audio,
    ClipAudio,
    EmbeddedClip,
    Embeddings,
    Encoder,
    Pcm,
    Recording,
)
from aloe.client.types.calls import ClipFailure, ConnectOptions, FieldViolation
from aloe.client.types.history import ClipChange, TaskEvent
from aloe.client.types.labeling import (
    Answer,
    ImportLabelsResult,
    KnownLabel,
    Lease,
    QueryResult,
    StoredLabel,
    SubmitResult,
)
from aloe.client.types.learning import Evaluation, Head, HeadTimes, Predictions, Round
from aloe.client.types.pools import (
    Clip,
    ClipWarnings,
    EmbeddedPoolClip,
    ImportSummary,
    NewClip,
    Pool,
)
from aloe.client.types.tasks import ClipCounts, Task, TaskUpdate
from aloe.values.audio import (
    AudioProblem,
    AudioReport,
    AudioWarning,
    ChannelRule,
    Decoding,
)
from aloe.values.recipes import AdamRecipe, HeadRecipe, LbfgsRecipe
from aloe.values.states import ClipState, EventKind, PoolState, Split
from aloe.values.stopping import (
    AllOfRules,
    AnyOfRules,
    LabelCountRule,
    PlainRule,
    PlateauRule,
    StablePredictionsRule,
    StopAdvice,
    StoppingRule,
    StopReason,
    StopVerdict,
    UncertaintyRule,
)
from aloe.values.strategies import AcquisitionFunction, QueryStrategy, SelectionRule
from aloe.wire.arrays import Float32Array

__all__ = [
    "AcquisitionFunction",
    "AdamRecipe",
    "AllOfRules",
    "Answer",
    "AnyOfRules",
    "Audio",
    "AudioProblem",
    "AudioReport",
    "AudioWarning",
    "ChannelRule",
    "Clip",
    "ClipAudio",
    "ClipChange",
    "ClipCounts",
    "ClipFailure",
    "ClipState",
    "ClipWarnings",
    "ConnectOptions",
    "Decoding",
    "EmbeddedClip",
    "EmbeddedPoolClip",
    "Embeddings",
    "Encoder",
    "Evaluation",
    "EventKind",
    "FieldViolation",
    "Float32Array",
    "Head",
    "HeadRecipe",
    "HeadTimes",
    "ImportLabelsResult",
    "ImportSummary",
    "KnownLabel",
    "LabelCountRule",
    "LbfgsRecipe",
    "Lease",
    "NewClip",
    "Pcm",
    "PlainRule",
    "PlateauRule",
    "Pool",
    "PoolState",
    "Predictions",
    "QueryResult",
    "QueryStrategy",
    "Recording",
    "Round",
    "SelectionRule",
    "Split",
    "StablePredictionsRule",
    "StopAdvice",
    "StopReason",
    "StopVerdict",
    "StoppingRule",
    "StoredLabel",
    "SubmitResult",
    "Task",
    "TaskEvent",
    "TaskUpdate",
    "UncertaintyRule",
]
