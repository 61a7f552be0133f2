"""Files by key: whole or not at all, young again when they are kept again, in folder and bucket."""

import multiprocessing
import os
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

from aloe.learner.adapters.audio.blobs import Blobs, BucketBlobs, FolderBlobs
from aloe.learner.domain.errors import AudioNotFound, AudioNotKept

DAY_S = 24 * 3600.0
KEY, OTHER = "ab" * 16, "cd" * 16


@pytest.fixture(params=["folder", "bucket"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blobs]:
    if request.param == "folder":
        yield FolderBlobs(str(tmp_path / "audio"))
        return
    filesystem = fsspec.filesystem("memory")
    yield BucketBlobs(filesystem, "/bucket/audio/")
    filesystem.rm("/bucket", recursive=True)


@pytest.fixture
def folder(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(str(tmp_path))


def aged(place: Path) -> Path:
    """Let a file seem two days old."""
    then = time.time() - 2 * DAY_S
    os.utime(place, (then, then))
    return place


def test_what_is_written_is_read_and_listed(blobs: Blobs):
    assert blobs.keys() == set()
    blobs.write(KEY, b"one")
    blobs.write(KEY, b"one")
    blobs.write(OTHER, b"other")
    assert (blobs.read(KEY), blobs.read(OTHER)) == (b"one", b"other")
    assert blobs.keys() == {KEY, OTHER}


def test_what_is_not_there_is_not_found(blobs: Blobs):
    blobs.write(OTHER, b"other")
    with pytest.raises(AudioNotFound):
        blobs.read(KEY)


def test_other_content_is_replaced(blobs: Blobs):
    blobs.write(KEY, b"damaged")
    blobs.write(KEY, b"whole")
    assert blobs.read(KEY) == b"whole"


def test_files_of_any_length_are_kept_and_opened(blobs: Blobs):
    for content in (b"whole", b"other", b"longer"):
        with tempfile.TemporaryFile() as file:
            file.write(content)
            blobs.write_file(KEY, file)
        with blobs.open(KEY) as kept:
            assert kept.read() == content
    assert (blobs.read(KEY), blobs.keys()) == (b"longer", {KEY})
    with pytest.raises(AudioNotFound):
        blobs.open(OTHER)


def test_a_file_that_is_kept_is_young_again_and_not_written(folder: FolderBlobs, tmp_path: Path):
    folder.write(KEY, b"one")
    place = aged(tmp_path / "ab" / KEY)
    before = place.stat().st_ino
    with folder.open(KEY) as kept:
        folder.write_file(KEY, kept)
    assert (place.stat().st_ino, place.read_bytes()) == (before, b"one")
    assert folder.discard([KEY], older_than_s=DAY_S) == 0


def test_only_what_is_old_enough_is_discarded(blobs: Blobs):
    blobs.write(KEY, b"one")
    blobs.write(OTHER, b"other")
    assert blobs.discard([KEY], older_than_s=DAY_S) == 0
    assert blobs.discard([KEY, "ef" * 16], older_than_s=0) == 1
    assert blobs.keys() == {OTHER}


def test_what_is_kept_again_is_young_again(folder: FolderBlobs, tmp_path: Path):
    folder.write(KEY, b"one")
    aged(tmp_path / "ab" / KEY)
    folder.write(KEY, b"one")
    assert folder.discard([KEY], older_than_s=DAY_S) == 0
    aged(tmp_path / "ab" / KEY)
    assert folder.discard([KEY], older_than_s=DAY_S) == 1


def test_leftovers_of_crashes_are_discarded_in_time(folder: FolderBlobs, tmp_path: Path):
    folder.write(KEY, b"one")
    old, young = tmp_path / "unfinished" / "old", tmp_path / "unfinished" / "young"
    for leftover in (old, young):
        leftover.write_bytes(b"half")
    aged(old)
    assert folder.discard([], older_than_s=DAY_S) == 0
    assert list((tmp_path / "unfinished").iterdir()) == [young]
    assert folder.keys() == {KEY}


def test_a_full_disk_leaves_nothing_behind(folder: FolderBlobs, tmp_path: Path):
    folder.write(OTHER, b"other")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(AudioNotKept, match="File too large"):
            folder.write(KEY, bytes(5_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert folder.keys() == {OTHER}
    assert list((tmp_path / "unfinished").iterdir()) == []
    folder.write(KEY, bytes(5_000))
    assert folder.read(KEY) == bytes(5_000)


def together(*works: Callable[[], object]) -> None:
    """Do things at once."""
    barrier = threading.Barrier(len(works))

    def work(each: Callable[[], object]) -> None:
        barrier.wait()
        each()

    threads = [threading.Thread(target=work, args=(each,)) for each in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.slow
def test_what_is_being_kept_is_never_discarded(folder: FolderBlobs, tmp_path: Path):
    for number in range(400):
        content = f"recording {number % 7}".encode()
        folder.write(KEY, content)
        aged(tmp_path / "ab" / KEY)
        together(lambda: folder.write(KEY, content), lambda: folder.discard([KEY], DAY_S))  # noqa: B023
        assert folder.read(KEY) == content


def _write_often(root: str, content: bytes) -> None:
    blobs = FolderBlobs(root)
    for _ in range(50):
        blobs.write(KEY, content)
        assert blobs.read(KEY) == content


def test_processes_that_keep_the_same_recording_do_not_disturb_each_other(tmp_path: Path):
    context = multiprocessing.get_context("spawn")
    content = os.urandom(100_000)
    writers = [
        context.Process(target=_write_often, args=(str(tmp_path), content)) for _ in range(2)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert FolderBlobs(str(tmp_path)).keys() == {KEY}
    assert list((tmp_path / "unfinished").iterdir()) == []
