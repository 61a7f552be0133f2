"""Windows of recordings, as WAV files."""

import io
from collections.abc import Iterator

import numpy as np

from aloe.audio.arrays import SampleArray
from aloe.audio.errors import BadAudio
from aloe.audio.sources import JoinedSource


def measure(content: bytes) -> tuple[int, int]:
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


def cut(content: bytes, start_s: float, end_s: float | None) -> bytes:
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
    first, last = round(start_s * rate_hz), None if end_s is None else round(end_s * rate_hz)
    try:
        blocks = list(_window(source.blocks(), first, last))
    finally:
        source.close()
    _check(source)
    frame_count = sum(map(len, blocks))
    if not frame_count:
        raise BadAudio(f"it ends before the segment starts, at {start_s:g} s: correct the segment")
    samples = np.concatenate(blocks)
    wav = io.BytesIO()
    # Not FLOAT: its header holds the time of writing, and equal clips must have equal bytes.
    subtype = "PCM_16" if samples.dtype == np.int16 else "PCM_32"
    soundfile.write(wav, samples, rate_hz, format="WAV", subtype=subtype)
    return wav.getvalue()


def _window(blocks: Iterator[SampleArray], first: int, last: int | None) -> Iterator[SampleArray]:
    begin = 0
    for block in blocks:
        end = begin + len(block)
        if end > first:
            yield block[max(0, first - begin) : None if last is None else max(0, last - begin)]
        begin = end
        if last is not None and begin >= last:
            return


def _check(source: JoinedSource) -> None:
    found = source.findings
    wrong = [found.cut_off, found.damage]
    if any(wrong):
        raise BadAudio("; ".join(filter(None, wrong)))
