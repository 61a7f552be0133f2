"""The tables of limits in deploy/README.md are those of the code."""

from collections.abc import Iterator
from pathlib import Path

from aloe.embedding.rpc import gates as embedding_gates
from aloe.embedding.settings import Settings as EmbeddingSettings
from aloe.learner import bulkheads
from aloe.learner.rpc.fields import read_page_size
from aloe.learner.rpc.gates import make_gates
from aloe.learner.settings import Settings as LearnerSettings
from aloe.learner.usecases import head_waiting, import_run, pools, probabilities, tasks
from aloe.learner.usecases.import_memory import DEFAULT_LIMITS
from aloe.redis.waiting import ROOM
from aloe.serving import guard, receiving, server
from aloe.serving.settings import ServiceSettings
from aloe.values import attributes
from aloe.wire import bounds, scanning

PAGE = Path(__file__).parents[2] / "deploy" / "README.md"
SETTINGS: dict[str, type[ServiceSettings]] = {
    "learner": LearnerSettings,
    "embedding service": EmbeddingSettings,
}
GIB, MIB, KIB = 1024**3, 1024**2, 1024


def rows() -> Iterator[tuple[str, str, str, str, str]]:
    """Yield of each row: the service, what is bounded, the default, what sets it, what is seen."""
    _, _, section = PAGE.read_text().partition("\n## Limits\n")
    service = ""
    for line in section.partition("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and "---" not in cells:
            if cells[1] == "default":
                service = cells[0]
            else:
                what, default, setter, told = cells
                yield service, what, default, setter, told


def test_defaults_of_flags_are_those_of_the_settings():
    flagged = [row for row in rows() if row[3].startswith("`--")]
    for service, what, default, flag, _ in flagged:
        setting = SETTINGS[service].model_fields[flag.strip("`-").replace("-", "_")]
        assert float(default.split()[0].replace(",", "")) == setting.default, what
    assert flagged


def test_what_has_no_flag_is_as_in_the_code():
    gates = make_gates()
    width = {method: f"{gate.width:,}" for method, gate in gates.items()}
    kept, foreign = bulkheads.KEPT_AUDIO, bulkheads.FOREIGN_AUDIO
    request_bytes = bounds.MAX_REQUEST_BYTES
    assert {what: default for _, what, default, setter, _ in rows() if "fixed" in setter} == {
        "`Query` at a time": width["Query"],
        "`SubmitLabels`, `ReleaseLeases`, `RenewLeases` at a time": width["SubmitLabels"],
        "`Predict` at a time": width["Predict"],
        "`SearchClips` at a time": width["SearchClips"],
        "`GetClipAudio` at a time": width["GetClipAudio"],
        "calls at a time that only read": width["GetTask"],
        "calls at a time that change pools and tasks": width["CreateTask"],
        "waiting for a turn": f"{gates['Query'].max_wait_s:g} s",
        "`ImportClips` at a time": width["ImportClips"],
        "`ExportClips` and `ExportLabels` at a time": width["ExportClips"],
        "`RefitPool` at a time": width["RefitPool"],
        "`ReplayTask` at a time": width["ReplayTask"],
        "`WatchTask` at a time": width["WatchTask"],
        "calls that wait for a head": f"{head_waiting.MOST_CALLS:,}",
        "connections to Redis": f"{ROOM.connection_count}",
        "calls that wait for such a connection": f"{ROOM.waiting_count:,}",
        "waiting for such a connection": f"{ROOM.wait_s:g} s",
        "clips of one import that fail": f"{bounds.FAILURE_COUNT:,}",
        "inputs of one `Predict`": f"{bounds.ROW_COUNT:,}",
        "answer of one `Predict`": f"{probabilities.MAX_ANSWER_BYTES // MIB} MiB",
        "inputs and answers of all `Predict` in work": f"{probabilities._BYTES_IN_WORK // GIB} GiB",
        "threads that score, train, predict": "one of each a core",
        "threads that read vectors from Redis": f"{bulkheads.READING_VECTORS.thread_count}",
        "threads for kept audio": f"{kept.thread_count}",
        "reading or keeping a kept recording": f"{kept.time_limit_s} s",
        "threads for audio elsewhere": f"{foreign.thread_count}",
        "reading a recording elsewhere": f"{foreign.time_limit_s} s",
        "calls at a time that get or list encoders": (
            f"{embedding_gates.make_gates(1, 1)['GetEncoder'].width}"
        ),
        "a message": f"{server.MAX_MESSAGE_BYTES // MIB} MiB",
        "a request of `SubmitLabels`, `ImportLabels` or `UpdateClips`": (
            f"{request_bytes['aloe.v1.SubmitLabelsRequest'] // MIB} MiB"
        ),
        "a request of `RenewLeases` or `ReleaseLeases`": (
            f"{request_bytes['aloe.v1.RenewLeasesRequest'] // MIB} MiB"
        ),
        "a request of `CreateTask`, `UpdateTask` or `DeleteClips`": (
            f"{request_bytes['aloe.v1.CreateTaskRequest'] // MIB} MiB"
        ),
        "any other request but those of `Embed`, `EmbedStream`, `ImportClips`, `Predict`,"
        " `Query` and `SearchClips`": (f"{bounds.DEFAULT_REQUEST_BYTES // KIB} KiB"),
        "fields in a message over 1 MiB, with those within it": f"{scanning.MAX_FIELD_COUNT:,}",
        f"requests over {guard._SMALL_BYTES // KIB} KiB in work, each counted four times": (
            f"{guard._IN_WORK['bytes'].most // MIB:,} MiB"
        ),
        f"requests that take over {receiving.QUICK_S:g} s to come": f"{receiving.SLOW_COUNT}",
        "a request that comes": f"{receiving.LONGEST_S:g} s",
        "recordings, clips, leases, answers or labels in a message": f"{bounds.ID_COUNT:,}",
        "clips in one `DeleteClips` or `UpdateClips`": f"{bounds.CHANGED_CLIP_COUNT:,}",
        "attributes of a clip": f"{bounds.ATTRIBUTE_COUNT}",
        "names and values of a clip's attributes": f"{attributes.MAX_BYTES:,} bytes",
        "classes of a task": f"{bounds.CLASS_COUNT:,}",
        "watchers of health": f"{server._MAX_HEALTH_WATCHER_COUNT:,}",
    }


def test_what_comes_past_a_limit_is_told_with_its_number():
    told = {what: text for _, what, _, _, text in rows()}
    stalls = told["clips of all imports that are not stored yet"]
    assert f"stalls for {DEFAULT_LIMITS.gives_way_s:g} s" in stalls
    for what, bulkhead in (
        ("threads for kept audio", bulkheads.KEPT_AUDIO),
        ("threads for audio elsewhere", bulkheads.FOREIGN_AUDIO),
    ):
        assert f"where {bulkhead.waiting_count:,} wait" in told[what]


def test_requests_that_the_table_names_are_those_with_a_bound_of_their_own():
    """The others have the default; a new one has to be told."""
    assert set(bounds.MAX_REQUEST_BYTES) == {
        f"aloe.v1.{rpc}Request"
        for rpc in (
            "SubmitLabels", "ImportLabels", "Embed", "EmbedStream", "ImportClips", "Predict",
            "RenewLeases", "ReleaseLeases", "CreateTask", "UpdateTask", "DeleteClips",
            "UpdateClips", "SearchClips", "Query", "ImportRecording", "DeleteRecordings",
                "RestoreHead",
        )
    }  # fmt: skip


def test_the_learner_keeps_to_the_bounds_that_it_may_not_import():
    """What knows no wire has the number a second time."""
    assert import_run._MAX_FAILURES == bounds.FAILURE_COUNT
    assert tasks._LABELS_AT_ONCE == bounds.STREAMED_COUNT
    assert pools._CLIPS_PER_BLOCK <= bounds.STREAMED_COUNT
    assert import_run._UPDATED_AT_ONCE == bounds.CHANGED_CLIP_COUNT
    assert attributes.MAX_ATTRIBUTES == bounds.ATTRIBUTE_COUNT
    assert read_page_size(0) == read_page_size(2**32 - 1) == bounds.PAGE_COUNT
