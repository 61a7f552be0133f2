"""Who runs in a data folder, and where its Redis listens."""

import socket
import stat
from pathlib import Path

import pytest
from tests.needing_redis import needing_redis

from aloe.local import ChildFailed, redis_of, running_redis
from aloe.local.data_folder import FolderTaken, forget_redis, note_redis, take_folder
from aloe.redis.connecting import connect_blocking

RECORD = "redis.url"


def listening(path: Path) -> tuple[socket.socket, str]:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    return server, f"unix://{path}"


def test_a_folder_has_one_at_a_time(tmp_path: Path):
    with take_folder(tmp_path), pytest.raises(FolderTaken, match="another ALOE runs in"):
        take_folder(tmp_path)
    take_folder(tmp_path).close()


def test_a_redis_is_found_by_its_user_alone_and_as_long_as_it_runs(tmp_path: Path):
    server, url = listening(tmp_path / "s")
    with server, take_folder(tmp_path):
        assert running_redis(tmp_path) == ""
        note_redis(tmp_path, url)
        assert stat.S_IMODE((tmp_path / RECORD).stat().st_mode) == 0o600
        assert running_redis(tmp_path) == url
        forget_redis(tmp_path)
        assert running_redis(tmp_path) == ""


def test_the_record_of_one_that_was_killed_is_not_believed_and_goes(tmp_path: Path):
    server, url = listening(tmp_path / "s")
    take_folder(tmp_path).close()
    note_redis(tmp_path, url)
    server.close()
    assert running_redis(tmp_path) == ""
    take_folder(tmp_path).close()
    assert not (tmp_path / RECORD).exists()


@pytest.mark.parametrize("what", [b"", b"\xff", b"unix://\x00", b"unix:///" + b"x" * 500])
def test_a_record_that_makes_no_sense_is_none(tmp_path: Path, what: bytes):
    (tmp_path / RECORD).write_bytes(what)
    assert running_redis(tmp_path) == ""


def test_the_redis_of_a_folder_runs_for_as_long_as_it_is_needed_and_alone(tmp_path: Path):
    (tmp_path / "redis").mkdir()
    with needing_redis(), redis_of(tmp_path) as url:
        client = connect_blocking(url)
        client.set("kept", "1")
        client.close()
        with pytest.raises(FolderTaken):
            take_folder(tmp_path)
    with redis_of(tmp_path) as again:
        assert again != url
        client = connect_blocking(again)
        assert client.get("kept") == b"1"
        client.close()
    take_folder(tmp_path).close()


def test_the_redis_that_runs_is_taken_and_stays(tmp_path: Path):
    (tmp_path / "redis").mkdir()
    server, url = listening(tmp_path / "s")
    with server, take_folder(tmp_path):
        note_redis(tmp_path, url)
        with redis_of(tmp_path) as found:
            assert found == url
        assert running_redis(tmp_path) == url


def test_another_redis_of_a_folder_that_is_taken_has_to_be_named(tmp_path: Path):
    (tmp_path / "redis").mkdir()
    with take_folder(tmp_path), pytest.raises(FolderTaken, match="give --redis-url"):
        redis_of(tmp_path).__enter__()


def test_a_folder_without_labels_is_told_and_not_made(tmp_path: Path):
    with pytest.raises(ChildFailed, match="has kept labels in"):
        redis_of(tmp_path / "nothing").__enter__()
    assert not (tmp_path / "nothing").exists()
