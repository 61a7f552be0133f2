"""What the store writes comes back as it was, bit for bit."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from aloe.learner.adapters.redis import codec
from aloe.learner.adapters.redis.stored_clips import StoredClips
from aloe.learner.cache.clips import PoolClips
from aloe.learner.domain.class_changes import changed_classes
from aloe.learner.domain.classes import ClassDetails
from aloe.learner.domain.errors import StoreDamaged
from aloe.learner.domain.estimating import AccuracyEstimate
from aloe.learner.domain.evaluation import Evaluation
from aloe.learner.domain.head import Head, shortened
from aloe.learner.domain.pool import ChangedClip, Clip, EncoderInfo, Pool
from aloe.learner.domain.rounds import Round
from aloe.learner.domain.task import Task
from aloe.values.audio import (
    AudioProblem,
    AudioReport,
    AudioWarning,
    ChannelRule,
    Decoding,
)
from aloe.values.classes import AddClass, MergeClass, RetireClass
from aloe.values.recipes import AdamRecipe, LbfgsRecipe, LogisticRecipe, RidgeRecipe
from aloe.values.stopping import (
    AllOfRules,
    AnyOfRules,
    LabelCountRule,
    PlateauRule,
    StablePredictionsRule,
    UncertaintyRule,
)
from aloe.values.strategies import AcquisitionFunction, QueryStrategy, SelectionRule

# Whatever protobuf takes: any Unicode but lone surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = st.timedeltas(timedelta(0), timedelta(days=50_000)).map(lambda since: EPOCH + since)
PARTS = st.floats(0, 1)
SECONDS = st.floats(0, 1e6)

POOLS = st.builds(
    Pool,
    pool_id=st.just("p"),
    encoder=st.builds(EncoderInfo, TEXT, TEXT, st.integers(1, 65_536)),
    keep_audio=st.booleans(),
    epoch=TEXT,
    create_time=TIMES,
)
DECODINGS = st.builds(
    Decoding,
    st.sampled_from([None, ChannelRule.MIX, ChannelRule.LOUDEST]),
    st.just(0),
    st.booleans(),
) | st.builds(Decoding, st.just(ChannelRule.NUMBERED), st.integers(1, 64), st.booleans())
WARNINGS = st.builds(AudioWarning, st.sampled_from(AudioProblem), TEXT)
REPORTS = st.builds(
    AudioReport,
    st.integers(1, 10**6),
    st.integers(1, 64),
    st.integers(0, 64),
    st.lists(WARNINGS, max_size=2).map(tuple),
)
CLIPS = st.builds(Clip, TEXT, TEXT, TEXT, st.none() | SECONDS) | st.builds(
    Clip, TEXT, TEXT, TEXT, SECONDS, DECODINGS, REPORTS
)
ATTRIBUTES = st.dictionaries(TEXT, TEXT | st.floats(allow_nan=False) | TIMES, max_size=3)
CLIPS = CLIPS | st.builds(replace, CLIPS, attributes=ATTRIBUTES)
CHANGED_CLIPS = st.builds(
    replace,
    CLIPS,
    other_ids=st.lists(TEXT, max_size=3).map(tuple),
    is_retired=st.booleans(),
)
FINITE = st.floats(0, 1)
PLAIN_RULES = (
    st.builds(PlateauRule, st.integers(1, 1_000), FINITE)
    | st.builds(StablePredictionsRule, st.integers(1, 1_000), FINITE, st.booleans())
    | st.builds(UncertaintyRule, FINITE)
    | st.builds(LabelCountRule, st.integers(1, 2**64 - 1))
)
RULES = st.recursive(
    PLAIN_RULES,
    lambda inner: st.builds(
        lambda kind, rules: kind(tuple(rules)),
        st.sampled_from([AnyOfRules, AllOfRules]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
)
TASKS = st.builds(
    Task,
    task_id=st.just("t"),
    pool_id=TEXT,
    classes=st.lists(TEXT, min_size=2, max_size=5).map(tuple),
    epoch=TEXT,
    create_time=TIMES,
    query_strategy=st.builds(
        QueryStrategy, st.sampled_from(AcquisitionFunction), st.sampled_from(SelectionRule)
    ),
    head_recipe=st.builds(
        AdamRecipe, st.floats(1e-9, 10), st.integers(1, 10_000), st.integers(1, 65_536)
    )
    | st.builds(LbfgsRecipe, st.floats(0, 1e9))
    | st.builds(LogisticRecipe, st.floats(0, 1e9), st.integers(1, 10_000), PARTS)
    | st.builds(RidgeRecipe, st.floats(1e-6, 1e6), PARTS),
    label_budget=st.none() | st.integers(1, 2**64 - 1),
    lease_duration=st.timedeltas(timedelta(microseconds=1), timedelta(days=1)),
    seed=st.integers(0, 2**64 - 1),
    stopping_rule=st.none() | RULES,
    estimate_accuracy=st.booleans(),
    audit_share=st.floats(0, 0.5),
)
CLASS_DETAILS = st.builds(
    ClassDetails,
    st.none(),
    st.booleans(),
    TEXT,
    TEXT,
    st.lists(TEXT, max_size=2).map(tuple),
    st.none() | TIMES,
)
TASKS = TASKS | st.builds(
    lambda task, details, into: replace(
        task,
        # The last one is merged into none, so that there is no circle.
        class_details=tuple(
            replace(each, merged_into=into if place < into else None)
            for place, each in enumerate(details[: len(task.classes)])
        ),
        class_mark=str(into),
    ),
    TASKS,
    st.lists(CLASS_DETAILS, min_size=5, max_size=5),
    st.integers(0, 1),
)
EVALUATIONS = st.builds(
    Evaluation,
    clip_count=st.integers(1, 10**6),
    accuracy=PARTS,
    macro_f1=PARTS,
    class_recalls=st.lists(PARTS | st.just(float("nan")), min_size=2, max_size=4).map(tuple),
    loss=st.floats(0, 88),
    calibration_error=st.none() | PARTS,
)
ESTIMATES = st.builds(
    AccuracyEstimate,
    *(PARTS, PARTS, PARTS),
    label_count=st.integers(20, 400),
    audit_label_count=st.integers(0, 400),
    intercept=st.floats(-20, 20),
    slope=st.floats(-20, 20),
)
ROUNDS = st.builds(
    Round,
    head_version=st.integers(1, 10**6),
    label_count=st.integers(2, 10**6),
    validation=st.none() | EVALUATIONS,
    test=st.none() | EVALUATIONS,
    start_time=TIMES,
    training_s=SECONDS,
    evaluation_s=SECONDS,
    training_loss=st.floats(0, 88) | st.just(float("nan")),
    prediction_agreement=st.none() | st.floats(-1, 1),
    mean_uncertainty=st.none() | PARTS,
    statistics_s=st.none() | SECONDS,
    store_s=st.none() | SECONDS,
    accuracy_estimate=st.none() | ESTIMATES,
)


@given(POOLS)
def test_a_pool_comes_back(pool):
    assert codec.load_pool("p", codec.dump_pool(pool).encode()) == pool


@given(POOLS, st.integers(0, 2**52), st.integers(0, 2**52))
def test_a_pools_counts_are_told_apart(pool, clip_count, retired_count):
    text = codec.dump_pool(pool).encode()
    assert codec.load_pool("p", text, clip_count + retired_count, retired_count).clip_count == (
        clip_count
    )


@given(st.integers(0, 10**9), CHANGED_CLIPS)
def test_a_clip_that_was_changed_comes_back(row, clip):
    line = codec.dump_clip(clip)
    assert "\n" not in line
    assert codec.load_clip(line.encode()) == clip
    assert codec.load_change(f"{row} {line}".encode()) == ChangedClip(row, clip)


@given(st.lists(CLIPS, min_size=1))
def test_clips_come_back_each_from_a_line_of_its_own(clips):
    lines = codec.dump_clips(clips)
    stored = StoredClips([line.encode() for line in lines])
    assert list(stored) == clips
    places = range(len(clips) - 1, -1, -1)
    assert stored.clip_ids(places) == [clips[place].clip_id for place in places]
    assert stored.clip_ids([]) == []
    assert not any("\n" in line for line in lines)


def test_clips_are_written_as_older_servers_wrote_them():
    clip = Clip("a", "b" * 32, 'file:///a "b"\n[.wav', 1.5)
    fields = [clip.clip_id, clip.content_hash, clip.uri, "", clip.duration_s]
    assert codec.dump_clips([clip, clip]) == [json.dumps(fields)] * 2


@given(TASKS)
def test_a_task_comes_back(task):
    assert codec.load_task("t", codec.dump_task(task).encode()) == task


@given(ROUNDS)
def test_a_round_comes_back_with_its_nans(round_):
    # As text, since NaN is not equal to itself.
    assert repr(codec.load_round(codec.dump_round(round_).encode())) == repr(round_)


@given(ROUNDS)
def test_a_round_of_an_older_version_lacks_what_was_not_kept_then(round_):
    fields = json.loads(codec.dump_round(round_))
    for name in (
        *("prediction_agreement", "mean_uncertainty", "statistics_s", "store_s"),
        "accuracy_estimate",
    ):
        del fields[name]
    for split in ("validation", "test"):
        if fields[split]:
            del fields[split]["calibration_error"]
    found = codec.load_round(json.dumps(fields).encode())
    assert (found.prediction_agreement, found.mean_uncertainty) == (None, None)
    assert (found.statistics_s, found.store_s, found.accuracy_estimate) == (None, None, None)
    assert found.label_count == round_.label_count
    assert found.validation is None or found.validation.calibration_error is None


@given(TASKS)
def test_a_task_of_an_older_version_has_no_stopping_rule(task):
    fields = json.loads(codec.dump_task(task))
    del fields["stopping_rule"]
    found = codec.load_task("t", json.dumps(fields))
    assert found == replace(task, stopping_rule=None)


ANY_FLOAT32 = st.floats(width=32)


@given(st.data(), st.integers(1, 6), st.integers(2, 5), st.integers(1, 2**31))
def test_a_head_comes_back_bit_for_bit(data, dim, class_count, version):
    weights = data.draw(hnp.arrays(np.float32, (dim, class_count), elements=ANY_FLOAT32))
    biases = data.draw(hnp.arrays(np.float32, class_count, elements=ANY_FLOAT32))
    gaps = data.draw(st.lists(st.integers(1, 3), min_size=class_count, max_size=class_count))
    head = Head(
        version,
        weights,
        biases,
        "",
        shortened([sum(gaps[: n + 1]) - 1 for n in range(class_count)]),
        unseen=tuple(sorted(data.draw(st.sets(st.integers(0, class_count - 1))))),
    )
    back = codec.load_head(
        a_task(9), version, codec.dump_head(head), None, codec.dump_head_classes(head).encode()
    )
    assert (back.version, back.class_indices) == (version, head.class_indices)
    assert back.unseen == head.unseen
    assert_array_equal(back.weights.view(np.uint32), weights.view(np.uint32))
    assert_array_equal(back.biases.view(np.uint32), biases.view(np.uint32))


def a_task(class_count: int) -> Task:
    return Task("t", "p", tuple(map(str, range(class_count))), "e", EPOCH)


def test_a_head_of_an_older_version_has_the_classes_that_its_task_began_with():
    table = a_task(2).class_table
    for change in (AddClass("later"), RetireClass("0")):
        table = changed_classes(table, change, EPOCH)
    head = Head(1, np.ones((3, 2), np.float32), np.ones(2, np.float32))
    back = codec.load_head(a_task(2).reclassed(table, "mark"), 1, codec.dump_head(head), None, None)
    assert (back.column_classes, back.weights.shape) == ((0, 1), (3, 2))


@pytest.mark.parametrize(
    ("index", "fields"),
    [
        (0, {"merged_into": 0}),
        (0, {"merged_into": 3}),
        (0, {"merged_into": -1}),
        (1, {"merged_into": 0}),
        (2, {"description": 3}),
        (2, {"former_names": [None]}),
        (2, {"add_time": "no time"}),
    ],
)
def test_classes_that_no_server_wrote_are_damage(index, fields):
    table = changed_classes(a_task(3).class_table, MergeClass("0", "1"), EPOCH)
    stored = json.loads(codec.dump_task(a_task(3).reclassed(table, "mark")))
    stored["class_details"][index] |= fields
    with pytest.raises(codec.UNREADABLE):
        codec.load_task("t", json.dumps(stored))


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_a_time_of_redis_is_exact_to_the_millisecond(milliseconds):
    time = codec.time_of_ms(milliseconds)
    assert time.tzinfo is UTC
    assert time - EPOCH == timedelta(milliseconds=milliseconds)
    # A script writes numbers with 14 digits and leaves texts as they are.
    dumped = codec.dump_time(time)
    passed_on = f"{dumped:.14g}" if isinstance(dumped, int) else dumped
    assert codec.time_of_ms(json.loads(passed_on)) == time


def test_a_clip_of_an_older_version_does_not_say_how_it_was_read():
    (clip,) = StoredClips([b'["a", "hash", "uri", "key", 1.5]'])
    assert clip == Clip("a", "hash", "uri", 1.5)


def test_clips_that_are_none_have_no_ids():
    for text in (b'["a', b"{}", b'["\xff", ""]', b""):
        stored = StoredClips([b'["before", "hash"]', text, b'["after", "hash"]'], "key")
        with pytest.raises(StoreDamaged, match="key"):
            stored.clip_ids([0, 1, 2])


def test_ids_of_clips_are_found_piece_by_piece_and_as_they_are_by_now():
    clips = PoolClips()
    for first, count in ((0, 3), (3, 1), (4, 5)):
        each = [Clip(f"clip-{row}", "hash") for row in range(first, first + count)]
        clips.append(StoredClips([line.encode() for line in codec.dump_clips(each)]))
    clips.change(3, Clip("changed", "hash"))
    rows = np.array([8, 0, 2, 3, 4, 7, 1])
    ids = [f"clip-{row}" if row != 3 else "changed" for row in rows]
    assert clips.clip_ids(rows) == ids == [clips[row].clip_id for row in rows.tolist()]
    assert clips.clip_ids(rows[:0]) == []


@pytest.mark.parametrize("clip_id", ["plain", 'a "quoted" one', "back\\slash", "ünlaut"])
def test_the_content_of_a_clip_is_read_without_the_rest(clip_id):
    clips = [Clip("before", "hash-0"), Clip(clip_id, "hash-1", "file:///a.wav")]
    for texts in (codec.dump_clips(clips), [codec.dump_clip(each) for each in clips]):
        stored = StoredClips([text.encode() for text in texts])
        assert [stored.content_hash(place) for place in (0, 1)] == ["hash-0", "hash-1"]
