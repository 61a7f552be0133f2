"""Searches and their examples, to and from their messages."""

from aloe.learner.domain.errors import InvalidInput
from aloe.learner.domain.filters.parsing import parse_filter
from aloe.learner.domain.pool import NamedClip
from aloe.learner.rpc import fields
from aloe.learner.rpc.pools import read_audio, write_clip
from aloe.learner.usecases.likeness import Example, GivenEmbedding
from aloe.learner.usecases.searching import LIKE, Search, SearchOutcome
from aloe.v1 import search_pb2
from aloe.values.similarities import Similarity
from aloe.wire.arrays import decode_matrix
from aloe.wire.audio import write_report
from aloe.wire.bounds import ID_COUNT
from aloe.wire.enums import SIMILARITIES

_DEFAULT_COUNT = 50
MAX_FINGERPRINT_LENGTH = 256


def read_search(request: search_pb2.SearchClipsRequest) -> Search:
    """Read what is looked for."""
    return Search(
        read_example(request.like, LIKE),
        fields.read_count(request.count or _DEFAULT_COUNT, ID_COUNT, "count"),
        parse_filter(request.filter),
        fields.read_task_id(request.task, "task") if request.task else "",
        request.unlabeled_only,
    )


def read_example(message: search_pb2.Example, field: str) -> Example:
    """Read what clips are to be like."""
    similarity = fields.valid(
        SIMILARITIES.member,
        message.similarity,
        f"{field}.similarity",
        default=Similarity.COSINE,
    )
    kind = message.WhichOneof("content")
    if message.encoder_fingerprint and kind != "embedding":
        raise InvalidInput.of(f"{field}.encoder_fingerprint", "given without an embedding")
    match kind:
        case "clip":
            name = fields.read_clip_name(message.clip, f"{field}.clip")
            return Example(NamedClip(name.pool_id, name.clip_id), similarity)
        case "audio":
            return Example(read_audio(message.audio, f"{field}.audio"), similarity)
        case "embedding":
            matrix = fields.parsed(decode_matrix, message.embedding, f"{field}.embedding")
            if len(matrix) != 1:
                raise InvalidInput.of(f"{field}.embedding", f"{len(matrix)} rows; give one")
            fingerprint = fields.read_text(
                message.encoder_fingerprint, MAX_FINGERPRINT_LENGTH, f"{field}.encoder_fingerprint"
            )
            return Example(GivenEmbedding(matrix[0], fingerprint), similarity)
    raise InvalidInput.of(field, "empty; give a clip, audio or an embedding")


def write_outcome(pool_id: str, outcome: SearchOutcome) -> search_pb2.SearchClipsResponse:
    return search_pb2.SearchClipsResponse(
        results=[
            search_pb2.SearchResult(clip=write_clip(pool_id, each.clip), similarity=each.similarity)
            for each in outcome.found
        ],
        report=write_report(outcome.report),
    )
