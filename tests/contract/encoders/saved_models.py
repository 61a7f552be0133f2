"""Tiny SavedModels with the call signatures and front ends of the published encoders."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from aloe.embedding.adapters.tensorflow_runtime import import_tensorflow

DIM = 12
_ANY_BATCH = [None, None]


def _weights(rows: int) -> Any:
    tf = import_tensorflow()
    values = np.random.default_rng(5).normal(0, 1, (rows, DIM)).astype(np.float32)
    return tf.Variable(values)


def _log_energies(tf: Any, clips: Any) -> Any:
    """Log energy in four quarters of each 400/160 frame: (batch, frames, 4)."""
    frames = tf.signal.frame(clips, 400, 160)
    quarters = tf.reshape(frames, [tf.shape(frames)[0], -1, 4, 100])
    return tf.math.log(tf.reduce_mean(tf.square(quarters), axis=-1) + 1e-4)


def _embed_patches(tf: Any, features: Any, weights: Any, width: int, hop: int) -> Any:
    """Cut (batch, frames, 4) into patches and embed each: (batch, patches, DIM)."""
    patches = tf.signal.frame(features, width, hop, axis=1)
    flat = tf.reshape(patches, [tf.shape(patches)[0], -1, width * 4])
    return tf.tanh(tf.matmul(flat, weights) / 20.0)


def _save(
    folder: Path, weights: Any, call: Callable[..., Any], specs: list[Any], **signatures: Any
) -> Path:
    tf = import_tensorflow()
    module = tf.Module()
    module.weights = weights
    module.__call__ = tf.function(call, input_signature=specs, autograph=False)
    tf.saved_model.save(module, str(folder), signatures=signatures or None)
    return folder


def _audio_spec(name: str = "x", shape: list[int | None] | None = None) -> Any:
    tf = import_tensorflow()
    return tf.TensorSpec(shape or _ANY_BATCH, tf.float32, name=name)


def save_like_yamnet(folder: Path, key: str = "embedding") -> Path:
    """m(x[B,T])[key]; zero-pads to 15,600 + 7,680 j samples inside; averages patches."""
    tf = import_tensorflow()
    weights = _weights(96 * 4)

    def call(x: Any) -> Any:
        count = tf.shape(x)[1]
        steps = tf.maximum(0, -((15_600 - count) // 7_680))
        padded = tf.pad(x, [[0, 0], [0, 15_600 + 7_680 * steps - count]])
        patches = _embed_patches(tf, _log_energies(tf, padded), weights, 96, 48)
        return {key: tf.reduce_mean(patches, axis=1)}

    return _save(folder, weights, call, [_audio_spec()])


def save_like_trillsson(folder: Path) -> Path:
    """m(x[B,T])["embedding"]; mirror-pads to 2 s; averages whole chunks of 195 frames."""
    tf = import_tensorflow()
    weights = _weights(195 * 4)

    def mirror_pad(x: Any) -> Any:
        count = tf.shape(x)[1]
        there_and_back = tf.concat([x, tf.reverse(x, axis=[1])], axis=1)
        repeats = tf.maximum(1, -(-32_000 // (2 * count)))
        return tf.tile(there_and_back, [1, repeats])[:, : tf.maximum(32_000, count)]

    def call(x: Any) -> Any:
        chunks = _embed_patches(tf, _log_energies(tf, mirror_pad(x)), weights, 195, 195)
        return {"embedding": tf.reduce_mean(chunks, axis=1)}

    return _save(folder, weights, call, [_audio_spec()])


def save_like_trill(folder: Path) -> Path:
    """m(samples=x, sample_rate=16000): "embedding" over time, and a second output."""
    tf = import_tensorflow()
    weights = _weights(96 * 4)

    def call(samples: Any, sample_rate: Any) -> Any:
        with tf.control_dependencies([tf.debugging.assert_equal(sample_rate, 16_000)]):
            patches = _embed_patches(tf, _log_energies(tf, samples), weights, 96, 17)
        return {"embedding": patches, "layer19": tf.tile(patches, [1, 1, 3])}

    return _save(folder, weights, call, [_audio_spec("samples"), tf.TensorSpec([], tf.int32)])


def save_one_clip_at_a_time(folder: Path) -> Path:
    """m(samples=x[T], sample_rate=16000): (time, DIM) for one clip without a batch axis."""
    tf = import_tensorflow()
    weights = _weights(96 * 4)

    def call(samples: Any, sample_rate: Any) -> Any:
        del sample_rate
        features = _log_energies(tf, samples[tf.newaxis])
        return {"embedding": _embed_patches(tf, features, weights, 96, 17)[0]}

    specs = [_audio_spec("samples", [None]), tf.TensorSpec([], tf.int32)]
    return _save(folder, weights, call, specs)


def save_like_frill(folder: Path) -> Path:
    """m(x[B,T])["embedding"] over time; refuses clips under one patch of 96 frames."""
    tf = import_tensorflow()
    weights = _weights(96 * 4)

    def call(x: Any) -> Any:
        enough = tf.debugging.assert_greater_equal(tf.shape(x)[1], 400 + 95 * 160)
        with tf.control_dependencies([enough]):
            return {"embedding": _embed_patches(tf, _log_energies(tf, x), weights, 96, 17)}

    return _save(folder, weights, call, [_audio_spec()])


def save_tensor_output(folder: Path) -> Path:
    """m(x[B,T]) is a tensor: the mean of every frame, so that each sample counts."""
    tf = import_tensorflow()
    weights = _weights(4)

    def call(x: Any) -> Any:
        x = tf.pad(x, [[0, 0], [0, tf.maximum(0, 400 - tf.shape(x)[1])]])
        return tf.matmul(tf.reduce_mean(_log_energies(tf, x), axis=1), weights)

    return _save(folder, weights, call, [_audio_spec()])


def save_signature_only(folder: Path) -> Path:
    """signatures["serving_default"](audio_samples=x)["output_0"]; the module is not callable."""
    tf = import_tensorflow()
    module = tf.Module()
    module.weights = _weights(4)

    def serve(audio_samples: Any) -> Any:
        mean = tf.reduce_mean(_log_energies(tf, audio_samples), axis=1)
        return {"output_0": tf.matmul(mean, module.weights)}

    tf.saved_model.save(
        module,
        str(folder),
        signatures={
            "serving_default": tf.function(serve, input_signature=[_audio_spec("audio_samples")])
        },
    )
    return folder


def save_batch_dependent(folder: Path) -> Path:
    """Normalises by the batch, as a network left in training mode does."""
    tf = import_tensorflow()
    weights = _weights(4)

    def call(x: Any) -> Any:
        mean = tf.reduce_mean(_log_energies(tf, x), axis=1)
        return {"embedding": tf.matmul(mean - tf.reduce_mean(mean, axis=0) / 2, weights)}

    return _save(folder, weights, call, [_audio_spec()])


def save_not_an_encoder(folder: Path) -> Path:
    """Takes two matrices."""

    def call(x: Any, y: Any) -> Any:
        return {"sum": x + y, "difference": x - y}

    return _save(folder, _weights(1), call, [_audio_spec("x"), _audio_spec("y")])


def save_not_finite(folder: Path) -> Path:
    """Gives NaN for silence and a number for all else."""
    tf = import_tensorflow()

    def call(x: Any) -> Any:
        energy = tf.reduce_sum(tf.square(x), axis=1, keepdims=True)
        return {"embedding": tf.tile(tf.sqrt(energy) / tf.sqrt(energy), [1, DIM]) * energy}

    return _save(folder, _weights(1), call, [_audio_spec()])
