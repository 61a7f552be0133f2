"""Pools as JSON, clips and recordings as JSON in lines, vectors as bytes."""

import json
from collections.abc import Sequence
from dataclasses import asdict, astuple, replace
from datetime import datetime
from typing import Any

import numpy as np

from aloe.learner.adapters.redis.codec.basics import (
    check_texts,
    load_count,
)
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.pool import ChangedClip, Clip, EncoderInfo, Pool
from aloe.learner.domain.windows import Recording, Window
from aloe.values.attributes import NO_ATTRIBUTES, Attributes, AttributeValue
from aloe.values.audio import (
    DEFAULT_DECODING,
    NOTHING_FOUND,
    AudioProblem,
    AudioReport,
    AudioWarning,
    Decoding,
    parse_channel,
)

_FLOAT32 = np.dtype("<f4")
_NO_KEY = ""
"""Where older versions had the place of kept audio, which the content hash tells."""
_CLIP_ENCODER = json.JSONEncoder(separators=("\n", ":"))


def dump_pool(pool: Pool) -> str:
    """Write a pool without its counts."""
    return json.dumps(
        {
            "encoder": asdict(pool.encoder),
            "keep_audio": pool.keep_audio,
            "epoch": pool.epoch,
            "create_time": pool.create_time.isoformat(),
        }
    )


def load_pool(
    pool_id: str, text: bytes, row_count: int = 0, retired_count: int = 0, change_count: int = 0
) -> Pool:
    """Read what dump_pool wrote."""
    spec = json.loads(text)
    if retired_count > row_count:
        raise ValueError(f"{retired_count} of {row_count} rows are retired")
    check_texts(spec["epoch"])
    return Pool(
        pool_id=pool_id,
        encoder=EncoderInfo(**spec["encoder"]),
        keep_audio=spec["keep_audio"],
        epoch=spec["epoch"],
        create_time=datetime.fromisoformat(spec["create_time"]),
        row_count=row_count,
        retired_count=retired_count,
        change_count=change_count,
    )


def dump_clips(clips: Sequence[Clip]) -> list[str]:
    """Write clips, each as a line. One call takes a third of the time of many."""
    if any(clip.other_ids for clip in clips):
        return [dump_clip(clip) for clip in clips]
    text = _CLIP_ENCODER.encode(
        [
            (
                *(clip.clip_id, clip.content_hash, clip.uri, _NO_KEY, clip.duration_s),
                *_dump_rest(clip),
            )
            for clip in clips
        ]
    )
    # Within strings JSON escapes line feeds and NULs: all that stand here are separators.
    return text[1:-1].replace("]\n[", "]\0[").replace("\n", ", ").split("\0") if clips else []


def dump_clip(clip: Clip) -> str:
    """Write a clip as a line, with what only clips have that were changed."""
    return json.dumps(
        (
            *(clip.clip_id, clip.content_hash, clip.uri, _NO_KEY, clip.duration_s),
            *(_dump_heard(clip.decoding, clip.report) or ("",)),
            *(clip.other_ids, clip.is_retired, *_dump_more(clip)),
        )
    )


def load_clip(text: bytes) -> Clip:
    """Read what dump_clips or dump_clip wrote."""
    # Clips by embedding and those of older versions do not say how they were read.
    clip_id, content_hash, uri, _, duration_s, *rest = json.loads(text)
    heard, *changed = rest or ("",)
    other_ids, is_retired, *more = changed or ((), False)
    check_texts(clip_id, content_hash, uri, *other_ids)
    known = json.loads(more[0]) if more else {}
    clip = Clip(
        *(clip_id, content_hash, uri, duration_s),
        other_ids=tuple(other_ids),
        is_retired=is_retired,
        attributes=_load_attributes(known["attributes"]) if known else NO_ATTRIBUTES,
        window=_load_window(*known["window"]) if "window" in known else None,
    )
    if not heard:
        return clip
    decoding, report = _load_heard(heard)
    return replace(clip, decoding=decoding, report=report)


def load_change(text: bytes) -> ChangedClip:
    """Read what change_pool.lua wrote of a clip that was changed."""
    row, _, record = text.partition(b" ")
    return ChangedClip(load_count(row), load_clip(record))


def load_vectors(blob: bytes, embedding_dim: int) -> Float32Array:
    """Read a chunk: (n, embedding_dim) float32."""
    return np.frombuffer(blob, dtype=_FLOAT32).reshape(-1, embedding_dim)


def _dump_rest(clip: Clip) -> tuple[Any, ...]:
    """Write what a clip that was never changed has besides what all have."""
    heard, more = _dump_heard(clip.decoding, clip.report), _dump_more(clip)
    return (*(heard or ("",)), (), False, *more) if more else heard


def _dump_more(clip: Clip) -> tuple[str, ...]:
    """Write what only some clips have, as text within the line."""
    if not (clip.attributes or clip.window):
        return ()
    more: dict[str, Any] = {"attributes": _dump_attributes(clip.attributes)}
    if clip.window:
        more["window"] = astuple(clip.window)
    return (json.dumps(more, separators=(",", ":")),)


def _dump_attributes(attributes: Attributes) -> dict[str, Any]:
    return {name: _dump_value(value) for name, value in attributes.items()}


def _dump_value(value: AttributeValue) -> Any:
    return [value.isoformat()] if isinstance(value, datetime) else value


def _load_attributes(stored: dict[str, Any]) -> Attributes:
    """Read attributes; a time is a list, of one text."""
    attributes = {
        name: datetime.fromisoformat(value[0]) if isinstance(value, list) else value
        for name, value in stored.items()
    }
    for value in attributes.values():
        if type(value) not in (str, int, float, datetime):
            raise ValueError(f"{value!r:.80} is no attribute")
    return attributes


def _load_window(recording_id: str, start_s: float, end_s: float) -> Window:
    check_texts(recording_id)
    return Window(recording_id, float(start_s), float(end_s))


def dump_recording(recording: Recording) -> str:
    """Write a recording."""
    heard = _dump_heard(recording.decoding, recording.report)
    return json.dumps(
        {
            "content_hash": recording.content_hash,
            "create_time": recording.create_time.isoformat(),
            "byte_count": recording.byte_count,
            "uri": recording.uri,
            "heard": heard[0] if heard else "",
            "duration_s": recording.duration_s,
            "decoded_s": recording.decoded_s,
            "problem": recording.problem,
            "attributes": _dump_attributes(recording.attributes),
        }
    )


def load_recording(recording_id: str, text: bytes) -> Recording:
    """Read what dump_recording wrote."""
    stored = json.loads(text)
    check_texts(stored["content_hash"], stored["uri"], stored["problem"])
    decoding, report = _load_heard(stored["heard"])
    return Recording(
        recording_id=recording_id,
        content_hash=stored["content_hash"],
        create_time=datetime.fromisoformat(stored["create_time"]),
        byte_count=int(stored["byte_count"]),
        uri=stored["uri"],
        decoding=decoding,
        report=report,
        duration_s=stored["duration_s"],
        decoded_s=float(stored["decoded_s"]),
        problem=stored["problem"],
        attributes=_load_attributes(stored["attributes"]),
    )


def _dump_heard(decoding: Decoding, report: AudioReport) -> tuple[str, ...]:
    """Write how audio was read and what was found in it, as text within the line."""
    if report == NOTHING_FOUND and decoding == DEFAULT_DECODING:
        return ()
    heard: list[Any] = [report.sample_rate_hz, report.channel_count, report.channel]
    if report.warnings or decoding != DEFAULT_DECODING:
        warnings = [(each.problem.value, each.message) for each in report.warnings]
        heard += [decoding.channel_text, decoding.accept_damaged, warnings]
    return (json.dumps(heard, separators=(",", ":")),)


def _load_heard(text: str) -> tuple[Decoding, AudioReport]:
    if not text:
        return DEFAULT_DECODING, NOTHING_FOUND
    rate_hz, channel_count, channel, *rest = json.loads(text)
    channel_text, accept_damaged, warnings = rest or ("", False, ())
    found = tuple(AudioWarning(AudioProblem(problem), what) for problem, what in warnings)
    return (
        Decoding(*parse_channel(channel_text), accept_damaged),
        AudioReport(rate_hz, channel_count, channel, found),
    )
