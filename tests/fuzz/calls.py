"""Calls to every RPC of both services: garbage, damaged messages, any values, broken streams."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from tests.fuzz.messages import Maker
from tests.fuzz.mutations import mutated

from aloe.v1 import embedding_service_pb2, head_pb2, labeling_pb2, learner_service_pb2, pool_pb2

LEARNER = learner_service_pb2.DESCRIPTOR.services_by_name["LearnerService"]
EMBEDDING = embedding_service_pb2.DESCRIPTOR.services_by_name["EmbeddingService"]
HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"]
REFLECTION = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
METHODS: tuple[Any, ...] = tuple(
    method
    for service, weight in ((LEARNER, 1), (EMBEDDING, 3), (HEALTH, 1), (REFLECTION, 1))
    for method in service.methods
    for _ in range(weight)
)
TIMEOUT_S = 20.0
_NESTED = 20_000
_MAX_GARBAGE_BYTES = 2_000
_BY_METHOD = {method.name: method for method in METHODS}


@dataclass(frozen=True, slots=True)
class Call:
    """A call to make."""

    kind: str
    method: Any
    messages: tuple[bytes, ...]
    """One, or those of a stream."""
    timeout_s: float = TIMEOUT_S
    cancel_after_s: float | None = None


class CallMaker:
    """Makes calls, the same ones for a seed."""

    def __init__(
        self,
        generator: random.Random,
        tame_texts: Callable[[Any], Mapping[str, Sequence[str]]],
    ) -> None:
        self._generator = generator
        self._makers = {
            (method.full_name, wildness): Maker(generator, tame_texts(method), wildness=wildness)
            for method in METHODS
            for wildness in (0.0, 0.05, 0.5)
        }
        self._kinds: list[tuple[Callable[[Any], Call], int]] = [
            (self._made, 50),
            (self._garbage, 15),
            (self._damaged, 20),
            (self._hurried, 8),
            (self._broken_stream, 7),
        ]

    def next(self) -> Call:
        """Make a call of any kind to any method."""
        makes, weights = zip(*self._kinds, strict=True)
        make: Callable[[Any], Call] = self._generator.choices(makes, weights)[0]
        return make(self._generator.choice(METHODS))

    def huge(self, number: int) -> Call:
        """Make a call of many megabytes."""
        name, request = _HUGE[number % len(_HUGE)]
        method = _BY_METHOD[name]
        return Call("huge", method, (request(),), timeout_s=3 * TIMEOUT_S)

    def _message(self, method: Any) -> bytes:
        wildness = self._generator.choice([0.0, 0.05, 0.5])
        message = self._makers[method.full_name, wildness].make(method.input_type)
        return message.SerializeToString()

    def _stream(self, method: Any, message: bytes) -> tuple[bytes, ...]:
        if not method.client_streaming:
            return (message,)
        count = self._generator.choice([0, 1, 1, 2, 3])
        return (message, *(self._message(method) for _ in range(count)))[: count or 1]

    def _made(self, method: Any) -> Call:
        return Call("made", method, self._stream(method, self._message(method)))

    def _garbage(self, method: Any) -> Call:
        return Call("garbage", method, self._stream(method, self._no_message()))

    def _no_message(self) -> bytes:
        rng = self._generator
        return rng.choice(
            [
                lambda: rng.randbytes(rng.randrange(1, _MAX_GARBAGE_BYTES)),
                lambda: bytes([rng.randrange(128) << 3 & 0x7F]) + b"\xff" * rng.randrange(1, 12),
                # A string of invalid UTF-8, in the first field.
                lambda: b"\x0a\x04\xff\xfe\xc0\x80",
                lambda: b"\x0a\xff\xff\xff\xff\x07" + b"x" * rng.randrange(100),
                lambda: _nested(rng.randrange(1, 3), rng.randrange(10, _NESTED)),
                lambda: bytes([rng.randrange(1, 6) << 3 | 3]) * rng.randrange(1, 200),
            ]
        )()

    def _damaged(self, method: Any) -> Call:
        originals = [self._message(method), self._message(method)]
        return Call("damaged", method, self._stream(method, mutated(self._generator, originals)))

    def _hurried(self, method: Any) -> Call:
        messages = self._stream(method, self._message(method))
        if self._generator.random() < 0.5:
            return Call("deadline", method, messages, timeout_s=0.001)
        return Call("cancelled", method, messages, cancel_after_s=self._generator.random() / 100)

    def _broken_stream(self, _: Any) -> Call:
        method = self._generator.choice([each for each in METHODS if each.client_streaming])
        good = self._makers[method.full_name, 0.0].make(method.input_type).SerializeToString()
        return Call("broken stream", method, (good, self._no_message(), good))


def _nested(field_number: int, depth: int) -> bytes:
    """Return messages in messages."""
    content = b""
    for _ in range(depth):
        if len(content) > 10_000:
            break
        content = bytes([field_number << 3 | 2]) + _varint(len(content)) + content
    return content


def _varint(number: int) -> bytes:
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def _repeated(make: Callable[[], Message], field: str, value: Any, count: int) -> bytes:
    """Return a message with a value many times in a field, made of one part many times."""
    empty, one = make(), make()
    repeated = getattr(one, field)
    repeated.add().CopyFrom(value) if isinstance(value, Message) else repeated.append(value)
    head = empty.SerializeToString()
    return head + one.SerializeToString()[len(head) :] * count


def _matrix() -> bytes:
    request = head_pb2.PredictRequest(task="tasks/fuzz-0")
    request.embeddings.values = bytes(4 * 8 * 500_000)
    request.embeddings.row_count, request.embeddings.column_count = 500_000, 8
    return request.SerializeToString()


def _leases(kind: type[Any]) -> Callable[[], bytes]:
    return lambda: _repeated(
        lambda: kind(task="tasks/fuzz-0", oracle_id="ann"), "lease_ids", "no-lease", 2_000_000
    )


def _empty(name: str) -> Message:
    message: Message = GetMessageClass(_BY_METHOD[name].input_type)()
    return message


_HUGE: list[tuple[str, Callable[[], bytes]]] = [
    ("ReleaseLeases", _leases(labeling_pb2.ReleaseLeasesRequest)),
    ("RenewLeases", _leases(labeling_pb2.RenewLeasesRequest)),
    (
        "SubmitLabels",
        lambda: _repeated(
            lambda: labeling_pb2.SubmitLabelsRequest(task="tasks/fuzz-0", oracle_id="ann"),
            "answers",
            labeling_pb2.Answer(lease_id="no-lease", label="yes"),
            1_000_000,
        ),
    ),
    (
        "ImportLabels",
        lambda: _repeated(
            lambda: labeling_pb2.ImportLabelsRequest(task="tasks/fuzz-0"),
            "labels",
            labeling_pb2.KnownLabel(clip="pools/fuzz/clips/clip-0001", label="yes"),
            1_000_000,
        ),
    ),
    (
        "ImportClips",
        lambda: _repeated(
            lambda: pool_pb2.ImportClipsRequest(pool="pools/fuzz"),
            "clips",
            pool_pb2.NewClip(clip_id="/"),
            1_000_000,
        ),
    ),
    (
        "DeleteClips",
        lambda: _repeated(
            lambda: pool_pb2.DeleteClipsRequest(pool="pools/fuzz"), "names", "x", 5_000_000
        ),
    ),
    ("Predict", _matrix),
    ("GetTask", lambda: b"\x0a\x80\x80\x80\x1e" + b"x" * (60 << 20)),
    # More than gRPC takes.
    ("GetPool", lambda: b"\x0a\x80\x80\x80\x28" + b"x" * (80 << 20)),
    ("Embed", lambda: _repeated(lambda: _empty("Embed"), "clips", _clip(), 1_000_000)),
]


def _clip() -> Message:
    return embedding_service_pb2.EmbedRequest(clips=[{}]).clips[0]  # type: ignore[list-item]
