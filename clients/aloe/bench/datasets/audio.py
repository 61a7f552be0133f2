"""What data sets do with audio files: read their headers, and cut windows out of them."""

import io
from pathlib import Path
from typing import Any

from aloe.bench.datasets.errors import DatasetError


def read_duration(path: Path) -> tuple[int, int]:
    """Return a file's length in samples and its sampling rate in Hz, from its header.

    Raises:
        DatasetError: it cannot be decoded.
    """
    with _open(path, str(path)) as file:
        return file.frames, file.samplerate


def cut(source: Path | bytes, start_s: float, end_s: float | None, *, name: str) -> bytes:
    """Return a window of an audio file as a WAV file; it stops at the end of the audio.

    Args:
        source: the file or its content.
        start_s: where to begin.
        end_s: where to end; None is the end of the file.
        name: of the file, for messages.

    Raises:
        DatasetError: the file cannot be decoded, or ends before `start_s`.
    """
    import soundfile

    with _open(source, name) as file:
        rate_hz = file.samplerate
        # 16-bit samples are copied unchanged, so that a window is scaled as its file would be.
        is_int16 = file.subtype == "PCM_16"
        first = round(start_s * rate_hz)
        last = file.frames if end_s is None else min(round(end_s * rate_hz), file.frames)
        if first >= last:
            raise DatasetError(
                f"{name} lasts {file.frames / rate_hz:.3f} s, and the segment starts at"
                f" {start_s:g} s: correct the segment"
            )
        try:
            file.seek(first)
            samples = file.read(last - first, dtype="int16" if is_int16 else "float32")
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise _not_audio(name, error) from error
    wav = io.BytesIO()
    # Not FLOAT: its header holds the time of writing, and equal clips must have equal bytes.
    subtype = "PCM_16" if is_int16 else "PCM_32"
    soundfile.write(wav, samples, rate_hz, format="WAV", subtype=subtype)
    return wav.getvalue()


def read_rate_hz(source: Path | bytes) -> int:
    """Return an audio file's sampling rate.

    Raises:
        DatasetError: it cannot be decoded.
    """
    with _open(source, "a recording") as file:
        rate_hz: int = file.samplerate
        return rate_hz


def _open(source: Path | bytes, name: str) -> Any:
    try:
        import soundfile
    except ImportError as error:
        raise DatasetError("no soundfile: pip install 'aloe-speech[bench]'") from error
    try:
        return soundfile.SoundFile(io.BytesIO(source) if isinstance(source, bytes) else source)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise _not_audio(name, error) from error


def _not_audio(name: str, error: Exception) -> DatasetError:
    reason = getattr(error, "error_string", "") or str(error)
    return DatasetError(
        f"{name} cannot be decoded ({' '.join(reason.split()).rstrip('.')}): get it again, or leave"
        " it out"
    )
