"""What data sets do with audio files: measure them, and cut windows out of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from aloe.audio.errors import BadAudio
from aloe.bench.datasets.errors import DatasetError

if TYPE_CHECKING:
    from aloe.audio.isolation import IsolatedDecoder


def measure(source: Path | bytes, *, name: str) -> tuple[int, int]:
    """Return a recording's length in frames and its sampling rate in Hz, by decoding it.

    Raises:
        DatasetError: it cannot be read or decoded; the message has the `name`.
    """
    with _one_line(name):
        return _decoder().measure(_content(source))


def cut(source: Path | bytes, start_s: float, end_s: float | None, *, name: str) -> bytes:
    """Return a window of an audio file as a WAV file; it stops at the end of the audio.

    16-bit samples are copied unchanged, so that a window is scaled as its file would be.

    Args:
        source: the file or its content.
        start_s: where to begin.
        end_s: where to end; None is the end of the file.
        name: of the file, for messages.

    Raises:
        DatasetError: the file cannot be decoded, or ends before `start_s`.
    """
    with _one_line(name):
        return _decoder().cut(_content(source), start_s, end_s)


def _content(source: Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()


@cache
def _decoder() -> "IsolatedDecoder":
    """Start the decoder, which ends with this process."""
    try:
        from aloe.audio.isolation import IsolatedDecoder
    except ImportError as error:
        raise DatasetError(
            f"no {error.name}, which decodes audio: pip install 'aloe-speech[bench]'"
        ) from error
    return IsolatedDecoder()


@contextmanager
def _one_line(name: str) -> Iterator[None]:
    """Turn what is wrong with a file into an error that names it."""
    try:
        yield
    except (BadAudio, OSError) as error:
        raise DatasetError(f"{name}: {error}") from error
