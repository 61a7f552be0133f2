"""What callers may name by URI, with real files and links."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from tests.rpc.learner.recordings import encoded, tone

from aloe.learner.adapters.audio.places import Places
from aloe.learner.adapters.audio.reading import MAX_FILE_BYTES, WrongPlace
from aloe.learner.domain.errors import AudioNotFound
from aloe.learner.domain.pool import Clip, EncodedAudio, content_hash

RECORDING = encoded(tone())
SECRET = b"root:x:0:0:root:/root:/bin/bash\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An allowed folder "ok", beside which lie others that are not."""
    for name in ("ok/sub", "okay", "secret"):
        (tmp_path / name).mkdir(parents=True)
    for place in ("ok/a.wav", "ok/sub/b ä.wav", "okay/a.wav", "secret/a.wav"):
        (tmp_path / place).write_bytes(RECORDING)
    (tmp_path / "ok/passwd.wav").write_bytes(SECRET)
    (tmp_path / "ok/empty.wav").touch()
    (tmp_path / "ok/large.wav").touch()
    os.truncate(tmp_path / "ok/large.wav", MAX_FILE_BYTES + 1)
    os.mkfifo(tmp_path / "ok/fifo.wav")
    for name, target in {
        "out.wav": "../secret/a.wav",
        "far.wav": "/etc/passwd",
        "gone.wav": "../secret/nothing.wav",
        "ring.wav": "ring.wav",
        "within.wav": "sub/b ä.wav",
        "door": "../secret",
    }.items():
        (tmp_path / "ok" / name).symlink_to(target)
    return tmp_path / "ok"


@pytest.fixture
def places(folder: Path) -> Places:
    return Places([f"file://{folder}"], hears_files=False)


@pytest.mark.parametrize(
    "rest",
    ["/a.wav", "/sub/b%20%C3%A4.wav", "/./a.wav", "//a.wav", "/within.wav", "/%61.wav", "/a.wav/"],
)
def test_what_lies_in_an_allowed_folder_is_read(places: Places, folder: Path, rest: str):
    assert places.read(f"file://{folder}{rest}") == RECORDING
    assert places.read(f"file://localhost{folder}{rest}") == RECORDING


FORBIDDEN_FILES = {
    "beside": "file://{up}/secret/a.wav",
    "begins alike": "file://{up}/okay/a.wav",
    "steps up": "file://{ok}/../secret/a.wav",
    "steps up, encoded": "file://{ok}/%2e%2e/secret/a.wav",
    "steps up, encoded with its slash": "file://{ok}/..%2fsecret/a.wav",
    "steps up and down": "file://{ok}/sub/../../secret/a.wav",
    "steps up in a plain path": "{ok}/../secret/a.wav",
    "a link out": "file://{ok}/out.wav",
    "a link far away": "file://{ok}/far.wav",
    "a link to nothing": "file://{ok}/gone.wav",
    "a linked folder": "file://{ok}/door/a.wav",
    "the parent": "file://{up}",
    "NUL": "file://{ok}/a.wav%00",
    "NUL as it is": "file://{ok}/a.wav\0.txt",
    "another host": "file://elsewhere{ok}/a.wav",
    "a login": "file://u:p@localhost{ok}/a.wav",
    "upper case": "FILE://{ok}/a.wav",
    "one slash": "file:{ok}/a.wav",
    "relative": "ok/a.wav",
    "home": "~/a.wav",
    "fsspec's own name": "local://{ok}/a.wav",
    "a chain": "simplecache::file://{ok}/a.wav",
    "a chain to elsewhere": "file://{up}/secret/a.wav::file://{ok}/a.wav",
    "an archive": "zip://a.wav::file://{ok}/a.zip",
    "the web": "http://127.0.0.1:1/a.wav",
    "a bucket": "s3://bucket/a.wav",
    "memory": "memory://bucket/a.wav",
    "data in itself": "data:audio/wav;base64,AAAA",
    "a package": "python://aloe",
    "endless": "file://{ok}/" + "a/" * 50_000,
    "nothing": "",
    "a slash": "/",
    "proc": "file:///proc/self/environ",
    "its own root": "file:///proc/self/root{ok}/../secret/a.wav",
}


@pytest.mark.parametrize("shape", FORBIDDEN_FILES)
def test_nothing_leads_out_of_an_allowed_folder(places: Places, folder: Path, shape: str):
    uri = FORBIDDEN_FILES[shape].format(ok=folder, up=folder.parent)
    with pytest.raises(AudioNotFound, match="may not read") as caught:
        places.read(uri)
    assert len(str(caught.value)) < 10_000


@pytest.mark.parametrize("rest", ["/out.wav", "/far.wav", "/gone.wav", "/door/a.wav"])
def test_a_link_out_of_an_allowed_folder_is_called_one(folder: Path, rest: str):
    """Also where the folder itself is named by a link."""
    (folder.parent / "alias").symlink_to("ok")
    for named in (folder, folder.parent / "alias"):
        places = Places([f"file://{named}"], hears_files=False)
        with pytest.raises(AudioNotFound, match="is, or passes through, a link") as caught:
            places.read(f"file://{named}{rest}")
        assert "allowed places: " not in str(caught.value)


def test_a_folder_that_is_not_there_is_told_and_read_once_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    places = Places([f"file://{tmp_path}/late/"], hears_files=False)
    assert f"no folder is at file://{tmp_path}/late/" in caplog.text
    (tmp_path / "late").mkdir()
    (tmp_path / "late/a.wav").write_bytes(RECORDING)
    assert places.read(f"file://{tmp_path}/late/a.wav") == RECORDING


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("/passwd.wav", "is no recording"),
        ("/empty.wav", "is empty"),
        ("/large.wav", "over 67,"),
        ("/fifo.wav", "no regular file"),
        ("/sub", "no regular file"),
        ("", "no regular file"),
        ("/nothing.wav", "No such file"),
        ("/a.wav/b.wav", "Not a directory"),
        ("/ring.wav", "no regular file"),
        ("/%252e%252e/secret/a.wav", "No such file"),
        ("/..%5csecret%5ca.wav", "No such file"),
        ("/\u2025/secret/a.wav", "No such file"),
        ("/%c0%ae%c0%ae/secret/a.wav", "No such file"),
        ("/" + "n" * 300, "name too long"),
    ],
)
def test_what_is_no_recording_there_is_told(places: Places, folder: Path, rest: str, told: str):
    with pytest.raises(AudioNotFound, match=told):
        places.read(f"file://{folder}{rest}")


def test_a_link_that_comes_between_looking_and_opening_is_not_followed(
    places: Places, folder: Path
):
    """A folder is exchanged for a link to another and back, as fast as it goes."""
    (folder.parent / "secret/b.wav").write_bytes(encoded(tone(900)))
    (folder / "turning").mkdir()
    (folder / "turning/b.wav").write_bytes(RECORDING)
    ended = threading.Event()

    def swap() -> None:
        turning, real = folder / "turning", folder / "real"
        while not ended.is_set():
            turning.rename(real)
            turning.symlink_to("../secret")
            turning.unlink()
            real.rename(turning)

    thread = threading.Thread(target=swap)
    thread.start()
    read = []
    end = time.monotonic() + 1
    try:
        while time.monotonic() < end:
            with contextlib.suppress(AudioNotFound):
                read.append(places.read(f"file://{folder}/turning/b.wav"))
    finally:
        ended.set()
        thread.join()
    assert read
    assert set(read) == {RECORDING}


def test_files_are_heard_by_hash_only_if_they_are_recordings(folder: Path):
    places = Places([], hears_files=True)
    for content, is_served in ((RECORDING, True), (SECRET, False)):
        file = folder.parent / "any"
        file.write_bytes(content)
        clip = Clip("a", content_hash(EncodedAudio(content)), file.as_uri())
        if is_served:
            assert places.read_recording(clip.uri, clip) == content
        else:
            with pytest.raises(AudioNotFound, match="is no recording"):
                places.read_recording(clip.uri, clip)


@pytest.fixture
def bucket() -> Iterator[None]:
    filesystem = fsspec.filesystem("memory")
    filesystem.pipe_file("/ok/a.wav", RECORDING)
    filesystem.pipe_file("/ok/passwd", SECRET)
    filesystem.pipe_file("/secret/a.wav", RECORDING)
    yield
    for name in ("/ok", "/secret"):
        filesystem.rm(name, recursive=True)


@pytest.mark.usefixtures("bucket")
def test_of_another_file_system_only_what_is_named_is_read():
    places = Places(["memory://ok"], hears_files=False)
    assert places.read("memory://ok/a.wav") == RECORDING
    with pytest.raises(AudioNotFound, match="is no recording"):
        places.read("memory://ok/passwd")
    with pytest.raises(AudioNotFound, match="cannot be read"):
        places.read("memory://ok/nothing.wav")
    for uri in (
        "memory://secret/a.wav",
        "memory://ok/../secret/a.wav",
        "memory://ok/%2e%2e/secret/a.wav",
        "memory://ok/%252e%252e/secret/a.wav",
        "memory://ok//a.wav",
        "memory://ok/a.wav::memory://secret/a.wav",
        "MEMORY://ok/a.wav",
        "s3://ok/a.wav",
    ):
        with pytest.raises(AudioNotFound, match="may not read"):
            places.read(uri)


@pytest.mark.parametrize(
    "prefix",
    [
        "data",
        "file://elsewhere/data/",
        "file:///data/../etc/",
        "http:///ok/",
        "http://u:hunter2@host/ok/",
        "https://host/ok?key=hunter2",
        "http://host:x/",
        "http://host/a/../b/",
        "s3://KEY:hunter2@bucket/",
        "simplecache::s3://bucket/",
        "nosuchthing://bucket/",
        "./data/",
        "zip://data/",
        "simplecache://bucket/",
        "reference://bucket/",
    ],
)
def test_a_place_that_is_none_is_refused_at_the_start(prefix: str):
    with pytest.raises(WrongPlace) as caught:
        Places([prefix], hears_files=False)
    assert "hunter2" not in str(caught.value)
