"""How many calls work at a time: by kind, so that one kind of work leaves room for the others."""

from collections.abc import Mapping

from aloe.admission.gate import Gate
from aloe.admission.stream_gate import StreamGate


def make_gates(clip_count: int, stream_count: int) -> Mapping[str, Gate]:
    """Return the gate of each method by its name.

    Args:
        clip_count: how many clips the service takes in at once; a call of Embed has at least one.
        stream_count: how many streams it serves at once.
    """
    reading = Gate("reads", 64)
    return {
        "GetEncoder": reading,
        "ListEncoders": reading,
        "Embed": Gate("calls", clip_count),
        "EmbedStream": StreamGate("streams", stream_count),
    }
