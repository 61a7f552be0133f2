"""Data folders and logs are their user's alone, and logs have a bounded size."""

import os
import stat
import sys
from pathlib import Path

import pytest

from aloe.local.child import Child
from aloe.local.private import (
    MAX_LOG_BYTES,
    bound_log,
    make_private_folder,
    open_folders,
    open_private,
    tighten,
)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_made_is_private_and_what_is_there_stays(tmp_path: Path):
    there = tmp_path / "there"
    there.mkdir(mode=0o755)
    make_private_folder(there / "a" / "b")
    assert [mode_of(each) for each in (there, there / "a", there / "a/b")] == [0o755, 0o700, 0o700]
    open_private(there / "file").close()
    assert mode_of(there / "file") == 0o600


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="exists"):
        make_private_folder(tmp_path / "file")


def test_what_earlier_versions_left_open_is_closed(tmp_path: Path):
    other, data = tmp_path / "other", tmp_path / "data"
    for folder in (other, data / "redis", data / "logs"):
        folder.mkdir(parents=True, mode=0o755)
    (data / "audio").symlink_to(other)
    assert open_folders(data) == []  # Nothing says that it is a data folder.
    (data / "lock").touch()
    assert open_folders(data) == [data / "redis", data / "logs"]
    tighten(data)
    assert open_folders(data) == []
    assert mode_of(other) == 0o755


def test_a_log_that_is_too_large_begins_anew(tmp_path: Path):
    log = tmp_path / "a.log"
    with open_private(log) as file:
        bound_log(log)
        file.write(b"1\n")
        file.flush()
        os.truncate(log, MAX_LOG_BYTES + 1)
        bound_log(log)
        file.write(b"2\n")
    assert log.read_bytes() == b"2\n"
    assert (tmp_path / "a.log.1").stat().st_size == MAX_LOG_BYTES + 1
    assert mode_of(tmp_path / "a.log.1") == 0o600


def test_what_a_child_writes_is_private(tmp_path: Path):
    made = tmp_path / "made"
    code = (
        f"import sys, time; sys.stderr.write('x'); open({str(made)!r}, 'w').close(); time.sleep(60)"
    )
    child = Child(
        "a child",
        [sys.executable, "-c", code],
        log_path=tmp_path / "logs" / "log",
        ready=lambda _: made.exists(),
    )
    child.start(30)
    assert mode_of(made) == 0o600
    assert mode_of(child.log_path) == 0o600
    assert mode_of(child.log_path.parent) == 0o700
    child.stop()
