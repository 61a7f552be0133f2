"""An encoder whose batches a test lets through one by one."""

import threading

import numpy as np

from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.domain.errors import InvalidAudio
from aloe.embedding.domain.length_policy import Exact
from aloe.embedding.ports.encoder import EncoderInfo

WAIT_S = 10.0


class GatedEncoder:
    """Embeds a clip as (its first sample, its length); each batch waits for `open` once.

    A batch whose first sample is negative fails.
    """

    def __init__(self, *, is_open: bool = False) -> None:
        self._gate = threading.Semaphore(10_000 if is_open else 0)
        self._entered = threading.Semaphore(0)
        self.batches: list[tuple[int, int]] = []
        """Shape of each batch, in the order in which they ran."""
        self.first_samples: list[list[float]] = []
        self.info = EncoderInfo("gated", "f" * 32, 2, 16_000, Exact(), 60.0)

    def embed(self, batch: Float32Array) -> Float32Array:
        self.batches.append((batch.shape[0], batch.shape[1]))
        self.first_samples.append(batch[:, 0].tolist())
        self._entered.release()
        assert self._gate.acquire(timeout=WAIT_S), "the test never opened the gate"
        if batch[0, 0] < 0:
            raise InvalidAudio("", "it is negative")
        lengths = np.full(len(batch), batch.shape[1], np.float32)
        return np.stack([batch[:, 0], lengths], axis=1)

    def wait_until_running(self) -> None:
        """Return once one more batch has come in."""
        assert self._entered.acquire(timeout=WAIT_S), "no batch came"

    def open(self, batch_count: int = 1) -> None:
        """Let batches through."""
        self._gate.release(batch_count)


def clip(value: float, length: int = 10) -> Float32Array:
    return np.full(length, value, np.float32)
