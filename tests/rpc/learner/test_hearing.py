"""GetClipAudio: what is played is what was embedded, or nothing."""

import hashlib
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.rpc.learner.recordings import encoded, tone
from tests.rpc.learner.scenes import DIM, FINGERPRINT, new_id

from aloe.client import DuplicateRule, LearnerClient, NewClip, NotFound, Pcm, Pool
from aloe.serving.log import MAX_LINES

DAYS_AGO = time.time() - 3 * 24 * 3600


def hash_of(content: bytes) -> str:
    """The content hash of a file, as clips have it."""
    return hashlib.sha256(b"encoded\0" + content).hexdigest()[:32]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording like no other, under a name that a URI has to quote."""
    folder = tmp_path / "memory card #1, 50 %"
    folder.mkdir()
    path = folder / "bärk.wav"
    path.write_bytes(encoded(tone(np.random.default_rng().uniform(100, 4_000))))
    return path


@pytest.fixture
def pool(client: LearnerClient) -> Pool:
    return client.create_pool(new_id())


@pytest.fixture
def audio_dir(stack_data_dir: Path) -> Path:
    return stack_data_dir / "audio"


def import_file(client: LearnerClient, pool: Pool, path: Path, clip_id: str = "a") -> None:
    clip = NewClip(clip_id, audio=path, uri=path.as_uri())
    assert client.import_clips(pool.pool_id, [clip]).failures == ()


def kept_at(audio_dir: Path, content: bytes) -> Path:
    """Where a recording is kept."""
    [path] = audio_dir.glob(f"*/??/{hash_of(content)}")
    return path


def check_silent(client: LearnerClient, pool: Pool, *told: str, clip_id: str = "a") -> None:
    """Expect no audio, and a message that says all this."""
    with pytest.raises(NotFound) as caught:
        client.get_clip_audio(pool.pool_id, clip_id)
    assert caught.value.reason == "AUDIO_NOT_FOUND"
    assert all(each in str(caught.value) for each in told), str(caught.value)


def test_a_clip_is_heard_from_its_file_without_any_flag(client, pool: Pool, recording: Path):
    import_file(client, pool, recording)
    heard = client.get_clip_audio(pool.pool_id, "a")
    assert (heard.content, heard.media_type) == (recording.read_bytes(), "audio/wav")


def test_another_recording_under_the_old_path_is_never_played(client, pool, recording: Path):
    import_file(client, pool, recording)
    content = recording.read_bytes()
    recording.write_bytes(encoded(tone(300)))
    check_silent(client, pool, recording.as_uri(), "another by now", "`replace`", "keep_audio")
    recording.write_bytes(content)
    assert client.get_clip_audio(pool.pool_id, "a").content == content


def test_a_file_that_is_gone_is_told(client, pool: Pool, recording: Path):
    import_file(client, pool, recording)
    recording.unlink()
    check_silent(client, pool, str(recording), "No such file")


def test_pcm_is_heard_from_a_file_that_holds_its_samples(client, pool, recording: Path):
    samples, _ = soundfile.read(recording, dtype="int16")
    clip = NewClip("a", Pcm(samples, 16_000), uri=recording.as_uri())
    client.import_clips(pool.pool_id, [clip])
    assert client.get_clip_audio(pool.pool_id, "a").content == recording.read_bytes()
    recording.write_bytes(encoded(samples / np.float32(32_768), coding="FLOAT"))
    check_silent(client, pool, "another by now")


def test_only_regular_files_are_opened_and_none_is_waited_for(client, pool, tmp_path: Path):
    fifo, link, folder, large, empty = (
        tmp_path / name for name in ("fifo", "link", "folder", "large", "empty")
    )
    os.mkfifo(fifo)
    link.symlink_to(fifo)
    folder.mkdir()
    empty.touch()
    with large.open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    told = {
        fifo: "no regular file",
        link: "no regular file",
        folder: "no regular file",
        large: "68,157,440 bytes",
        empty: "is empty",
        Path("/dev/zero"): "no regular file",
        Path("/dev/stdin"): "",
        Path("/proc/kmsg"): "is empty",
        Path("/proc/self/environ"): "is empty",
    }
    for place, path in enumerate(told):
        clip = NewClip(f"c{place}", encoded(tone(400 + place)), uri=path.as_uri())
        client.import_clips(pool.pool_id, [clip])
        check_silent(client, pool, told[path], clip_id=clip.clip_id)


def test_a_link_to_the_recording_is_as_good_and_one_to_another_is_not(client, pool, recording):
    link = recording.with_name("link.wav")
    link.symlink_to(recording)
    import_file(client, pool, link)
    assert client.get_clip_audio(pool.pool_id, "a").content == recording.read_bytes()
    link.unlink()
    link.symlink_to("/etc/passwd")
    check_silent(client, pool, "another by now")


@pytest.mark.parametrize(
    "uri",
    [
        "file://elsewhere/etc/hostname",
        "file:///tmp/../etc/hostname",
        "file:///tmp/%2e%2e/etc/hostname",
        "file:///tmp/%00/a.wav",
        "FILE:///etc/hostname",
        "local:///etc/hostname",
        "etc/hostname",
        "http://127.0.0.1:1/a.wav",
        "simplecache::file:///etc/hostname",
    ],
)
def test_no_other_uri_is_read_without_an_allowed_place(client, pool: Pool, uri: str):
    client.import_clips(pool.pool_id, [NewClip("a", encoded(tone()), uri=uri)])
    check_silent(client, pool, "may not read", uri)


def test_a_link_does_not_lead_out_of_an_allowed_place(client, pool, readable_folder, recording):
    link = readable_folder / f"{new_id()}.wav"
    link.symlink_to(recording)
    # Without a hash to compare with, which an import by URI has not.
    summary = client.import_clips(pool.pool_id, [NewClip("a", uri=link.as_uri())])
    assert [failure.reason for failure in summary.failures] == ["AUDIO_NOT_FOUND"]


def test_an_embedding_is_heard_only_with_the_hash_of_its_recording(client, recording: Path):
    pool = client.create_pool(new_id(), encoder_fingerprint=FINGERPRINT, embedding_dim=DIM)
    content, vector = recording.read_bytes(), np.ones(DIM, np.float32)
    uri = recording.as_uri()
    clips = [
        NewClip("known", None, vector, uri, content_hash=hash_of(content)),
        NewClip("unknown", None, vector, uri),
        NewClip("wrong", None, vector, uri, content_hash="0" * 32),
        NewClip("beside", recording, vector, uri),
    ]
    summary = client.import_clips(pool.pool_id, clips, duplicates=DuplicateRule.KEEP)
    assert summary.imported_count == 4
    assert client.get_clip_audio(pool.pool_id, "known").content == content
    assert client.get_clip_audio(pool.pool_id, "beside").content == content
    check_silent(client, pool, "without the content_hash", clip_id="unknown")
    check_silent(client, pool, "another by now", clip_id="wrong")


def test_a_file_that_is_no_recording_is_not_served_to_who_knows_its_hash(client, tmp_path: Path):
    pool = client.create_pool(new_id(), encoder_fingerprint=FINGERPRINT, embedding_dim=DIM)
    text = tmp_path / "notes.wav"
    text.write_bytes(b"fLaC is how FLAC files begin\n")
    clip = NewClip("a", None, np.ones(DIM, np.float32), text.as_uri())
    clip = replace(clip, content_hash=hash_of(text.read_bytes()))
    client.import_clips(pool.pool_id, [clip])
    check_silent(client, pool, "is no recording")


def test_a_file_that_is_no_recording_is_not_imported_by_its_uri(client, pool, readable_folder):
    text = readable_folder / f"{new_id()}.wav"
    text.write_bytes(b"root:x:0:0:root:/root:/bin/bash\n")
    [failure] = client.import_clips(pool.pool_id, [NewClip("a", uri=text.as_uri())]).failures
    assert (failure.reason, "root:" in failure.message) == ("AUDIO_NOT_FOUND", False)
    assert "is no recording" in failure.message


def test_kept_audio_is_heard_whatever_becomes_of_the_file(client, audio_pool, recording: Path):
    content = recording.read_bytes()
    import_file(client, audio_pool, recording)
    recording.write_bytes(encoded(tone(300)))
    assert client.get_clip_audio(audio_pool.pool_id, "a").content == content


@pytest.mark.parametrize("damage", ["another", "cut", "empty", "gone", "folder"])
def test_damaged_audio_is_told_and_mended_by_importing_again(
    client, audio_pool: Pool, recording: Path, audio_dir: Path, damage: str
):
    content = recording.read_bytes()
    import_file(client, audio_pool, recording)
    recording.rename(recording.with_suffix(".moved"))
    kept = kept_at(audio_dir, content)
    kept.unlink()
    if damage in {"another", "cut", "empty"}:
        kept.write_bytes({"another": encoded(tone(1)), "cut": content[:-2], "empty": b""}[damage])
    elif damage == "folder":
        kept.mkdir()
    told = "is damaged" if damage in {"another", "cut"} else "cannot be read"
    if damage in {"empty", "folder"}:
        told = {"empty": "is empty", "folder": "no regular file"}[damage]
    check_silent(client, audio_pool, told, "import its recording again")
    recording.with_suffix(".moved").rename(recording)
    # The file is what was embedded, so it is heard as well.
    assert client.get_clip_audio(audio_pool.pool_id, "a").content == content
    if damage == "folder":
        kept.rmdir()
    clip = NewClip("a", audio=recording)
    assert client.import_clips(audio_pool.pool_id, [clip]).existing_count == 1
    recording.unlink()
    assert client.get_clip_audio(audio_pool.pool_id, "a").content == content


def test_a_clip_whose_audio_cannot_be_kept_fails_whole(client, audio_pool, audio_dir: Path):
    import_contents = [encoded(tone(hertz)) for hertz in (411.25, 523.5, 777.75)]
    client.import_clips(audio_pool.pool_id, [NewClip("first", import_contents[0])])
    home = kept_at(audio_dir, import_contents[0]).parents[1]
    # Recordings of other tests may lie where this one would.
    many = (encoded(tone(500 + number / 4)) for number in range(999))
    import_contents[1] = next(each for each in many if not (home / hash_of(each)[:2]).exists())
    blocked = home / hash_of(import_contents[1])[:2]
    blocked.touch()  # A file where the folder would have to be.
    clips = [NewClip(f"c{place}", content) for place, content in enumerate(import_contents)]
    summary = client.import_clips(audio_pool.pool_id, clips)
    blocked.unlink()
    assert (summary.imported_count, summary.duplicate_count) == (1, 1)
    [failure] = summary.failures
    assert (failure.clip_id, failure.reason) == ("c1", "AUDIO_NOT_KEPT")
    assert str(blocked) in failure.message
    assert client.get_pool(audio_pool.pool_id).clip_count == 2
    assert list((home / "unfinished").iterdir()) == []
    assert client.import_clips(audio_pool.pool_id, clips).imported_count == 1
    assert client.get_clip_audio(audio_pool.pool_id, "c1").content == import_contents[1]


def test_audio_beside_an_embedding_is_kept_if_it_is_the_clips(client: LearnerClient):
    pool = client.create_pool(
        new_id(), encoder_fingerprint=FINGERPRINT, embedding_dim=DIM, keep_audio=True
    )
    vector = np.ones(DIM, np.float32)
    wav, flac = encoded(tone(610)), encoded(tone(620), "audio/flac")
    clips = [
        NewClip("hashed", audio=wav, embedding=vector, content_hash=hash_of(wav)),
        NewClip("plain", audio=flac, embedding=vector),
        NewClip("pcm", audio=Pcm(tone(630), 16_000), embedding=vector),
        NewClip("wrong", audio=wav, embedding=vector, content_hash=hash_of(flac)),
        NewClip("empty", audio=b"", embedding=vector),
        NewClip("rate", audio=Pcm(tone(), 0), embedding=vector),
        NewClip("none", embedding=vector),
    ]
    summary = client.import_clips(pool.pool_id, clips)
    failed = {each.clip_id: [v.field for v in each.violations] for each in summary.failures}
    assert failed == {"wrong": ["audio"], "empty": ["audio.encoded"], "rate": ["audio.pcm"]}
    heard = {each: client.get_clip_audio(pool.pool_id, each) for each in ("hashed", "plain", "pcm")}
    assert (heard["hashed"].content, heard["plain"].content) == (wav, flac)
    assert [each.media_type for each in heard.values()] == ["audio/wav", "audio/flac", "audio/wav"]
    check_silent(client, pool, "cannot be read", clip_id="none")
    by_id = {clip.clip_id: clip.content_hash for clip in client.list_clips(pool.pool_id)}
    # Restored from what was heard: the samples are known within the file.
    again = NewClip("pcm", audio=heard["pcm"].content, embedding=vector, content_hash=by_id["pcm"])
    assert client.import_clips(pool.pool_id, [again]).existing_count == 1
    late = NewClip("none", embedding=vector, audio=wav, content_hash=by_id["none"])
    assert [f.clip_id for f in client.import_clips(pool.pool_id, [late]).failures] == ["none"]


def test_what_a_caller_can_repeat_does_not_flood_the_log(client, audio_pool, stack, audio_dir):
    content = encoded(tone(np.random.default_rng().uniform(100, 4_000)))
    client.import_clips(audio_pool.pool_id, [NewClip("a", content)])
    kept_at(audio_dir, content).write_bytes(b"damaged")
    log = stack.log_dir / "learner.log"
    before = len(log.read_bytes())
    for _ in range(200):
        check_silent(client, audio_pool, "is damaged")
    lines = log.read_bytes()[before:].decode().splitlines()
    told = [line for line in lines if audio_pool.pool_id in line]
    assert 0 < len(told) <= 2 * MAX_LINES


def test_what_is_kept_and_logged_is_for_its_user_alone(client, audio_pool, stack_data_dir: Path):
    client.import_clips(audio_pool.pool_id, [NewClip("a", encoded(tone()))])
    made = list(stack_data_dir.rglob("*"))
    assert {path.parent.name for path in made} >= {"redis", "logs", "audio"}
    # Others may delete something meanwhile.
    modes = {path: path.lstat().st_mode for path in made if path.exists()}
    assert [path for path, mode in modes.items() if mode & 0o077] == []


def test_a_deleted_pools_audio_goes_unless_another_pool_keeps_it(
    client, audio_pool: Pool, audio_dir: Path
):
    shared, alone, young = (encoded(tone(hertz)) for hertz in (901.5, 902.5, 903.5))
    other = client.create_pool(new_id(), keep_audio=True)
    clips = {"shared": shared, "alone": alone, "young": young}
    client.import_clips(audio_pool.pool_id, [NewClip(*each) for each in clips.items()])
    client.import_clips(other.pool_id, [NewClip("shared", shared)])
    for content in (shared, alone):
        os.utime(kept_at(audio_dir, content), (DAYS_AGO, DAYS_AGO))
    place = kept_at(audio_dir, alone)
    client.delete_pool(audio_pool.pool_id)
    deadline = time.monotonic() + 10
    while place.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert client.get_clip_audio(other.pool_id, "shared").content == shared
    # Less than a day old: an import may be about to store its clip.
    assert kept_at(audio_dir, young).exists()


def test_audio_kept_before_stores_had_folders_is_still_heard(
    client, audio_pool: Pool, recording: Path, audio_dir: Path
):
    content = recording.read_bytes()
    client.import_clips(audio_pool.pool_id, [NewClip("a", content)])
    kept = kept_at(audio_dir, content)
    before = audio_dir / kept.parent.name / kept.name
    before.parent.mkdir(exist_ok=True)
    kept.rename(before)
    assert client.get_clip_audio(audio_pool.pool_id, "a").content == content
