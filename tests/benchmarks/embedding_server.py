"""The two sides that the embedding benchmark compares: the bare encoder and the served one."""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import grpc
import numpy as np
from numpy.typing import NDArray

from aloe.embedding.adapters.loading import EncoderSource, load_encoder
from aloe.embedding.adapters.tensorflow_runtime import import_tensorflow
from aloe.embedding.ports.encoder import Encoder
from aloe.v1 import audio_pb2
from aloe.v1 import embedding_service_pb2 as pb2
from aloe.v1 import embedding_service_pb2_grpc as pb2_grpc

Float32Array = NDArray[np.float32]
RATE_HZ = 16_000
_MESSAGE_BYTES = 64 * 1024 * 1024
_CHANNEL_OPTIONS = [
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
]


@dataclass(frozen=True, slots=True)
class Bare:
    """The encoder in this process."""

    call: Callable[[Float32Array], Float32Array]
    """The simplest way: the SavedModel's own call, compiled for any shape."""
    encoder: Encoder
    """As the service calls it."""


def load_bare(location: str) -> Bare:
    """Load an encoder both ways; one that is not a folder is called as in the service in both."""
    encoder = load_encoder(EncoderSource(location, max_clip_s=60))
    if not Path(location).is_dir():
        return Bare(encoder.embed, encoder)
    tf = import_tensorflow()
    model = tf.saved_model.load(location)
    function = tf.function(
        lambda clips: model(clips)["embedding"],
        input_signature=[tf.TensorSpec([None, None], tf.float32)],
    )
    return Bare(lambda batch: function(tf.constant(batch)).numpy(), encoder)


@dataclass(frozen=True, slots=True)
class Server:
    """An embedding service in a process of its own."""

    address: str
    pid: int
    start_s: float

    def resident_mb(self) -> float:
        """Return its resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        match = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(match[1]) / 1024 if match else float("nan")


@contextmanager
def running_server(encoder: str, *flags: str) -> Iterator[Server]:
    """Run the service until the context ends."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "aloe.embedding", "--encoder", encoder),
            *("--address", "127.0.0.1:0", "--log-level", "WARNING", *flags),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"the embedding service ended with code {process.wait()}")
        yield Server(line.split()[-1], process.pid, time.perf_counter() - started)
    finally:
        process.terminate()
        process.wait()


class Caller:
    """Calls a server from this process."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.aio.insecure_channel(address, options=_CHANNEL_OPTIONS)
        self.stub: Any = pb2_grpc.EmbeddingServiceStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    async def clips_per_s(
        self, requests: Sequence[pb2.EmbedRequest], *, caller_count: int, duration_s: float
    ) -> float:
        """Send the requests over and over, each caller one at a time; return clips per second."""
        answered = 0
        started = time.perf_counter()

        async def call(number: int) -> None:
            nonlocal answered
            while time.perf_counter() - started < duration_s:
                request = requests[number % len(requests)]
                await self.stub.Embed(request)
                answered += len(request.clips)
                number += caller_count

        await asyncio.gather(*(call(number) for number in range(caller_count)))
        return answered / (time.perf_counter() - started)

    async def stream(self, clips: Sequence[audio_pb2.Audio]) -> dict[int, Float32Array]:
        """Embed clips by EmbedStream in messages of about 2 MB; return them by place in `clips`."""
        rows: dict[int, Float32Array] = {}
        async for response in self.stub.EmbedStream(_messages(clips)):
            for result in response.results:
                rows[result.sequence_number] = np.frombuffer(result.embedding, "<f4")
        return rows


async def _messages(clips: Sequence[audio_pb2.Audio]) -> Any:
    message = pb2.EmbedStreamRequest()
    byte_count = 0
    for number, clip in enumerate(clips):
        message.clips.add(sequence_number=number, audio=clip)
        byte_count += clip.ByteSize()
        if byte_count > 2_000_000:
            yield message
            message = pb2.EmbedStreamRequest()
            byte_count = 0
    yield message


def int16_audio(samples: Float32Array) -> audio_pb2.Audio:
    """Make a message of a clip as 16-bit PCM."""
    scaled = (samples.clip(-1, 1) * 32_767).astype("<i2").tobytes()
    return audio_pb2.Audio(
        pcm=audio_pb2.Pcm(
            sample_rate_hz=RATE_HZ,
            sample_format=audio_pb2.SAMPLE_FORMAT_INT16,
            channel_count=1,
            samples=scaled,
        )
    )


def request(*clips: audio_pb2.Audio) -> pb2.EmbedRequest:
    return pb2.EmbedRequest(clips=clips)
