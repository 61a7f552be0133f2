"""Recordings as files: what is kept of them, and whether bytes are the recording of a clip."""

import struct
from dataclasses import replace

from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.pool import Audio, Clip, EncodedAudio, PcmAudio, content_hash

_FORMATS = {"int16": (1, 16), "float32": (3, 32)}
"""Sample formats as WAV has them: coding and bits per sample."""
_NAMES = {coding: name for name, coding in _FORMATS.items()}
_FORMAT_FIELDS = struct.Struct("<HHIIHH")


def is_recording_of(clip: Clip, audio: Audio) -> bool:
    """Whether a recording is the one that the clip was imported from.

    The content hash decides, which the choice of a channel is part of. Of raw samples it is that
    of the samples, which are kept and played as a WAV file.
    """
    if _has_hash_of(clip, audio):
        return True
    pcm = _samples_of(audio.content) if isinstance(audio, EncodedAudio) else None
    return pcm is not None and _has_hash_of(clip, pcm)


def _has_hash_of(clip: Clip, audio: Audio) -> bool:
    return content_hash(replace(audio, decoding=clip.decoding)) == clip.content_hash


def file_of(audio: Audio) -> bytes:
    """Return a recording as the bytes of a file: as it came, or a WAV file of raw samples.

    Raises:
        InvalidInput: it is no recording.
    """
    if isinstance(audio, PcmAudio):
        return _wav_of(audio)
    if not audio.content:
        raise InvalidInput.of("audio.encoded", "is empty")
    return audio.content


def _wav_of(pcm: PcmAudio) -> bytes:
    if pcm.sample_format not in _FORMATS or pcm.sample_rate_hz == 0:
        raise InvalidInput.of("audio.pcm", "the sample format and rate must be set")
    coding, bits = _FORMATS[pcm.sample_format]
    frame_bytes = bits // 8 * pcm.channel_count
    if not pcm.samples or len(pcm.samples) % frame_bytes:
        raise InvalidInput.of(
            "audio.pcm.samples",
            f"{len(pcm.samples)} bytes; frames of {frame_bytes} bytes are needed, at least one",
        )
    byte_rate = pcm.sample_rate_hz * frame_bytes
    if max(pcm.channel_count, frame_bytes) >= 1 << 16 or byte_rate >= 1 << 32:
        raise InvalidInput.of("audio.pcm", "more channels, or a higher rate, than WAV can say")
    chunks = _chunk(
        b"fmt ",
        _FORMAT_FIELDS.pack(
            coding, pcm.channel_count, pcm.sample_rate_hz, byte_rate, frame_bytes, bits
        ),
    )
    if pcm.sample_format == "float32":
        # Asked for wherever the samples are no integers: the number of frames.
        chunks += _chunk(b"fact", struct.pack("<I", len(pcm.samples) // frame_bytes))
    return _chunk(b"RIFF", b"WAVE" + chunks + _chunk(b"data", pcm.samples))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _samples_of(content: bytes) -> PcmAudio | None:
    """Return the raw samples of a WAV file; None if it is another, or of other samples."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        return None
    sample_format, channel_count, rate_hz = None, 0, 0
    place = 12
    while place + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, place)
        place += 8
        if name == b"data":
            if sample_format is None:
                return None
            return PcmAudio(content[place : place + size], rate_hz, sample_format, channel_count)
        if name == b"fmt " and place + _FORMAT_FIELDS.size <= len(content):
            coding, channel_count, rate_hz, _, _, bits = _FORMAT_FIELDS.unpack_from(content, place)
            sample_format = _NAMES.get((coding, bits))
        place += size + size % 2
    return None
