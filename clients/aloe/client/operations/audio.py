"""Recordings as they travel."""

from pathlib import Path
from stat import S_ISREG

import numpy as np

from aloe.client.calls.translate import invalid_field
from aloe.client.types import Audio, Pcm, Recording
from aloe.v1 import audio_pb2
from aloe.values.audio import DEFAULT_DECODING, Decoding
from aloe.wire.audio import write_decoding

_FORMATS = {
    np.dtype(np.int16): (audio_pb2.SAMPLE_FORMAT_INT16, "<i2"),
    np.dtype(np.float32): (audio_pb2.SAMPLE_FORMAT_FLOAT32, "<f4"),
}
_MAX_UINT32 = 2**32 - 1


def encode_audio(
    audio: Audio, *, field: str, max_bytes: int, decoding: Decoding = DEFAULT_DECODING
) -> audio_pb2.Audio:
    """Write a recording, reading its file if it is one; a Recording says itself how to read it.

    Raises:
        InvalidArgument: it cannot be read, is no recording or is larger than a message may be.
    """
    if isinstance(audio, Recording):
        return encode_audio(audio.audio, field=field, max_bytes=max_bytes, decoding=audio.decoding)
    if isinstance(audio, Pcm):
        message = audio_pb2.Audio(pcm=_encode_pcm(audio, field))
    elif isinstance(audio, Path):
        message = audio_pb2.Audio(encoded=_read(audio, field, max_bytes))
    elif isinstance(audio, bytes):
        message = audio_pb2.Audio(encoded=audio)
    else:
        raise invalid_field(
            field, f"must be bytes, a pathlib.Path or Pcm, got {type(audio).__name__}"
        )
    if decoding != DEFAULT_DECODING:
        message.decoding.CopyFrom(write_decoding(decoding))
    check_size(message.ByteSize(), field, max_bytes)
    return message


def _read(path: Path, field: str, max_bytes: int) -> bytes:
    try:
        # Whoever opens a pipe waits until another writes to it.
        status = path.stat()
        if not S_ISREG(status.st_mode):
            what = "a folder" if path.is_dir() else "a pipe or a device"
            raise invalid_field(field, f"{path} is {what}, not a file")
        check_size(status.st_size, f"{field} ({path})", max_bytes)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise invalid_field(field, f"cannot read {path}: {why}") from error


def check_size(byte_count: int, field: str, max_bytes: int) -> None:
    """Raises InvalidArgument where a clip is larger than `max_bytes`."""
    if byte_count > max_bytes:
        raise invalid_field(
            field,
            f"takes {byte_count:,} bytes, more than the {max_bytes:,} that a message may hold;"
            " cut it, as `aloe import --window 5s` does, or compress it, to FLAC for instance",
        )


def _encode_pcm(pcm: Pcm, field: str) -> audio_pb2.Pcm:
    samples = pcm.samples
    if samples.dtype not in _FORMATS:
        raise invalid_field(
            f"{field}.samples", f"must be float32 in [-1, 1] or int16, got {samples.dtype}"
        )
    if samples.ndim not in (1, 2):
        raise invalid_field(
            f"{field}.samples",
            f"must be (n_samples,) or (n_samples, n_channels), got shape {samples.shape}",
        )
    if not 0 <= pcm.sample_rate_hz <= _MAX_UINT32:
        raise invalid_field(
            f"{field}.sample_rate_hz", f"must be 1000 to 1000000, got {pcm.sample_rate_hz}"
        )
    sample_format, dtype = _FORMATS[samples.dtype]
    return audio_pb2.Pcm(
        sample_rate_hz=pcm.sample_rate_hz,
        sample_format=sample_format,
        channel_count=1 if samples.ndim == 1 else samples.shape[1],
        samples=np.ascontiguousarray(samples, dtype=dtype).tobytes(),
    )
