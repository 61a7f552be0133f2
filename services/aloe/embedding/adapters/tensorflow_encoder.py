"""Encoders that come as a TensorFlow SavedModel: finds out how to call one, and compiles it."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np

from aloe.embedding.adapters.fingerprint import fingerprint
from aloe.embedding.adapters.tensorflow_runtime import import_tensorflow
from aloe.embedding.domain.arrays import Float32Array
from aloe.embedding.domain.errors import ConfigurationError, InvalidAudio
from aloe.embedding.domain.length_policy import LengthPolicy
from aloe.embedding.domain.policy_probe import Embed, choose_length_policy, rows_are_independent
from aloe.embedding.ports.encoder import EncoderInfo

SAMPLE_RATE_HZ = 16_000
# Long enough for every front end we know; two rows tell a batch axis from a time axis.
_TRIAL_SHAPE = (2, 2 * SAMPLE_RATE_HZ + 7)
_OUTPUT = "embedding"

_log = logging.getLogger(__name__)


class TensorFlowEncoder:
    """A compiled SavedModel."""

    def __init__(self, info: EncoderInfo, embed: Embed) -> None:
        self._info = info
        self._embed = embed

    @property
    def info(self) -> EncoderInfo:
        return self._info

    def embed(self, batch: Float32Array) -> Float32Array:
        return self._embed(batch)


def load_saved_model(
    folder: Path,
    encoder_id: str,
    *,
    max_clip_s: float,
    length_policy: LengthPolicy | None = None,
    stated_policy: LengthPolicy | None = None,
    preprocessing: str = "",
) -> TensorFlowEncoder:
    """Load an encoder from a folder.

    Args:
        folder: a SavedModel.
        encoder_id: the name it goes by.
        max_clip_s: the longest clip that it takes.
        length_policy: taken as it is; None lets a probe find out.
        stated_policy: what its makers say; kept if the probe confirms it.
        preprocessing: what else is done to audio; part of the fingerprint.

    Raises:
        ConfigurationError: there is no SavedModel, or none that maps audio to embeddings.
    """
    if not any((folder / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt")):
        raise ConfigurationError(
            f"{folder} holds no SavedModel (no saved_model.pb): give the folder of one,"
            " 'logmel', or the name of a known encoder"
        )
    tf = import_tensorflow()
    try:
        module = tf.saved_model.load(str(folder))
    except Exception as error:
        raise ConfigurationError(
            f"the SavedModel in {folder} cannot be loaded ({_first_line(error)}):"
            " fetch it again, or give another --encoder"
        ) from error
    embed, embedding_dim = _compile(tf, module, folder)
    if not rows_are_independent(embed):
        _log.warning("a clip's embedding depends on its batch: clips run one by one")
        embed = _one_by_one(embed)
    policy = length_policy or choose_length_policy(embed, stated_policy)
    parts = f"{SAMPLE_RATE_HZ} Hz {policy} {preprocessing}"
    info = EncoderInfo(
        encoder_id=encoder_id,
        fingerprint=fingerprint(parts, folder),
        embedding_dim=embedding_dim,
        sample_rate_hz=SAMPLE_RATE_HZ,
        length_policy=policy,
        max_clip_s=max_clip_s,
    )
    return TensorFlowEncoder(info, embed)


def _compile(tf: Any, module: Any, folder: Path) -> tuple[Embed, int]:
    """Find the call that maps (n_clips, n_samples) to (n_clips, embedding_dim)."""
    trial = np.random.default_rng(0).normal(0, 0.1, _TRIAL_SHAPE).astype(np.float32)
    faults = []
    for name, call in _calls(tf, module):
        try:
            embed = _compiled(tf, call)
            rows = embed(trial)
        except Exception as error:  # noqa: BLE001  # models fail in every way there is
            faults.append(f"{name}: {_first_line(error)}")
            continue
        if rows.ndim == 2 and rows.shape[0] == len(trial) and rows.shape[1] > 0:
            _log.info("%s is called as %s and gives %d values", folder, name, rows.shape[1])
            return embed, rows.shape[1]
        faults.append(f"{name}: gives {rows.shape} for {trial.shape}")
    raise ConfigurationError(
        f"the SavedModel in {folder} does not map float32 audio [batch, samples] to"
        f" {{'embedding': [batch, dim]}} in any way known ({'; '.join(faults) or 'no function'})"
    )


def _calls(tf: Any, module: Any) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Yield every way to call it. With the rate first: without it a model may assume another."""
    signature = getattr(module, "signatures", {}).get("serving_default")
    if callable(module):
        yield (
            "m(samples=x, sample_rate=16000)",
            lambda x: module(samples=x, sample_rate=SAMPLE_RATE_HZ),
        )
        yield "m(x)", module
    if signature is not None:
        names = list(signature.structured_input_signature[1])
        if len(names) == 1:
            yield f"serving_default({names[0]}=x)", lambda x: signature(**{names[0]: x})
    if callable(module):
        yield (
            "m(samples=x[i], sample_rate=16000)",
            _row_by_row(tf, lambda row: module(samples=row, sample_rate=SAMPLE_RATE_HZ)),
        )
        yield "m(x[i])", _row_by_row(tf, module)


def _row_by_row(tf: Any, call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Call a model that takes one clip, (n_samples,), and gives (time, dim) or (dim,)."""

    def embed_row(row: Any) -> Any:
        output = _pick(tf, call(row))
        return tf.reduce_mean(output, axis=0) if output.shape.rank == 2 else output

    return lambda clips: tf.map_fn(embed_row, clips, fn_output_signature=tf.float32)


def _compiled(tf: Any, call: Callable[[Any], Any]) -> Embed:
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32)], autograph=False)  # type: ignore[untyped-decorator]
    def function(clips: Any) -> Any:
        output = _pick(tf, call(clips))
        return tf.reduce_mean(output, axis=1) if output.shape.rank == 3 else output

    run = _frozen(tf, function.get_concrete_function())

    def embed(batch: Float32Array) -> Float32Array:
        try:
            rows: Float32Array = run(tf.constant(batch)).numpy()
        except tf.errors.InvalidArgumentError as error:
            raise InvalidAudio(
                "",
                f"the encoder takes no clip of {batch.shape[1] / SAMPLE_RATE_HZ:.3f} s"
                f" ({_first_line(error)}); send a longer one",
            ) from error
        return rows

    return embed


def _one_by_one(embed: Embed) -> Embed:
    return lambda batch: np.concatenate([embed(batch[row : row + 1]) for row in range(len(batch))])


def _frozen(tf: Any, function: Any) -> Callable[[Any], Any]:
    """Turn the weights into constants: same results, and 2 ms less per call for YAMNet."""
    from tensorflow.python.framework import convert_to_constants

    try:
        frozen = convert_to_constants.convert_variables_to_constants_v2(function)
    except Exception as error:  # noqa: BLE001  # tables and huge weights cannot be frozen; all else works
        _log.info("the graph is not frozen (%s); calls take a little longer", _first_line(error))
        return cast("Callable[[Any], Any]", function)
    return lambda clips: tf.nest.flatten(frozen(clips))[0]


def _pick(tf: Any, output: Any) -> Any:
    """Take the embedding from what a model gives: by its name, or the only tensor there is."""
    if isinstance(output, dict):
        if _OUTPUT not in output and len(output) != 1:
            raise ValueError(f"outputs {sorted(output)}, none of them called {_OUTPUT!r}")
        output = output[_OUTPUT] if _OUTPUT in output else next(iter(output.values()))
    if not tf.is_tensor(output):
        raise ValueError(f"output of type {type(output).__name__}, not a tensor")
    return tf.cast(output, tf.float32)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
