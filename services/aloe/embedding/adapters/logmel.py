"""The built-in encoder: log-mel statistics, computed in TensorFlow, without weights."""

from typing import Any

from aloe.embedding.adapters.fingerprint import fingerprint
from aloe.embedding.adapters.tensorflow_runtime import import_tensorflow
from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.domain.length_policy import Frames, LengthPolicy
from aloe.embedding.ports.encoder import EncoderInfo

LOGMEL = "logmel"

_RECIPE_VERSION = 1
_SAMPLE_RATE_HZ = 16_000
_FRAME, _HOP, _FFT = 400, 160, 512
_BAND_COUNT, _LOWEST_HZ, _HIGHEST_HZ = 64, 60.0, 7_600.0
_FLOOR = 1e-7
# (centre, spread) of each statistic, measured on speech. They bring it to about unit scale, which
# the head's optimiser needs. Silence is at (log of the floor - centre) / spread.
_SHAPE, _LEVEL, _TREND, _BEND, _DEVIATION = (0, 2), (-11, 3), (0, 1.5), (0, 1.5), (1, 1)


class LogmelEncoder:
    """Statistics of the log-mel bands over the frames of a clip.

    Per band: its mean relative to the level; how far its last third lies over the first, and the
    middle one over both, so that a rising tone differs from a falling one; its standard deviation.
    And once the level, the mean of all bands.
    """

    def __init__(
        self,
        encoder_id: str = LOGMEL,
        *,
        max_clip_s: float,
        length_policy: LengthPolicy | None = None,
        preprocessing: str = "",
    ) -> None:
        policy = length_policy or Frames(_FRAME, _HOP)
        recipe = f"{LOGMEL}/{_RECIPE_VERSION} {_SAMPLE_RATE_HZ} Hz {policy} {preprocessing}"
        self._tf = import_tensorflow()
        self._function = _build(self._tf)
        self._info = EncoderInfo(
            encoder_id=encoder_id,
            fingerprint=fingerprint(recipe),
            embedding_dim=4 * _BAND_COUNT + 1,
            sample_rate_hz=_SAMPLE_RATE_HZ,
            length_policy=policy,
            max_clip_s=max_clip_s,
        )

    @property
    def info(self) -> EncoderInfo:
        return self._info

    def embed(self, batch: Float32Array) -> Float32Array:
        rows: Float32Array = self._function(self._tf.constant(batch)).numpy()
        return rows


def _build(tf: Any) -> Any:
    bands = tf.signal.linear_to_mel_weight_matrix(
        num_mel_bins=_BAND_COUNT,
        num_spectrogram_bins=_FFT // 2 + 1,
        sample_rate=_SAMPLE_RATE_HZ,
        lower_edge_hertz=_LOWEST_HZ,
        upper_edge_hertz=_HIGHEST_HZ,
    )

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32)])  # type: ignore[untyped-decorator]
    def statistics(clips: Any) -> Any:
        magnitudes = tf.abs(tf.signal.stft(clips, _FRAME, _HOP, _FFT))
        # A full-scale tone has a magnitude of a quarter of the frame.
        power = tf.square(magnitudes / (_FRAME / 4))
        log_mel = tf.math.log(tf.tensordot(power, bands, 1) + _FLOOR)
        first, middle, last = (
            tf.reduce_mean(log_mel[:, start:end], axis=1)
            for start, end in _thirds(tf.shape(log_mel)[1])
        )
        means = tf.reduce_mean(log_mel, axis=1)
        level = tf.reduce_mean(means, axis=1, keepdims=True)
        parts = [
            (means - level, _SHAPE),
            (level, _LEVEL),
            (last - first, _TREND),
            (middle - (first + last) / 2, _BEND),
            (tf.math.reduce_std(log_mel, axis=1), _DEVIATION),
        ]
        return tf.concat([(part - centre) / spread for part, (centre, spread) in parts], axis=1)

    return statistics


def _thirds(frame_count: Any) -> list[tuple[Any, Any]]:
    """Split frames in three parts. With fewer than three frames they overlap: none is empty."""
    return [(frame_count * third // 3, -(-frame_count * (third + 1) // 3)) for third in range(3)]
