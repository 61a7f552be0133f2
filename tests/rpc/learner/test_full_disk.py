"""An import into a pool that keeps audio, on a disk that gets full, goes on clip by clip."""

import os
from pathlib import Path

import numpy as np
import pytest
from tests.chaos.store_fault_kinds import NotHere, small_disk
from tests.rpc.learner.scenes import DIM, FINGERPRINT
from tests.rpc.learner.test_hearing import hash_of
from tests.rpc.learner.test_hearing_remotely import learner

from aloe.client import NewClip


@pytest.mark.slow
def test_a_full_disk_fails_the_clips_that_it_cannot_keep_and_no_others(tmp_path: Path):
    disk = tmp_path / "audio"
    try:
        with small_disk(disk, 1_000_000), learner(tmp_path) as client:
            client.create_pool(
                "p", encoder_fingerprint=FINGERPRINT, embedding_dim=DIM, keep_audio=True
            )
            vectors = np.random.default_rng(0).normal(size=(40, DIM)).astype(np.float32)
            # Large ones with small ones between them, which still find room.
            contents = [os.urandom(90_000 if place % 4 else 100) for place in range(len(vectors))]
            clips = [
                NewClip(f"c{place}", content, vectors[place])
                for place, content in enumerate(contents)
            ]
            summary = client.import_clips("p", clips)
            failed = {each.clip_id for each in summary.failures}
            assert {each.reason for each in summary.failures} == {"AUDIO_NOT_KEPT"}
            assert all("No space left on device" in each.message for each in summary.failures)
            assert summary.imported_count == len(clips) - len(failed) > 10
            stored = {clip.clip_id for clip in client.list_clips("p")}
            assert stored == {clip.clip_id for clip in clips} - failed
            kept = {path.name for path in disk.rglob("*") if path.is_file()} - {"lock"}
            assert kept == {hash_of(contents[int(clip_id[1:])]) for clip_id in stored}
            # Once there is room again the same import brings the rest.
            for path in disk.rglob("*"):
                if path.is_file() and path.stat().st_size > 50_000:
                    path.unlink()
            again = client.import_clips("p", clips[-4:])
            assert again.failures == ()
    except NotHere as error:
        pytest.skip(str(error))
