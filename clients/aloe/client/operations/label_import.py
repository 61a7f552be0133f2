"""Known labels into a task, any number of them, in calls that fit into messages."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from aloe.client import types
from aloe.client.calls.translate import invalid_field
from aloe.client.errors import AloeError, AlreadyExists, InvalidArgument
from aloe.client.operations.chunks import MESSAGE_BYTES, Sized, group_sized
from aloe.client.operations.fields import clip_name, task_name
from aloe.client.operations.operation import Operation
from aloe.v1 import labeling_pb2
from aloe.wire import names
from aloe.wire.enums import SPLITS
from aloe.wire.labels import encode_labels

_MAX_COUNT = 10_000
_MAX_SHOWN = 20

OnProgress = Callable[[str, int], None]
_Chunk = Sequence[Sized[labeling_pb2.KnownLabel]]


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of the labels of one call."""

    count: int
    result: types.ImportLabelsResult


class LabelImport:
    """An import in calls, one after the other, and what has become of it so far.

    One call is all or none. Where there are several, all are checked before the first is stored.
    """

    def __init__(
        self,
        task_id: str,
        pool_id: str,
        labels: Iterable[types.KnownLabel],
        *,
        replace: bool,
        max_message_bytes: int,
        on_progress: OnProgress | None,
    ) -> None:
        """Take labels. Raises InvalidArgument where `task_id` is no id."""
        self._task, self._pool_id, self._replace = task_name(task_id), pool_id, replace
        self._labels = labels if isinstance(labels, Sequence) else list(labels)
        self._max_bytes = min(MESSAGE_BYTES, max_message_bytes // 2)
        self._on_progress = on_progress
        self._blamed: AloeError | None = None
        self._violations: list[types.FieldViolation] = []
        self._violation_count = 0
        self._checked_count = self._stored_count = 0
        self._result = types.ImportLabelsResult(changed_count=0, head_version=None)

    def checks(self) -> Iterator[Operation[_Done]]:
        """Yield the calls that check; none where a single call can do all."""
        chunks = self._chunks(self._note, compares=not self._replace)
        first, second = next(chunks, None), next(chunks, None)
        if second is None and self._blamed is None:
            return
        for chunk in chain([each for each in (first, second) if each], chunks):
            yield self._operation(chunk, validate_only=True)
            self._checked_count += len(chunk)
            self._tell("checking", self._checked_count)

    def blame(self, error: AloeError) -> None:
        """Take note of what a check found. Raises `error` where it does not blame labels."""
        if not (isinstance(error, InvalidArgument | AlreadyExists) and error.violations):
            raise error
        self._note(error)

    def stores(self) -> Iterator[Operation[_Done]]:
        """Yield the calls that store.

        Raises:
            InvalidArgument: the checks found labels that are wrong.
            AlreadyExists: they found only labels that differ from what is stored.
        """
        if self._blamed is not None:
            self._blamed.metadata["violation_count"] = str(self._violation_count)
            told = f"{self._violation_count:,} of {len(self._labels):,} labels are refused: "
            raise self._blamed.blaming(tuple(self._violations), told)
        for chunk in self._chunks(_raise):
            yield self._operation(chunk)
        if not self._labels:  # The server says what is missing.
            yield self._operation([])

    def add(self, done: _Done) -> None:
        """Take note of what became of the next labels."""
        versions = (self._result.head_version, done.result.head_version)
        self._result = types.ImportLabelsResult(
            changed_count=self._result.changed_count + done.result.changed_count,
            head_version=max((each for each in versions if each is not None), default=None),
            replaced_count=self._result.replaced_count + done.result.replaced_count,
            divided_recordings=tuple(
                sorted({*self._result.divided_recordings, *done.result.divided_recordings})
            ),
        )
        self._stored_count += done.count
        self._tell("storing", self._stored_count)

    def finish(self) -> types.ImportLabelsResult:
        """Return what became of the import."""
        return self._result

    def _chunks(
        self, on_error: Callable[[InvalidArgument], None], *, compares: bool = False
    ) -> Iterator[_Chunk]:
        encoded = self._encoded(on_error, compares=compares)
        return group_sized(encoded, max_count=_MAX_COUNT, max_bytes=self._max_bytes)

    def _encoded(
        self, on_error: Callable[[InvalidArgument], None], *, compares: bool
    ) -> Iterator[Sized[labeling_pb2.KnownLabel]]:
        firsts: dict[str, int] = {}
        for place, known in enumerate(self._labels):
            # The server compares the labels of one call only.
            first = firsts.setdefault(known.clip_id, place) if compares else place
            if _differ(known, self._labels[first]):
                other = f"{known.clip_id!r} has another label in labels[{first}]; give one label"
                on_error(invalid_field(f"labels[{place}]", other))
                continue
            try:
                message = encode_known_label(self._pool_id, known)
            except (InvalidArgument, ValueError) as error:
                on_error(invalid_field(f"labels[{place}].clip", str(error)))
            else:
                yield Sized(place, message, message.ByteSize())

    def _operation(self, chunk: _Chunk, *, validate_only: bool = False) -> Operation[_Done]:
        request = labeling_pb2.ImportLabelsRequest(
            task=self._task,
            labels=[each.item for each in chunk],
            replace=self._replace,
            validate_only=validate_only,
        )
        return Operation(
            "ImportLabels",
            request,
            lambda response: _Done(len(chunk), _parse_result(response)),
            places=[each.place for each in chunk],
        )

    def _note(self, error: AloeError) -> None:
        # What is wrong in itself weighs more than what differs from the store.
        if self._blamed is None or isinstance(error, InvalidArgument):
            self._blamed = error
        self._violation_count += error.violation_count
        self._violations += error.violations[: _MAX_SHOWN - len(self._violations)]

    def _tell(self, step: str, count: int) -> None:
        if self._on_progress is not None:
            self._on_progress(step, count)


def _differ(one: types.KnownLabel, other: types.KnownLabel) -> bool:
    return (one.label, one.split) != (other.label, other.split)


def encode_known_label(pool_id: str, known: types.KnownLabel) -> labeling_pb2.KnownLabel:
    """Write a label. Raises InvalidArgument or ValueError where it cannot be written."""
    message = labeling_pb2.KnownLabel(
        clip=clip_name(pool_id, known.clip_id),
        split=SPLITS.number(known.split),
        oracle_id=known.oracle_id,
    )
    if known.label is None:
        message.abstention.SetInParent()
    elif isinstance(known.label, types.LabelSet):
        message.labels.CopyFrom(encode_labels(known.label))
    else:
        message.label = known.label
    message.is_audit = known.is_audit
    if known.label_time is not None:
        message.label_time.FromDatetime(known.label_time)
    return message


def _raise(error: InvalidArgument) -> None:
    raise error


def _parse_result(response: labeling_pb2.ImportLabelsResponse) -> types.ImportLabelsResult:
    return types.ImportLabelsResult(
        changed_count=response.changed_count,
        head_version=response.head_version if response.HasField("head_version") else None,
        replaced_count=response.replaced_count,
        divided_recordings=tuple(
            names.parse_recording_name(each).recording_id for each in response.divided_recordings
        ),
    )
