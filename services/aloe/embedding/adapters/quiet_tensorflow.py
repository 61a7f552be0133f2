"""TensorFlow without its chatter."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def import_tensorflow() -> Any:
    """Import TensorFlow; its notes on processors and missing GPUs stay unsaid."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _stderr_closed():
        import tensorflow as tf

        # Where there is no GPU the first look for one complains.
        tf.config.list_physical_devices()
    return tf


@contextmanager
def _stderr_closed() -> Iterator[None]:
    """Drop what native code writes to stderr: it does so before any log level can be set."""
    kept = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)
