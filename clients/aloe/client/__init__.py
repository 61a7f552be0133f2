"""The typed clients of the learner and the embedding service: numpy and dataclasses, no protobuf.

    with connect("127.0.0.1:50062") as client:
        client.create_pool("greetings")

`connect` and `connect_embedding` are for blocking code, the same with `_async` for asyncio.
Connecting is lazy: a server that is away is noticed by the first call.
"""

from aloe.client.asyncio.embedding import AsyncEmbeddingClient
from aloe.client.asyncio.learner import AsyncLearnerClient
from aloe.client.blocking.embedding import EmbeddingClient
from aloe.client.blocking.learner import LearnerClient
from aloe.client.errors import (
    Aborted,
    AloeError,
    AlreadyExists,
    DataLoss,
    DeadlineExceeded,
    EncoderMismatch,
    FailedPrecondition,
    HeadNotTrained,
    Internal,
    InvalidArgument,
    LeaseLost,
    NotFound,
    Overloaded,
    ResourceExhausted,
    Unavailable,
)
from aloe.client.operations.operation import Listing
from aloe.client.operations.tasks import UNCHANGED, Unchanged
from aloe.client.settings_text import (
    head_recipe_forms,
    head_recipe_text,
    parse_head_recipe,
    parse_stopping_rule,
    stopping_rule_forms,
    stopping_rule_text,
)
from aloe.client.types import (
    AccuracyEstimate,
    AcquisitionFunction,
    AdamRecipe,
    AllOfRules,
    Answer,
    AnyOfRules,
    Audio,
    AudioProblem,
    AudioReport,
    AudioWarning,
    ChannelRule,
    Clip,
    ClipAudio,
    ClipChange,
    ClipCounts,
    ClipFailure,
    ClipState,
    ClipWarnings,
    ConnectOptions,
    Decoding,
    DeletedClips,
    Duplicate,
    DuplicateRule,
    EmbeddedClip,
    EmbeddedPoolClip,
    Embeddings,
    Encoder,
    Evaluation,
    EventKind,
    FieldViolation,
    Float32Array,
    Head,
    HeadRecipe,
    HeadTimes,
    ImportLabelsResult,
    ImportSummary,
    InputFailure,
    InputWarnings,
    KnownLabel,
    LabelCountRule,
    LbfgsRecipe,
    Lease,
    LogisticRecipe,
    NewClip,
    Pcm,
    PlainRule,
    PlateauRule,
    Pool,
    PoolState,
    Predictions,
    QueryResult,
    QueryStrategy,
    Recording,
    Representation,
    Round,
    SelectionRule,
    Split,
    StablePredictionsRule,
    StopAdvice,
    StoppingRule,
    StopReason,
    StopVerdict,
    StoredLabel,
    SubmitResult,
    Task,
    TaskEvent,
    TaskUpdate,
    UncertaintyRule,
)

__all__ = [
    "UNCHANGED",
    "Aborted",
    "AccuracyEstimate",
    "AcquisitionFunction",
    "AdamRecipe",
    "AllOfRules",
    "AloeError",
    "AlreadyExists",
    "Answer",
    "AnyOfRules",
    "AsyncEmbeddingClient",
    "AsyncLearnerClient",
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
    "DataLoss",
    "DeadlineExceeded",
    "Decoding",
    "DeletedClips",
    "Duplicate",
    "DuplicateRule",
    "EmbeddedClip",
    "EmbeddedPoolClip",
    "EmbeddingClient",
    "Embeddings",
    "Encoder",
    "EncoderMismatch",
    "Evaluation",
    "EventKind",
    "FailedPrecondition",
    "FieldViolation",
    "Float32Array",
    "Head",
    "HeadNotTrained",
    "HeadRecipe",
    "HeadTimes",
    "ImportLabelsResult",
    "ImportSummary",
    "InputFailure",
    "InputWarnings",
    "Internal",
    "InvalidArgument",
    "KnownLabel",
    "LabelCountRule",
    "LbfgsRecipe",
    "LearnerClient",
    "Lease",
    "LeaseLost",
    "Listing",
    "LogisticRecipe",
    "NewClip",
    "NotFound",
    "Overloaded",
    "Pcm",
    "PlainRule",
    "PlateauRule",
    "Pool",
    "PoolState",
    "Predictions",
    "QueryResult",
    "QueryStrategy",
    "Recording",
    "Representation",
    "ResourceExhausted",
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
    "Unavailable",
    "UncertaintyRule",
    "Unchanged",
    "connect",
    "connect_async",
    "connect_embedding",
    "connect_embedding_async",
    "head_recipe_forms",
    "head_recipe_text",
    "parse_head_recipe",
    "parse_stopping_rule",
    "stopping_rule_forms",
    "stopping_rule_text",
]

_DEFAULT_OPTIONS = ConnectOptions()


def connect(target: str, options: ConnectOptions = _DEFAULT_OPTIONS) -> LearnerClient:
    """Return a client of the learner service at "host:port", of `aloe up` "127.0.0.1:50062"."""
    return LearnerClient(target, options)


def connect_async(target: str, options: ConnectOptions = _DEFAULT_OPTIONS) -> AsyncLearnerClient:
    """Return an asyncio client of the learner service at "host:port"; call it in the event loop."""
    return AsyncLearnerClient(target, options)


def connect_embedding(target: str, options: ConnectOptions = _DEFAULT_OPTIONS) -> EmbeddingClient:
    """Return a client of the embedding service at "host:port", of `aloe up` "127.0.0.1:50061"."""
    return EmbeddingClient(target, options)


def connect_embedding_async(
    target: str, options: ConnectOptions = _DEFAULT_OPTIONS
) -> AsyncEmbeddingClient:
    """Return an asyncio client of the embedding service at "host:port"; call it in the loop."""
    return AsyncEmbeddingClient(target, options)
