import pytest

from aloe.v1 import audio_pb2, head_pb2, pool_pb2
from aloe.wire.errors import MalformedValue
from aloe.wire.scanning import check_field_count

EMPTY_CLIP = b"\x0a\x00"
PREDICT = head_pb2.PredictRequest.DESCRIPTOR
IMPORT = pool_pb2.ImportClipsRequest.DESCRIPTOR


def audio_of(clips: bytes) -> bytes:
    """A PredictRequest with serialized clips."""
    number = head_pb2.PredictRequest.DESCRIPTOR.fields_by_name["audio"].number
    size = len(clips)
    varint = b""
    while size > 127:
        varint += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + varint + bytes([size]) + clips


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (audio_of(EMPTY_CLIP * 1_000_000), PREDICT),
        (b"\x1a\x00" * 1_000_000, IMPORT),
        (b"\x08\x01" * 1_000_000, PREDICT),
    ],
)
def test_millions_of_fields_are_refused_before_any_is_parsed(data, message):
    with pytest.raises(MalformedValue, match=r"over 100,000 fields"):
        check_field_count(data, message)


def test_a_clip_with_millions_of_ids_is_refused():
    clip = pool_pb2.NewClip(other_ids=["a"] * 500_000)
    data = pool_pb2.ImportClipsRequest(clips=[clip]).SerializeToString()
    with pytest.raises(MalformedValue, match=r"over 100,000 fields"):
        check_field_count(data, IMPORT)


@pytest.mark.parametrize("cut", [0, 1, 100, 1_500_000])
def test_large_messages_pass_whole_or_cut(cut: int):
    clips = [audio_pb2.Audio(encoded=bytes(200_000)) for _ in range(10)]
    request = head_pb2.PredictRequest(task="tasks/t", audio=head_pb2.AudioClips(clips=clips))
    data = request.SerializeToString()
    check_field_count(data[: len(data) - cut], PREDICT)


def test_what_is_no_message_is_left_to_the_parser():
    check_field_count(b"\xff" * 2_000_000, PREDICT)
    check_field_count(b"\x0f" * 2_000_000, PREDICT)
