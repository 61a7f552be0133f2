"""Windows of recordings, as WAV files."""

import io
from contextlib import closing

import numpy as np

from aloe.audio.arrays import SampleArray
from aloe.audio.content import Content
from aloe.audio.errors import BadAudio
from aloe.audio.sources import JoinedSource


def measure(content: Content) -> tuple[int, int]:
    """Return a recording's length in frames and its sampling rate in Hz, by decoding it.

    Raises:
        BadAudio: it cannot be decoded, or is damaged.
    """
    source = JoinedSource(content)
    try:
        frame_count = sum(len(block) for block in source.blocks())
    finally:
        source.close()
    _check(source)
    return frame_count, source.sample_rate_hz


def cut(content: Content, start_s: float, end_s: float | None) -> bytes:
    """Cut a window out of a recording; it stops at the end of the recording.

    The same recording and times give the same bytes.

    Args:
        content: the recording.
        start_s: where to begin.
        end_s: where to end; None is the end of the recording.

    Raises:
        BadAudio: it cannot be decoded, is damaged before the end of the window, or ends before
            the window begins.
    """
    import soundfile

    source = JoinedSource(content)
    rate_hz = source.sample_rate_hz
    last = None if end_s is None else round(end_s * rate_hz)
    try:
        samples = _window(source, round(start_s * rate_hz), last)
    finally:
        source.close()
    _check(source)
    if isinstance(samples, int):
        raise BadAudio(
            f"it lasts {samples / rate_hz:.3f} s, and the segment starts at {start_s:g} s: correct"
            " the segment"
        )
    wav = io.BytesIO()
    # Not FLOAT: its header holds the time of writing, and equal clips must have equal bytes.
    subtype = "PCM_16" if samples.dtype == np.int16 else "PCM_32"
    soundfile.write(wav, samples, rate_hz, format="WAV", subtype=subtype)
    return wav.getvalue()


def _window(source: JoinedSource, first: int, last: int | None) -> SampleArray | int:
    """Return the frames from `first` to `last`, or how many there are if it ends before."""
    kept: list[SampleArray] = []
    begin = 0
    with closing(source.blocks()) as blocks:
        for block in blocks:
            end = begin + len(block)
            if end > first:
                kept.append(block[max(0, first - begin) : None if last is None else last - begin])
            begin = end
            if last is not None and begin >= last:
                break
    return np.concatenate(kept) if sum(map(len, kept)) else begin


def _check(source: JoinedSource) -> None:
    found = source.findings
    wrong = [found.cut_off, found.damage]
    if any(wrong):
        raise BadAudio(f"{'; '.join(filter(None, wrong))}: get it again, or leave it out")
