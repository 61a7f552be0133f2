"""Imports TensorFlow without its chatter, and chooses its device and threads."""

import os
from typing import Any

from aloe.embedding.domain.errors import ConfigurationError
from aloe.embedding.domain.precision import Precision
from aloe.serving.native_log import silenced


def import_tensorflow() -> Any:
    """Import TensorFlow without its notes on processors and missing GPUs."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with silenced():
        import tensorflow as tf

        # The first search for GPUs complains if there is none: do it while that is silenced.
        tf.config.list_physical_devices()
    return tf


def place_tensorflow(
    device: str,
    *,
    thread_count: int = 0,
    batch_count: int = 0,
    precision: Precision = Precision.FLOAT32,
) -> int:
    """Choose where and how exactly encoders run; before anything else is done with TensorFlow.

    Args:
        device: "auto" (every GPU there is, else the processor), "cpu", "gpu" or "gpu:1".
        thread_count: threads on the processor; 0 for one per core.
        batch_count: batches that are to run at once and share those threads; 0 for two on the
            processor, one on a GPU. Two on half of the threads each get more done than one
            on all: the parts of an operation wait for the slowest of them.
        precision: all but float32 make embeddings that are not to be compared with its.

    Returns:
        How many batches to run at once.

    Raises:
        ConfigurationError: there is no such device, or it has no such precision.
    """
    tf = import_tensorflow()
    gpus = tf.config.list_physical_devices("GPU")
    if device == "cpu":
        gpus = []
    elif device != "auto":
        number = int(device.partition(":")[2] or 0)
        if number >= len(gpus):
            raise ConfigurationError(
                f"--device {device}: TensorFlow sees {len(gpus)} GPUs; give auto or cpu"
            )
        gpus = [gpus[number]]
    tf.config.set_visible_devices(gpus, "GPU")
    for gpu in gpus:
        # Without this the first encoder takes all of the GPU's memory.
        tf.config.experimental.set_memory_growth(gpu, True)
    _set_precision(tf, precision, has_gpu=bool(gpus))
    threads = thread_count or (os.cpu_count() or 1)
    batches = batch_count or (1 if gpus else min(2, threads))
    tf.config.threading.set_intra_op_parallelism_threads(max(1, threads // batches))
    return batches


def _set_precision(tf: Any, precision: Precision, *, has_gpu: bool) -> None:
    on_processor = (Precision.FLOAT32, Precision.BFLOAT16)
    on_gpu = (Precision.FLOAT32, Precision.TF32, Precision.FLOAT16)
    if precision not in (on_gpu if has_gpu else on_processor):
        choices = " or ".join(choice.value for choice in (on_gpu if has_gpu else on_processor))
        raise ConfigurationError(
            f"--precision {precision.value} is not for {'a GPU' if has_gpu else 'the processor'}:"
            f" give {choices}"
        )
    # Off unless asked for: by default it is on, and embeddings would depend on the GPU.
    tf.config.experimental.enable_tensor_float_32_execution(precision is Precision.TF32)
    rewrite = {
        Precision.FLOAT16: "auto_mixed_precision",
        Precision.BFLOAT16: "auto_mixed_precision_onednn_bfloat16",
    }
    if precision in rewrite:
        tf.config.optimizer.set_experimental_options({rewrite[precision]: True})
