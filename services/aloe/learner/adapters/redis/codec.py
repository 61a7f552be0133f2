"""Tasks, pools, clips and rounds as JSON, heads as bytes: how the Redis store writes them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, astuple, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from aloe.learner.adapters.redis.stored_classes import dump_class_life, load_class_details
from aloe.learner.domain.arrays import Float32Array
from aloe.learner.domain.classes import NO_CLASS
from aloe.learner.domain.estimating import AccuracyEstimate
from aloe.learner.domain.evaluation import Evaluation
from aloe.learner.domain.head import Head, shortened
from aloe.learner.domain.label_sets import ClassSet, dump_class_set, load_class_set
from aloe.learner.domain.leases import Basis
from aloe.learner.domain.pool import ChangedClip, Clip, EncoderInfo, Pool
from aloe.learner.domain.promotions import PromotedHead, Promotion
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.several_evaluation import ClassFigures
from aloe.learner.domain.task import Task
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
from aloe.values.labels import LabelMode, Unmentioned
from aloe.values.representations import Representation
from aloe.values.strategies import AcquisitionFunction, QueryStrategy, SelectionRule
from aloe.wire.settings import HEAD_RECIPE, STOPPING_RULE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS_OF_SCRIPTS = 14
UNREADABLE = (
    *(ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError),
    RecursionError,  # Of JSON that is nested deeply.
)
"""What reading a value raises that no server of ours wrote."""
MAX_COUNT = 10**9
"""Of rows, labels, heads, changes: no Redis holds as many."""
_FLOAT32 = np.dtype("<f4")
_NO_KEY = ""
"""Where older versions had the place of kept audio, which the content hash tells."""
_CLIP_ENCODER = json.JSONEncoder(separators=("\n", ":"))


def time_of_ms(milliseconds: float | str) -> datetime:
    """Read a time as Redis tells it, or as dump_time wrote it."""
    return _EPOCH + timedelta(milliseconds=int(milliseconds))


def dump_time(time: datetime) -> int | str:
    """Write a time as a script passes it on, in whole milliseconds: none becomes a later one."""
    milliseconds = (time - _EPOCH) // timedelta(milliseconds=1)
    # Scripts write numbers with 14 digits, which last until the year 5138.
    return milliseconds if abs(milliseconds) < 10**_DIGITS_OF_SCRIPTS else str(milliseconds)


def load_count(text: bytes | str | None) -> int:
    """Read a number of rows, labels, heads or changes; none is 0.

    Raises:
        ValueError: it is no number, or none that such a count can be.
    """
    count = int(text or 0)
    if not 0 <= count <= MAX_COUNT:
        raise ValueError(f"{count} is no count")
    return count


def check_row(row: object) -> int:
    """Return the place of a clip in its pool. Raises ValueError where it can be none."""
    if type(row) is not int or not 0 <= row < MAX_COUNT:
        raise ValueError(f"{row!r:.80} is no row")
    return row


def check_texts(*texts: object) -> None:
    """Raise ValueError where something else than text stands."""
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"{text!r:.80} is no text")  # noqa: TRY004 - see UNREADABLE


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


def dump_task(task: Task) -> str:
    """Write a task."""
    return json.dumps(
        {
            "pool_id": task.pool_id,
            "classes": task.classes,
            "epoch": task.epoch,
            "create_time": task.create_time.isoformat(),
            "acquisition_function": task.query_strategy.acquisition_function.value,
            "selection_rule": task.query_strategy.selection_rule.value,
            "head_recipe": HEAD_RECIPE.dump(task.head_recipe),
            "representation": task.representation.value,
            "label_budget": task.label_budget,
            "lease_duration_s": task.lease_duration.total_seconds(),
            # As text: a JSON number holds 53 bits.
            "seed": str(task.seed),
            "max_leases_per_oracle": task.max_leases_per_oracle,
            "stopping_rule": task.stopping_rule and STOPPING_RULE.dump(task.stopping_rule),
            "estimate_accuracy": task.estimate_accuracy,
            "audit_share": task.audit_share,
            "window_spacing_s": task.window_spacing.total_seconds(),
            "revision": task.revision,
            **dump_class_life(task),
            **_dump_several(task),
        }
    )


def _dump_several(task: Task) -> dict[str, str]:
    """Write what only tasks of several labels a clip have."""
    if task.label_mode is LabelMode.SINGLE:
        return {}
    return {"label_mode": task.label_mode.value, "unmentioned": task.unmentioned.value}


def load_task(task_id: str, text: bytes | str) -> Task:
    """Read what dump_task wrote."""
    spec = json.loads(text)
    return Task(
        task_id=task_id,
        pool_id=spec["pool_id"],
        classes=tuple(spec["classes"]),
        epoch=spec["epoch"],
        create_time=datetime.fromisoformat(spec["create_time"]),
        query_strategy=QueryStrategy(
            AcquisitionFunction(spec["acquisition_function"]),
            SelectionRule(spec["selection_rule"]),
        ),
        head_recipe=HEAD_RECIPE.load(spec["head_recipe"]),
        # Tasks of older versions read the embeddings.
        representation=Representation(spec.get("representation", Representation.NONE.value)),
        label_budget=spec["label_budget"],
        lease_duration=timedelta(seconds=spec["lease_duration_s"]),
        seed=int(spec["seed"]),
        max_leases_per_oracle=spec["max_leases_per_oracle"],
        # Tasks of older versions have none.
        stopping_rule=STOPPING_RULE.load(spec["stopping_rule"])
        if spec.get("stopping_rule")
        else None,
        estimate_accuracy=spec.get("estimate_accuracy", False),
        audit_share=spec.get("audit_share", 0.0),
        window_spacing=timedelta(seconds=spec.get("window_spacing_s", 0)),
        label_mode=LabelMode(spec.get("label_mode", LabelMode.SINGLE.value)),
        unmentioned=Unmentioned(spec.get("unmentioned", Unmentioned.NEGATIVE.value)),
        revision=spec.get("revision", 0),
        class_details=load_class_details(spec),
        class_mark=spec.get("class_mark", ""),
    )


def dump_class(class_index: int, class_set: ClassSet | None) -> int | str:
    """Write a label: the class, or of several labels a clip what dump_class_set makes of them."""
    return class_index if class_set is None else dump_class_set(class_set)


def load_class(stored: int | str, task: Task) -> tuple[int, ClassSet | None]:
    """Read what dump_class wrote: NO_CLASS or the index of a class, and a set if there is one.

    Raises:
        ValueError: the task has no such class, or no such labels.
    """
    if isinstance(stored, str):
        found = load_class_set(stored)
        highest = max((*found.positive, *found.negative), default=NO_CLASS)
        if task.label_mode is LabelMode.SINGLE or highest >= len(task.classes):
            raise ValueError(f"{stored!r:.80} are no labels of {len(task.classes)} classes")
        return NO_CLASS, found
    if type(stored) is not int or not NO_CLASS <= stored < len(task.classes):
        raise ValueError(f"{stored!r:.80} is no class of {len(task.classes)}")
    return stored, None


def dump_strategy(strategy: QueryStrategy | None) -> str:
    """Write what ranked clips, for the log."""
    if strategy is None:
        return ""
    return f"{strategy.selection_rule.value} {strategy.acquisition_function.value}"


def load_strategy(text: str) -> QueryStrategy | None:
    """Read what dump_strategy wrote."""
    rule, _, function = text.partition(" ")
    # Where no head ranked, older versions wrote "cold start".
    if not text or rule == "cold":
        return None
    return QueryStrategy(AcquisitionFunction(function), SelectionRule(rule))


def dump_basis(basis: Basis) -> str:
    """Write what a ranking rests on, for the log."""
    *parts, choice = astuple(basis)
    return json.dumps([*parts, choice] if choice else parts, separators=(",", ":"))


def load_basis(text: str) -> Basis:
    """Read what dump_basis wrote."""
    event_id, *counts, map_name, choice = [*json.loads(text), ""][:7]
    check_texts(event_id, map_name, choice)
    row_count, retired_count, batch_size, most = map(check_row, counts)
    return Basis(event_id, row_count, retired_count, batch_size, most, map_name, choice)


def dump_head(head: Head) -> bytes:
    """Write a head: the biases follow the weights, row-major little-endian float32."""
    return np.vstack([head.weights, head.biases]).astype(_FLOAT32).tobytes()


def dump_head_classes(head: Head) -> str:
    """Write the class of each column."""
    return json.dumps(head.column_classes, separators=(",", ":"))


def load_head(
    task: Task, version: int, data: bytes, map_name: bytes | None, classes: bytes | None
) -> Head:
    """Read what dump_head wrote, with the name of the map that it reads and its classes."""
    # Heads of older versions have neither: they are of tasks whose classes did not change.
    original = range(task.class_table.original_count)
    columns = [check_row(each) for each in json.loads(classes)] if classes else original
    parameters = np.frombuffer(data, dtype=_FLOAT32).reshape(-1, len(columns))
    map_text = (map_name or b"").decode()
    return Head(
        version,
        parameters[:-1],
        parameters[-1],
        map_text,
        shortened(columns),
        task.label_mode,
    )


def dump_round(round_: Round) -> str:
    """Write a round."""
    fields = asdict(round_)
    fields["start_time"] = round_.start_time.isoformat()
    fields["head_recipe"] = HEAD_RECIPE.dump(round_.head_recipe)
    return json.dumps(fields)


def load_round(text: bytes) -> Round:
    """Read what dump_round wrote."""
    fields = json.loads(text)
    fields["start_time"] = datetime.fromisoformat(fields["start_time"])
    fields["head_recipe"] = HEAD_RECIPE.load(fields["head_recipe"])
    for split in ("validation", "test"):
        fields[split] = _load_evaluation(fields[split])
    fields["class_indices"] = tuple(fields.get("class_indices", ()))
    if fields.get("accuracy_estimate"):
        fields["accuracy_estimate"] = AccuracyEstimate(**fields["accuracy_estimate"])
    return Round(**fields)


def load_promotion(promotion_id: str, heads: Sequence[Sequence[int]]) -> Promotion:
    """Read what promote.lua stored: the version of each head, and since when in ms."""
    head, *earlier = (
        PromotedHead(load_count(str(version)), datetime.fromtimestamp(since_ms / 1000, UTC))
        for version, since_ms in heads
    )
    return Promotion(promotion_id, head, tuple(earlier))


def _load_evaluation(fields: dict[str, Any] | None) -> Evaluation | None:
    if fields is None:
        return None
    figures = fields.get("figures")
    return Evaluation(
        **{
            **fields,
            "class_recalls": tuple(fields["class_recalls"]),
            "figures": figures
            and ClassFigures(**{name: tuple(values) for name, values in figures.items()}),
        }
    )
