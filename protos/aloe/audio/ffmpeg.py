"""FFmpeg through PyAV: opening a file, what fails in it, and its frames as arrays."""

from typing import Any

import numpy as np

from aloe.audio.arrays import SampleArray
from aloe.audio.content import Content, ContentFile
from aloe.audio.errors import BadAudio

_DEMUXERS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,eac3,flac,flv,gsm,matroska,mov,mp3,"
    "mpegts,oga,ogg,rm,tta,w64,wav,wv"
)
"""What people record and keep. None that opens other files or places, as playlists do."""
_READ_BYTES = 1 << 17

_DTYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
_FULL_SCALES = {"u8": 128.0, "s32": 2.0**31, "s64": 2.0**63}


def opened(content: Content) -> tuple[Any, Any]:
    """Return a file's container and its audio streams, of which there is at least one.

    Raises:
        BadAudio: it is no audio file, or of a kind that nobody records.
    """
    import av

    av.logging.set_level(av.logging.PANIC)
    try:
        container = av.open(
            ContentFile(content),
            buffer_size=_READ_BYTES,
            metadata_errors="ignore",
            options={"format_whitelist": _DEMUXERS, "protocol_whitelist": ""},
        )
        streams = container.streams.audio
    except failures() as error:
        raise BadAudio(_why_not(content, error)) from error
    if not streams or streams[0].codec_context is None:
        container.close()
        raise BadAudio(
            "the file holds no sound" if not streams else "its sound is of an unknown kind"
        )
    return container, streams


def failures() -> tuple[type[Exception], ...]:
    """Return what is raised where a file is damaged."""
    import av

    return av.FFmpegError, ValueError, OSError, IndexError


def reason(error: Exception) -> str:
    """Return what an error says, without the place of a file that only we know."""
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()).rstrip(".").lower() or type(error).__name__


def samples_of(frame: Any) -> SampleArray:
    """Return a frame's samples, (n_frames, n_channels), as int16 or float32 with full scale 1."""
    samples = _interleaved(frame)
    kind = frame.format.name.removesuffix("p")
    if kind == "s16":
        return samples
    if kind in ("flt", "dbl"):
        return samples.astype(np.float32, copy=False)
    if kind == "u8":
        samples = samples.astype(np.int16) - 128
    scaled: SampleArray = samples.astype(np.float32) * np.float32(1 / _FULL_SCALES[kind])
    return scaled


def _interleaved(frame: Any) -> SampleArray:
    # Planes are longer than what they hold.
    dtype = _DTYPES[frame.format.name.removesuffix("p")]
    channel_count, frame_count = len(frame.layout.channels), frame.samples
    if frame.format.is_planar:
        planes = [np.frombuffer(plane, dtype, frame_count) for plane in frame.planes]
        return planes[0].reshape(-1, 1) if channel_count == 1 else np.stack(planes, axis=1)
    (plane,) = frame.planes
    return np.frombuffer(plane, dtype, frame_count * channel_count).reshape(-1, channel_count)


def _why_not(content: Content, error: Exception) -> str:
    """Say why a file cannot be opened."""
    if content[4:8] == b"ftyp" and content.find(b"moov") < 0:
        return (
            "cut off: its index (moov), which stands at the end, is missing. Copy it again, or end"
            " the recording properly"
        )
    return (
        f"{len(content):,} bytes are no audio file ({reason(error)}): get it again, or leave it out"
    )
