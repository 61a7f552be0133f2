"""What a recording costs to decode, by its header alone: known before any work is done.

Headers may lie, in either direction: whoever goes by them bounds the work itself as well.
"""

from dataclasses import dataclass

from aloe.audio import flac, mp3, ogg
from aloe.audio.content import Content
from aloe.audio.wav import find_wav_data

_USUAL_RATE_HZ, _USUAL_CHANNEL_COUNT = 48_000, 2
_USUAL_BYTES_PER_S = 4_000
"""32 kbit/s: what people record has seldom less."""
_PLAIN, _PLAIN_BYTES_PER_S = (b"RIFF", b"FORM", b".snd", b"caff", b"riff"), 16_000
"""Files that most often hold samples as they are: WAV with companded ones, AIFF, AU, CAF, W64."""
_SAMPLE_BYTES = 4
_RESAMPLED_PART = 4
"""Resampling goes through a frame in a fraction of the time that decoding one sample takes."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much sound a recording holds."""

    sample_rate_hz: int
    channel_count: int
    frame_count: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What one recording takes, from its arrival to the samples that an encoder hears."""

    sample_count: int
    """Samples to go through, of all channels: the processor time is in proportion."""
    working_bytes: int
    """One channel at the recording's own rate, while it is resampled."""
    decoded_bytes: int
    """One channel at the encoder's rate."""


def cost_of(extent: Extent, *, rate_hz: int, max_clip_s: float) -> Cost:
    """Return the cost of a recording.

    Args:
        extent: by its header.
        rate_hz: the encoder's rate.
        max_clip_s: after that nothing is decoded.
    """
    own_rate_hz = max(1, extent.sample_rate_hz)
    frame_count = min(extent.frame_count, round(max_clip_s * own_rate_hz) + 1)
    heard_count = -(-frame_count * rate_hz // own_rate_hz)
    is_resampled = own_rate_hz != rate_hz
    return Cost(
        frame_count * extent.channel_count + is_resampled * frame_count // _RESAMPLED_PART,
        is_resampled * frame_count * _SAMPLE_BYTES,
        heard_count * _SAMPLE_BYTES,
    )


def extent_of(content: Content) -> Extent:
    """Read the header of a file, in microseconds.

    One that does not say how much it holds has as much as most recordings of its size.
    """
    wav = find_wav_data(content)
    if wav is not None:
        layout = wav.layout
        # Where the data is not all of the file, more of the same may have been joined to it.
        frames = wav.frame_count if wav.is_complete else len(content) // layout.frame_bytes
        return Extent(layout.sample_rate_hz, layout.channel_count, frames)
    found = flac.layout(content) or ogg.layout(content) or mp3.layout(content)
    rate_hz, channel_count, frame_count = found or (_USUAL_RATE_HZ, _USUAL_CHANNEL_COUNT, None)
    if frame_count is None:
        bytes_per_s = _PLAIN_BYTES_PER_S if content[:4] in _PLAIN else _USUAL_BYTES_PER_S
        frame_count = -(-len(content) * rate_hz // bytes_per_s)
    return Extent(rate_hz, channel_count, frame_count)
