"""How many calls work at a time: by kind, so that one kind of work leaves room for the others."""

from collections.abc import Mapping

from aloe.admission.gate import Gate
from aloe.admission.stream_gate import StreamGate

WATCHER_COUNT = 20_000
"""Streams of WatchTask held at once; each costs memory and, while nothing changes, no work."""
IMPORT_COUNT = 1_024
"""What they hold in memory, and how many are read at a time, is bounded elsewhere."""
EXPORT_COUNT = 64
RECORDING_COUNT = 64
"""Imports of recordings; two at a time are decoded, the others wait."""
REPLAY_COUNT = 2
"""Each keeps a thread busy."""

REFIT_COUNT = 2
"""As well; each holds a large pool's sample of embeddings."""


def make_gates() -> Mapping[str, Gate]:
    """Return the gate of each method by its name; methods of one kind share one."""
    answering = Gate("answers of oracles", 64)
    reading = Gate("reads", 64)
    changing = Gate("changes", 64)
    exporting = StreamGate("exports", EXPORT_COUNT)
    return {
        # More at a time would rank the same clips, and find them leased.
        "Query": Gate("queries", 32),
        **dict.fromkeys(("SubmitLabels", "ReleaseLeases", "RenewLeases"), answering),
        "Predict": Gate("predictions", 64),
        # Each takes all cores, for as long as it takes to read a pool once.
        "SearchClips": Gate("searches", 16),
        "GetClipAudio": Gate("recordings", 32),
        **dict.fromkeys(_READING, reading),
        **dict.fromkeys(_CHANGING, changing),
        "ImportClips": StreamGate("imports", IMPORT_COUNT),
        "ImportRecording": StreamGate("imports of recordings", RECORDING_COUNT),
        "WatchTask": StreamGate("watchers", WATCHER_COUNT),
        **dict.fromkeys(("ExportClips", "ExportLabels", "PredictPool"), exporting),
        "RefitPool": Gate("refits", REFIT_COUNT),
        "ReplayTask": StreamGate("replays", REPLAY_COUNT),
    }


_READING = (
    "GetPool", "ListPools", "ListClips", "GetClip", "GetRecording", "ListRecordings",
    "GetTask", "ListTasks", "ListRounds",
    "ExportHead", "ListEvents", "ListPromotions",
)  # fmt: skip
_CHANGING = (
    "CreatePool", "DeletePool", "DeleteClips", "DeleteRecordings",
    "UpdateClips", "RenameClip", "CreateTask",
    "UpdateTask", "ChangeClasses", "DeleteTask", "ImportLabels", "PromoteHead", "DemoteHead",
    "RestoreHead",
)  # fmt: skip
