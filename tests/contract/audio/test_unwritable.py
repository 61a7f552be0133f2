"""Kept audio where it cannot be written: told, clip by clip, and nothing left behind."""

import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from tests.chaos.store_fault_kinds import NotHere, small_disk

from aloe.learner.adapters.audio.blobs import BucketBlobs, FolderBlobs, check_root
from aloe.learner.adapters.audio.files import AudioFiles
from aloe.learner.adapters.audio.reading import WrongPlace
from aloe.learner.domain.errors import AudioNotFound, AudioNotKept
from aloe.learner.domain.pool import Clip, EncodedAudio, content_hash

KEY, OTHER = "ab" * 16, "cd" * 16
NOBODY = 65_534


@contextmanager
def disk_of(folder: Path, size_bytes: int) -> Iterator[None]:
    """A real disk of its own; skips the test where that is not allowed."""
    with ExitStack() as ending:
        try:
            ending.enter_context(small_disk(folder, size_bytes))
        except NotHere as error:
            pytest.skip(str(error))
        yield


def files_below(root: Path) -> set[str]:
    """The names of all files but the lock."""
    return {path.name for path in root.rglob("*") if path.is_file()} - {"lock"}


def test_a_full_disk_is_told_and_leaves_nothing_behind(tmp_path: Path):
    with disk_of(tmp_path, 1_000_000):
        blobs = FolderBlobs(str(tmp_path / "audio"))
        kept = set()
        for number in range(30):
            key = f"{number:02x}" * 16
            try:
                blobs.write(key, os.urandom(100_000))
                kept.add(key)
            except AudioNotKept as error:
                assert "No space left on device" in str(error)  # noqa: PT017 - some are kept
        assert 0 < len(kept) < 30
        assert files_below(tmp_path) == blobs.keys() == kept
        # There may still be room for a small one, and there is once something is deleted.
        blobs.discard(list(kept)[:2], older_than_s=0)
        blobs.write(KEY, bytes(100_000))
        assert blobs.read(KEY) == bytes(100_000)


def test_a_disk_that_became_read_only_is_told(tmp_path: Path):
    with disk_of(tmp_path, 1_000_000):
        blobs = FolderBlobs(str(tmp_path / "audio"))
        blobs.write(OTHER, b"other")
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path)], check=True)
        with pytest.raises(AudioNotKept, match="Read-only file system"):
            blobs.write(KEY, b"one")
        with pytest.raises(AudioNotKept, match="Read-only file system"):
            blobs.write(OTHER, b"other")
        assert (blobs.read(OTHER), files_below(tmp_path)) == (b"other", {OTHER})


def test_a_root_that_is_a_file_is_told(tmp_path: Path):
    (tmp_path / "audio").touch()
    blobs = FolderBlobs(str(tmp_path / "audio" / "store"))
    with pytest.raises(AudioNotKept, match="Not a directory"):
        blobs.write(KEY, b"one")
    assert blobs.keys() == set()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_root_that_is_forbidden_is_told():
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        os.seteuid(NOBODY)
        try:
            with pytest.raises(AudioNotKept, match="Permission denied"):
                FolderBlobs(f"{name}/audio").write(KEY, b"one")
        finally:
            os.seteuid(0)
        assert files_below(Path(name)) == set()


@pytest.mark.parametrize("spare_count", range(4))
def test_a_process_out_of_descriptors_is_told_and_leaves_nothing(tmp_path: Path, spare_count: int):
    """One file of a write after the other cannot be opened."""
    blobs = FolderBlobs(str(tmp_path))
    blobs.write(OTHER, b"other")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    hoard = [os.open(os.devnull, os.O_RDONLY) for _ in range(8)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(hoard) + 1, limits[1]))
    try:
        # Whatever is free below the limit.
        while len(hoard) < 4_096:
            try:
                hoard.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                break
        for _ in range(spare_count):
            os.close(hoard.pop())
        try:
            blobs.write(KEY, b"one")
            is_kept = True
        except AudioNotKept as error:
            assert "Too many open files" in str(error)  # noqa: PT017 - with enough it is kept
            is_kept = False
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for each in hoard:
            os.close(each)
    assert is_kept == (spare_count >= 2)
    assert files_below(tmp_path) == ({KEY, OTHER} if is_kept else {OTHER})


class Flaky(MemoryFileSystem):  # type: ignore[misc]
    """A remote file system whose connection breaks in the middle of a file."""

    cachable = False

    def pipe_file(self, path: str, value: bytes, **kwargs: Any) -> None:
        super().pipe_file(path, value[: len(value) // 2], **kwargs)
        raise TimeoutError(f"no answer of sftp://user:hunter2@host{path}")


def test_half_a_file_on_a_remote_file_system_is_removed_and_told_without_a_login():
    filesystem = Flaky()
    with pytest.raises(AudioNotKept, match="no answer") as caught:
        BucketBlobs(filesystem, "/flaky/audio").write(KEY, bytes(1_000))
    assert "hunter2" not in str(caught.value)
    assert fsspec.filesystem("memory").find("/flaky") == []


LOGINS = ["user:zebra-yak", "user:zebra/yak", "user:zebra#yak", "user:zebra?yak", "user:zebra@yak"]


@pytest.mark.parametrize("login", LOGINS)
async def test_a_place_of_audio_that_is_away_is_told_without_its_login(login: str):
    async def identity() -> str:
        return "store"

    audio = EncodedAudio(b"one")
    files = AudioFiles(f"ftp://{login}@127.0.0.1:1/audio", identity)
    with pytest.raises(AudioNotKept) as not_kept:
        await files.keep(audio, content_hash(audio))
    with pytest.raises(AudioNotFound) as not_found:
        await files.read(Clip("a", content_hash(audio)))
    for caught in (not_kept, not_found):
        assert "zebra" not in str(caught.value)
        assert "yak" not in str(caught.value)
        assert "ftp://" in str(caught.value)


@pytest.mark.parametrize(
    "root", ["nosuch://zebra:yak@bucket/a", "simplecache::nosuch://zebra:yak@b"]
)
def test_a_root_that_is_none_is_refused_at_the_start_without_its_login(root: str):
    with pytest.raises(WrongPlace) as caught:
        check_root(root)
    assert "yak" not in str(caught.value)
