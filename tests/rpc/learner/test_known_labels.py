"""Labels that are known already: what is at fault is told and nothing stored; nothing is lost."""

import io
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.rpc.learner.scenes import QUICK, Scene, make_scene, new_id, refused

from aloe.cli.known_labels import read_labels
from aloe.cli.label_tables import write_json, write_table
from aloe.client import (
    AlreadyExists,
    Answer,
    ClipState,
    ConnectOptions,
    EventKind,
    InvalidArgument,
    KnownLabel,
    LearnerClient,
    Split,
    connect,
)
from aloe.local import LocalStack

CLASSES = ("=1+1", 'a, "b"', "日本語", "semi;colon|bar", "\\")


def known(scene: Scene, *, first: int = 0, last: int = 60) -> list[KnownLabel]:
    return [KnownLabel(*each) for each in list(scene.truth.items())[first:last]]


def test_a_known_label_over_a_persons_is_refused_with_both_and_nothing_stored(
    client: LearnerClient, scene: Scene
):
    (lease,) = scene.query("ann", max_clip_count=1)
    client.submit_labels(scene.task_id, "ann", [Answer(lease.lease_id, "low")])
    before = scene.snapshot()
    labels = [KnownLabel("clip-0007", "mid"), KnownLabel(lease.clip_id, "high", Split.TEST)]
    if lease.clip_id == "clip-0007":
        labels[0] = KnownLabel("clip-0008", "mid")
    with pytest.raises(AlreadyExists) as caught:
        client.import_labels(scene.task_id, labels)
    (violation,) = caught.value.violations
    assert violation.field == "labels[1]"
    assert violation.description == (
        f"'{lease.clip_id}' is 'low' (train) by ann already, not 'high' (test)"
    )
    assert scene.snapshot() == before
    result = client.import_labels(scene.task_id, labels, replace=True)
    assert (result.changed_count, result.replaced_count) == (2, 1)
    last = [each for each in client.list_events(scene.task_id) if each.changes][-1]
    assert last.kind is EventKind.LABELS_IMPORTED
    assert (lease.clip_id, ClipState.TEST, "high") in [
        (each.clip_id, each.state, each.label) for each in last.changes
    ]


def test_labels_that_agree_with_what_is_stored_leave_who_gave_them(
    client: LearnerClient, scene: Scene
):
    (lease,) = scene.query("ann", max_clip_count=1)
    client.submit_labels(scene.task_id, "ann", [Answer(lease.lease_id, "low")])
    result = client.import_labels(scene.task_id, [KnownLabel(lease.clip_id, "low")], replace=True)
    assert (result.changed_count, result.replaced_count) == (0, 0)
    assert [each.oracle_id for each in client.export_labels(scene.task_id)] == ["ann"]


def test_two_labels_of_one_clip_are_refused_unless_the_last_is_to_count(
    client: LearnerClient, scene: Scene
):
    labels = [KnownLabel("clip-0001", "low"), KnownLabel("clip-0001", "low")]
    labels.append(KnownLabel("clip-0001", "high"))
    with refused("labels[2]"):
        client.import_labels(scene.task_id, labels)
    assert client.import_labels(scene.task_id, labels, replace=True).changed_count == 1
    assert [each.label for each in client.export_labels(scene.task_id)] == ["high"]


def test_all_labels_of_many_calls_are_checked_before_the_first_is_stored(
    stack: LocalStack, client: LearnerClient, scene: Scene
):
    labels = [
        *known(scene, last=20),
        KnownLabel("nowhere", "low"),
        *known(scene, first=20, last=40),
        *(KnownLabel(f"no-{number}", "low") for number in range(30)),
        KnownLabel("no id", "low"),
        KnownLabel("clip-0050", "lwo"),
    ]
    steps: list[tuple[str, int]] = []
    options = ConnectOptions(max_message_bytes=2_000)
    with connect(stack.learner_address, options) as small:
        with pytest.raises(InvalidArgument) as caught:
            small.import_labels(scene.task_id, labels)
        assert client.get_task(scene.task_id).clip_counts.labeled == 0
        error = caught.value
        assert (error.violation_count, len(error.violations)) == (33, 20)
        assert [each.field for each in error.violations[:2]] == [
            "labels[20].clip",
            "labels[41].clip",
        ]
        assert "33 of 73 labels are refused" in str(error)
        result = small.import_labels(
            scene.task_id, known(scene), on_progress=lambda *step: steps.append(step)
        )
    assert result.changed_count == 60
    assert {step for step, _ in steps} == {"checking", "storing"}
    assert steps[-1] == ("storing", 60)
    assert result.head_version is not None


def test_conflicts_in_a_later_call_store_nothing(
    stack: LocalStack, client: LearnerClient, scene: Scene
):
    client.import_labels(scene.task_id, [KnownLabel("clip-0055", "high")])
    options = ConnectOptions(max_message_bytes=2_000)
    wrong = [*known(scene, last=55), KnownLabel("clip-0055", "low")]
    with connect(stack.learner_address, options) as small:
        with pytest.raises(AlreadyExists) as caught:
            small.import_labels(scene.task_id, wrong)
        assert [each.field for each in caught.value.violations] == ["labels[55]"]
        assert client.get_task(scene.task_id).clip_counts.labeled == 1


def test_what_does_not_fit_into_a_message_is_refused_before_it_is_sent(
    stack: LocalStack, scene: Scene
):
    options = ConnectOptions(max_message_bytes=2_000)
    with connect(stack.learner_address, options) as small:
        for call in (
            lambda: small.submit_labels(scene.task_id, "ann", [Answer("x" * 36, "low")] * 100),
            lambda: small.release_leases(scene.task_id, "ann", ["x" * 36] * 100),
            lambda: small.create_task("t", "p", [f"class {number}" for number in range(500)]),
        ):
            with pytest.raises(InvalidArgument, match="more than the 2,000 of a message"):
                call()


@pytest.mark.slow
def test_the_log_of_large_imports_is_read_in_pages_that_fit(client: LearnerClient):
    scene = make_scene(client, 30_000)
    for last in (30_000, 30_000):
        client.import_labels(scene.task_id, known(scene, last=last), replace=True)
    flipped = [KnownLabel(each.clip_id, "low") for each in known(scene, last=30_000)]
    client.import_labels(scene.task_id, flipped, replace=True)
    events = [each for each in client.list_events(scene.task_id) if each.changes]
    assert len(events) == 6
    assert sum(len(each.changes) for each in events) == 50_000


@pytest.fixture(scope="module")
def table_scene(client: LearnerClient) -> Scene:
    return make_scene(client, 8)


TIMES = st.datetimes(timezones=st.just(UTC)).filter(lambda t: t.year > 1900)
KNOWN = st.one_of(
    st.tuples(st.sampled_from(CLASSES), st.sampled_from(Split)),
    st.just((None, Split.TRAIN)),
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    answers=st.lists(
        st.tuples(KNOWN, st.sampled_from(["", "ann", "bob-2"]), st.none() | TIMES),
        min_size=1,
        max_size=8,
    )
)
def test_what_is_exported_is_imported_as_it_was(
    client: LearnerClient, table_scene: Scene, tmp_path: Path, answers: list[Any]
):
    first, second, third = (
        client.create_task(new_id(), table_scene.pool_id, CLASSES, head_recipe=QUICK).task_id
        for _ in range(3)
    )
    labels = [
        KnownLabel(clip, label, split, oracle, time)
        for clip, ((label, split), oracle, time) in zip(table_scene.truth, answers, strict=False)
    ]
    client.import_labels(first, labels)
    exported = list(client.export_labels(first))
    for write, task in ((write_table, second), (write_json, third)):
        text = io.StringIO(newline="")
        write(exported, text)
        file = tmp_path / "labels"
        file.write_text(text.getvalue(), encoding="utf-8", newline="")
        read = read_labels(file).labels
        client.import_labels(task, read)
        assert list(client.export_labels(task)) == exported
        assert client.import_labels(first, read).changed_count == 0
        assert list(client.export_labels(first)) == exported
