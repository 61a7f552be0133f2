"""What is known of clips besides their audio: from import to lease, export and change."""

from datetime import UTC, datetime, timedelta, timezone

import grpc
import pytest
from tests.rpc.learner.recordings import encoded, tone
from tests.rpc.learner.scenes import (
    FINGERPRINT,
    Scene,
    check_refused,
    clip_id,
    fails_with,
    failure_of,
    new_id,
    refused,
)

from aloe.client import (
    AsyncLearnerClient,
    Attributes,
    ClipUpdate,
    LearnerClient,
    NewClip,
    NotFound,
    Pool,
)
from aloe.v1 import attribute_pb2, pool_pb2

MADE = datetime(2026, 5, 4, 13, 30, 0, 250, tzinfo=UTC)
KNOWN: Attributes = {"made": MADE, "site": "north", "snr": -3.5}


def test_attributes_of_recordings_are_told_wherever_the_clip_is(
    client: LearnerClient, audio_pool: Pool
):
    pool_id, task_id = audio_pool.pool_id, new_id()
    here = {**KNOWN, "made": MADE.astimezone(timezone(timedelta(hours=2)))}
    clips = [NewClip("a", encoded(tone(300)), attributes=here), NewClip("b", encoded(tone(500)))]
    assert client.import_clips(pool_id, clips).imported_count == 2
    assert client.get_clip(pool_id, "a").attributes == KNOWN
    assert [each.attributes for each in client.list_clips(pool_id)] == [KNOWN, {}]
    exported = list(client.export_clips(pool_id))
    assert [each.clip.attributes for each in exported] == [KNOWN, {}]
    client.create_task(task_id, pool_id, ["no", "yes"])
    leases = client.query(task_id, "ann", max_clip_count=2).leases
    assert {each.clip_id: each.attributes for each in leases} == {"a": KNOWN, "b": {}}


def test_importing_recordings_again_adds_attributes(client: LearnerClient, audio_pool: Pool):
    recording = encoded(tone(300))
    client.import_clips(audio_pool.pool_id, [NewClip("a", recording, attributes=KNOWN)])
    known = [
        NewClip("a", recording, attributes={"site": "south", "note": "wind"}),
        NewClip("copy", recording, attributes={"site": "east", "tide": 2.0}),
    ]
    done = client.import_clips(audio_pool.pool_id, known)
    assert (done.existing_count, done.duplicate_count, done.updated_count) == (1, 1, 2)
    merged = {**KNOWN, "site": "south", "note": "wind", "tide": 2.0}
    assert client.get_clip(audio_pool.pool_id, "a").attributes == merged
    again = client.import_clips(audio_pool.pool_id, known)
    assert (again.existing_count, again.updated_count) == (2, 0)


def test_a_clip_that_is_there_and_has_no_room_for_more_fails_alone(
    client: LearnerClient, audio_pool: Pool
):
    pool_id = audio_pool.pool_id
    names, recordings = ("a", "b"), [encoded(tone(300)), encoded(tone(500))]
    long = {f"a{n}": "x" * 1_024 for n in range(3)}
    first = [NewClip(*each, attributes=long) for each in zip(names, recordings, strict=True)]
    client.import_clips(pool_id, first)
    more = [NewClip("a", recordings[0], attributes={"b": "x" * 1_024})]
    more.append(NewClip("b", recordings[1], attributes={"site": "north"}))
    done = client.import_clips(pool_id, more)
    assert [each.clip_id for each in done.failures] == ["a"]
    assert (done.existing_count, done.updated_count) == (1, 1)
    assert client.get_clip(pool_id, "b").attributes == {**long, "site": "north"}


def test_exported_clips_bring_their_attributes_into_another_pool(
    client: LearnerClient, scene: Scene
):
    client.update_clips(scene.pool_id, [ClipUpdate(clip_id(1), KNOWN)])
    other = new_id()
    client.create_pool(other, encoder_fingerprint=FINGERPRINT, embedding_dim=8)
    client.import_clips(
        other,
        [
            NewClip(each.clip.clip_id, embedding=each.embedding, attributes=each.clip.attributes)
            for each in client.export_clips(scene.pool_id)
        ],
    )
    assert [each.attributes for each in client.list_clips(other)][:3] == [{}, KNOWN, {}]


async def test_attributes_are_changed_and_taken_away(
    async_client: AsyncLearnerClient, scene: Scene
):
    pool_id = scene.pool_id
    first = ClipUpdate(clip_id(0), KNOWN)
    assert await async_client.update_clips(pool_id, [first, ClipUpdate(clip_id(1))]) == 1
    assert await async_client.update_clips(pool_id, [first]) == 0
    change = ClipUpdate(clip_id(0), {"snr": 1.0}, removed=("made", "unknown"))
    assert await async_client.update_clips(pool_id, [change]) == 1
    clip = await async_client.get_clip(pool_id, clip_id(0))
    assert clip.attributes == {"site": "north", "snr": 1.0}


def test_a_change_of_a_clip_that_is_not_there_changes_nothing(client: LearnerClient, scene: Scene):
    updates = [ClipUpdate(clip_id(0), KNOWN), ClipUpdate("gone", KNOWN)]
    with fails_with("CLIP_NOT_FOUND", NotFound):
        client.update_clips(scene.pool_id, updates)
    assert client.get_clip(scene.pool_id, clip_id(0)).attributes == {}
    with fails_with("POOL_NOT_FOUND", NotFound):
        client.update_clips(new_id(), updates)


def test_the_client_refuses_what_no_clip_can_have(client: LearnerClient, scene: Scene):
    with refused("attributes"):
        client.update_clips(scene.pool_id, [ClipUpdate(clip_id(0), {"2nd": 1.0})])
    done = client.import_clips(scene.pool_id, [NewClip("new", b"x", attributes={"a b": "c"})])
    assert [each.violations[0].field for each in done.failures] == ["attributes"]


def value(**content: object) -> attribute_pb2.AttributeValue:
    return attribute_pb2.AttributeValue(**content)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("update", "fields"),
    [
        ({}, ("updates[0].name",)),
        ({"name": "pools/other/clips/a"}, ("updates[0].name",)),
        ({"attributes": {"a b": value(text="x")}}, ("updates[0].attributes",)),
        ({"attributes": {"site": value()}}, ("updates[0].attributes",)),
        ({"attributes": {"snr": value(number=float("inf"))}}, ("updates[0].attributes",)),
        ({"removed_attributes": ["a", "b c"]}, ("updates[0].removed_attributes[1]",)),
        (
            {"attributes": {"a": value(text="x")}, "removed_attributes": ["a"]},
            ("updates[0].removed_attributes[0]",),
        ),
        (
            {"attributes": {f"a{n}": value(text="x" * 1_024) for n in range(4)}},
            ("updates[0].attributes",),
        ),
    ],
)
def test_a_malformed_change_is_refused(raw, scene: Scene, update, fields):
    name = {"name": f"pools/{scene.pool_id}/clips/{clip_id(0)}"} if update else {}
    request = pool_pb2.UpdateClipsRequest(
        pool=f"pools/{scene.pool_id}", updates=[pool_pb2.ClipUpdate(**{**name, **update})]
    )
    check_refused(raw, scene, "UpdateClips", request, fields)


def test_a_change_of_nothing_is_refused(raw, scene: Scene):
    request = pool_pb2.UpdateClipsRequest(pool=f"pools/{scene.pool_id}")
    check_refused(raw, scene, "UpdateClips", request, ("updates",))


def test_a_message_with_too_many_attributes_is_refused(raw, scene: Scene):
    clip = pool_pb2.NewClip(attributes={f"a{n}": value(number=n) for n in range(65)})
    request = pool_pb2.ImportClipsRequest(pool=f"pools/{scene.pool_id}", clips=[clip])
    with pytest.raises(grpc.RpcError) as caught:
        raw.ImportClips(iter([request]))
    assert failure_of(caught.value).fields == ("clips[0].attributes",)
