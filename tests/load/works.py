"""The kinds of work that callers offer: raw calls, with as little work of their own as can be."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
import numpy as np

from aloe.client import KnownLabel, LearnerClient, NewClip, RecipeName
from aloe.v1 import audio_pb2, embedding_service_pb2, head_pb2, labeling_pb2, pool_pb2
from aloe.wire.arrays import encode_matrix

DIM = 16
CLASSES = ("no", "yes")
POOL, TASK, TRAINED_TASK, IMPORT_POOL = "overload", "asked", "trained", "imported"
_CLIP_COUNT = 200_000
_FINGERPRINT = "overload"
_LEARNER, _EMBEDDING = "/aloe.v1.LearnerService/", "/aloe.v1.EmbeddingService/"
_IMPORTED_CLIPS = 8

Call = Callable[[int, float], Awaitable[None]]
"""Does one piece of a caller's work within seconds; raises grpc.aio.AioRpcError."""


def prepare(client: LearnerClient) -> None:
    """Make the pools and tasks that the work needs: one to be asked, one with a head."""
    rng = np.random.default_rng(0)
    client.create_pool(POOL, encoder_fingerprint=_FINGERPRINT, embedding_dim=DIM)
    client.create_pool(IMPORT_POOL, encoder_fingerprint=_FINGERPRINT, embedding_dim=DIM)
    embeddings = rng.normal(size=(_CLIP_COUNT, DIM)).astype(np.float32)
    client.import_clips(POOL, (NewClip(f"c{n}", embedding=e) for n, e in enumerate(embeddings)))
    client.create_task(TASK, POOL, CLASSES, recipe=RecipeName.PAPER)
    client.create_task(TRAINED_TASK, POOL, CLASSES, recipe=RecipeName.PAPER)
    known = [KnownLabel(f"c{n}", CLASSES[n % 2]) for n in range(20)]
    version = client.import_labels(TRAINED_TASK, known).head_version
    client.predict(TRAINED_TASK, embeddings=embeddings[:1], min_head_version=version or 1)


def work(kind: str, learners: Sequence[Any], embeddings: Sequence[Any]) -> Call:
    """Return a kind of work on channels, which callers share in turn."""
    return _KINDS[kind](embeddings if kind == "embed" else learners)


def _predict(channels: Sequence[Any]) -> Call:
    request = head_pb2.PredictRequest(
        task=f"tasks/{TRAINED_TASK}", embeddings=encode_matrix(np.zeros((1, DIM), np.float32))
    ).SerializeToString()
    predict = [channel.unary_unary(f"{_LEARNER}Predict") for channel in channels]

    async def call(caller: int, timeout_s: float) -> None:
        await predict[caller % len(predict)](request, timeout=timeout_s)

    return call


def _label(channels: Sequence[Any]) -> Call:
    """Query and SubmitLabels; all answers are one class, so that no training runs beside."""
    pairs = [
        (channel.unary_unary(f"{_LEARNER}Query"), channel.unary_unary(f"{_LEARNER}SubmitLabels"))
        for channel in channels
    ]

    async def call(caller: int, timeout_s: float) -> None:
        query, submit = pairs[caller % len(pairs)]
        asks = labeling_pb2.QueryRequest(
            task=f"tasks/{TASK}", oracle_id=f"o{caller}", request_id=uuid.uuid4().hex
        )
        answer = await query(asks.SerializeToString(), timeout=timeout_s)
        leases = labeling_pb2.QueryResponse.FromString(answer).leases
        submits = labeling_pb2.SubmitLabelsRequest(
            task=f"tasks/{TASK}",
            oracle_id=f"o{caller}",
            answers=[
                labeling_pb2.Answer(lease_id=lease.lease_id, label=CLASSES[0]) for lease in leases
            ],
            request_id=uuid.uuid4().hex,
        )
        await submit(submits.SerializeToString(), timeout=timeout_s)

    return call


def _embed(channels: Sequence[Any]) -> Call:
    """A second of noise a call, new each time: nothing is answered from memory."""
    methods = [channel.unary_unary(f"{_EMBEDDING}Embed") for channel in channels]
    rng = np.random.default_rng()
    noise = rng.integers(-3_000, 3_000, size=2 * 16_000, dtype=np.int16)

    async def call(caller: int, timeout_s: float) -> None:
        begin = int(rng.integers(16_000))
        samples = noise[begin : begin + 16_000].copy()
        samples[:4] = rng.integers(-3_000, 3_000, size=4)
        pcm = audio_pb2.Pcm(
            samples=samples.tobytes(),
            sample_format=audio_pb2.SAMPLE_FORMAT_INT16,
            sample_rate_hz=16_000,
        )
        request = embedding_service_pb2.EmbedRequest(clips=[audio_pb2.Audio(pcm=pcm)])
        await methods[caller % len(methods)](request.SerializeToString(), timeout=timeout_s)

    return call


def _import(channels: Sequence[Any]) -> Call:
    """A stream with a few clips that came as embeddings."""
    methods = [channel.stream_unary(f"{_LEARNER}ImportClips") for channel in channels]
    rng = np.random.default_rng()

    async def call(caller: int, timeout_s: float) -> None:
        rows = rng.normal(size=(_IMPORTED_CLIPS, DIM)).astype(np.float32)
        message = pool_pb2.ImportClipsRequest(
            pool=f"pools/{IMPORT_POOL}",
            encoder_fingerprint=_FINGERPRINT,
            clips=[pool_pb2.NewClip(clip_id=uuid.uuid4().hex) for _ in range(_IMPORTED_CLIPS)],
            embeddings=encode_matrix(rows),
        )
        stream = iter([message.SerializeToString()])
        answer = await methods[caller % len(methods)](stream, timeout=timeout_s)
        report = pool_pb2.ImportClipsResponse.FromString(answer)
        if report.imported_count != _IMPORTED_CLIPS:
            raise AssertionError(f"an import took {report.imported_count} clips: {report.failures}")

    return call


_KINDS: dict[str, Callable[[Sequence[Any]], Call]] = {
    "predict": _predict,
    "label": _label,
    "embed": _embed,
    "import": _import,
}
KINDS = tuple(_KINDS)
RpcError = grpc.aio.AioRpcError
