"""Recordings that are none are refused by clip and field, alone or among good ones."""

from typing import Any

import numpy as np
import pytest
from google.rpc import code_pb2
from numpy.testing import assert_array_equal
from tests.rpc.learner.recordings import encoded, tone
from tests.rpc.learner.scenes import CLASSES, new_id

from aloe.client import LearnerClient
from aloe.client.calls.translate import error_of_status
from aloe.v1 import audio_pb2, head_pb2, labeling_pb2, pool_pb2
from aloe.wire.arrays import decode_matrix


def pcm(samples: np.ndarray, **fields: Any) -> audio_pb2.Audio:
    given: dict[str, Any] = {
        "sample_rate_hz": 16_000,
        "sample_format": audio_pb2.SAMPLE_FORMAT_FLOAT32,
        "samples": samples.astype("<f4").tobytes(),
    }
    return audio_pb2.Audio(pcm=audio_pb2.Pcm(**(given | fields)))


BAD_AUDIO: dict[str, tuple[audio_pb2.Audio, str]] = {
    "nothing": (audio_pb2.Audio(), "encoded"),
    "an empty file": (audio_pb2.Audio(encoded=b""), "encoded"),
    "text": (audio_pb2.Audio(encoded=b"to be or not to be " * 50), "encoded"),
    "a cut file": (audio_pb2.Audio(encoded=encoded(tone())[:30]), "encoded"),
    "a minute and a half": (
        audio_pb2.Audio(encoded=encoded(tone(duration_s=90, sample_rate_hz=4_000),
                                        sample_rate_hz=4_000)), "encoded"),
    "NaN": (pcm(np.array([0.0, np.nan])), "pcm.samples"),
    "infinity": (pcm(np.array([np.inf, 0.0])), "pcm.samples"),
    "a rate of zero": (pcm(tone(), sample_rate_hz=0), "pcm.sample_rate_hz"),
    "a rate of 999 Hz": (pcm(tone(), sample_rate_hz=999), "pcm.sample_rate_hz"),
    "a rate of 4 GHz": (pcm(tone(), sample_rate_hz=2**32 - 1), "pcm.sample_rate_hz"),
    "no format": (pcm(tone(), sample_format=0), "pcm.sample_format"),
    "an unknown format": (pcm(tone(), sample_format=77), "pcm.sample_format"),
    "absurdly many channels": (pcm(tone(), channel_count=2**32 - 1), "pcm.channel_count"),
    "half a frame": (pcm(tone(), channel_count=3), "pcm.samples"),
    "no samples": (pcm(np.zeros(0)), "pcm.samples"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_AUDIO)
def test_bad_audio_is_refused_by_clip_and_field(raw, client: LearnerClient, case):
    message, wrong = BAD_AUDIO[case]
    pool = client.create_pool(new_id(), keep_audio=True)
    client.create_task(pool.pool_id, pool.pool_id, CLASSES)
    clips = [
        pool_pb2.NewClip(clip_id="a", audio=audio_pb2.Audio(encoded=encoded(tone(300)))),
        pool_pb2.NewClip(clip_id="bad", audio=message),
        pool_pb2.NewClip(clip_id="b", audio=audio_pb2.Audio(encoded=encoded(tone(600)))),
    ]
    request = pool_pb2.ImportClipsRequest(pool=f"pools/{pool.pool_id}", clips=clips)
    summary = raw.ImportClips(iter([request]))
    assert [failure.clip_id for failure in summary.failures] == ["bad"]
    assert [clip.clip_id for clip in client.list_clips(pool.pool_id)] == ["a", "b"]
    task_name = f"tasks/{pool.pool_id}"
    split = labeling_pb2.SPLIT_TRAIN
    known_labels = [
        labeling_pb2.KnownLabel(clip=f"pools/{pool.pool_id}/clips/{clip}", label=label, split=split)
        for clip, label in (("a", "low"), ("b", "high"))
    ]
    raw.ImportLabels(labeling_pb2.ImportLabelsRequest(task=task_name, labels=known_labels))
    both = head_pb2.AudioClips(clips=[clips[0].audio, message])
    found = raw.Predict(head_pb2.PredictRequest(task=task_name, audio=both, min_head_version=1))
    (failure,) = found.failures
    assert (failure.index, failure.status.code) == (1, code_pb2.INVALID_ARGUMENT)
    assert [each.field for each in error_of_status(failure.status).violations] == [f"audio.{wrong}"]
    alone = head_pb2.AudioClips(clips=[clips[0].audio])
    good = raw.Predict(head_pb2.PredictRequest(task=task_name, audio=alone))
    assert not good.failures
    assert_array_equal(decode_matrix(found.probabilities)[0], decode_matrix(good.probabilities)[0])
    assert np.isnan(decode_matrix(found.probabilities)[1]).all()
    assert list(found.labels) == [good.labels[0], ""]
