"""A learner that other machines reach, or that is told so: no file is heard by its path."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tests.rpc.learner.recordings import encoded, tone
from tests.rpc.learner.scenes import DIM, FINGERPRINT

from aloe.client import LearnerClient, NewClip, NotFound, connect
from aloe.local import LocalStack, StackOptions
from aloe.wire.addresses import is_loopback


@contextmanager
def learner(tmp_path: Path, *flags: str) -> Iterator[LearnerClient]:
    """A learner by itself; it needs no embedding service for embeddings."""
    process = subprocess.Popen(
        # The last address counts: another learner may have the usual one.
        [sys.executable, "-m", "aloe.learner", "--address", "127.0.0.1:0", *flags],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ
        | {
            "ALOE_LEARNER_REDIS_URL": "memory://",
            "ALOE_LEARNER_AUDIO_ROOT": str(tmp_path / "audio"),
        },
    )
    assert process.stdout
    try:
        port = re.search(r"listening on .*:(\d+)$", process.stdout.readline())
        assert port
        with connect(f"127.0.0.1:{port[1]}") as client:
            yield client
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "is_heard"),
    [
        (("--address", "127.0.0.1:0"), True),
        (("--address", "0.0.0.0:0"), False),
        (("--address", "0.0.0.0:0", "--hear-files", "on"), True),
        (("--address", "127.0.0.1:0", "--hear-files", "off"), False),
    ],
)
def test_files_are_heard_if_only_this_machine_can_connect_or_as_told(
    tmp_path: Path, flags: tuple[str, ...], is_heard: bool
):
    recording = tmp_path / "a.wav"
    recording.write_bytes(encoded(tone()))
    vector = np.ones(DIM, np.float32)
    with learner(tmp_path, *flags) as client:
        for keep_audio in (False, True):
            pool_id = f"keeps-{keep_audio}"
            client.create_pool(
                pool_id, encoder_fingerprint=FINGERPRINT, embedding_dim=DIM, keep_audio=keep_audio
            )
            clip = NewClip("a", audio=recording, embedding=vector, uri=recording.as_uri())
            assert client.import_clips(pool_id, [clip]).imported_count == 1
        modes = [each.stat().st_mode & 0o077 for each in (tmp_path / "audio").rglob("*")]
        assert modes == [0] * len(modes)
        assert client.get_clip_audio("keeps-True", "a").content == recording.read_bytes()
        if is_heard:
            assert client.get_clip_audio("keeps-False", "a").content == recording.read_bytes()
        else:
            with pytest.raises(NotFound, match="may not read"):
                client.get_clip_audio("keeps-False", "a")


@pytest.mark.parametrize(
    ("address", "is_alone"),
    [
        ("127.0.0.1:50062", True),
        ("127.3.2.1:0", True),
        ("localhost:0", True),
        ("[::1]:0", True),
        ("0.0.0.0:50062", False),
        ("[::]:50062", False),
        ("192.168.0.7:1", False),
        ("localhost.example.org:1", False),
        (":50062", False),
        ("50062", False),
        ("unix:/tmp/socket", False),
    ],
)
def test_loopback_is_told_by_the_address(address: str, is_alone: bool):
    assert is_loopback(address) == is_alone
    stack = LocalStack(StackOptions(learner_address=address))
    assert stack.hears_files == is_alone
    stack.stop()
