"""Whether a file reads as a stream as it does whole, damaged as it is."""

import io

import numpy as np

from aloe.audio.arrays import Float32Array
from aloe.audio.decoder import Limits
from aloe.audio.errors import BadAudio, BrokenOff
from aloe.audio.isolation import IsolatedDecoder
from aloe.values.audio import Decoding

_LIMITS = Limits(60.0)
_ACCEPTING = Decoding(accept_damaged=True)


class StreamCheck:
    """Reads each file whole and as a stream, in the same kind of process."""

    def __init__(self) -> None:
        self._decoder = IsolatedDecoder(1)
        self.broken_off = 0

    def close(self) -> None:
        self._decoder.close()

    def fault(self, content: bytes) -> str:
        """Return what is not as it should be; empty if all is."""
        try:
            whole = self._decoder.decode(content, _ACCEPTING, _LIMITS)
        except BadAudio as error:
            return self._fault_of_bad(content, error)
        accepted, broken = self._streamed(content, _ACCEPTING)
        if broken or not np.array_equal(accepted, whole.samples, equal_nan=True):
            return f"{len(accepted):,} samples of {len(whole.samples):,} as a stream ({broken})"
        strict, broken = self._streamed(content, Decoding())
        self.broken_off += broken is not None
        if not np.array_equal(strict, accepted[: len(strict)]):
            return f"{len(strict):,} samples before it breaks off are not those of the whole"
        if broken is None and len(strict) < len(accepted):
            return f"{len(strict):,} samples of {len(accepted):,}, without a word"
        return ""

    def _fault_of_bad(self, content: bytes, error: BadAudio) -> str:
        """Return what is wrong if a file that cannot be taken whole is taken as a stream."""
        samples, broken = self._streamed(content, _ACCEPTING)
        return "" if broken else f"{len(samples):,} samples as a stream, but: {error}"

    def _streamed(self, content: bytes, decoding: Decoding) -> tuple[Float32Array, BadAudio | None]:
        blocks: list[Float32Array] = [np.empty(0, np.float32)]
        error: BadAudio | None = None
        try:
            with self._decoder.stream(io.BytesIO(content), decoding, _LIMITS) as stream:
                blocks.extend(stream.blocks())
        except BadAudio as caught:
            error = caught
        samples = np.concatenate(blocks)
        if isinstance(error, BrokenOff) and error.frame_count != len(samples):
            raise AssertionError(f"breaks off at {error.frame_count}, gave {len(samples)}")
        return samples, error
