"""`aloe predict TASK --pool`: what a head makes of all clips of its pool, as a table."""

from dataclasses import dataclass
from pathlib import Path

from aloe.cli.console import accepted_text, counted, notes, progress
from aloe.cli.pool_windows import PLACE_KINDS, PlacesOfClips, place_cells_of
from aloe.cli.prediction_tables import PredictionRows, writer_of
from aloe.client import LearnerClient, PoolPredictions

_CLIP_KINDS = {"clip_id": str, "clip_number": int}
_KINDS = {
    "predicted": str,
    "probability": float,
    "state": str,
    "label": str,
}


@dataclass(slots=True)
class Written:
    """What was written."""

    clip_count: int = 0
    accepted_count: int = 0
    expected_error: float | None = None
    head_version: int = 0


def predict_pool(
    learner: LearnerClient,
    task_id: str,
    to: Path | None,
    *,
    head: str,
    max_error: float | None,
    where: str,
    json: bool,
) -> None:
    """Write the predictions for a pool to a file of its ending, or to standard output.

    Of a pool of recordings each row says where its window lies.
    """
    writer = writer_of(to, json=json)
    places = place_cells_of(learner, learner.get_task(task_id).pool_id, where)
    blocks = learner.predict_pool(task_id, head=head, max_expected_error=max_error, filter=where)
    with progress() as bar, writer as write:
        row = bar.add_task("predicting", total=None)
        written = Written()
        for block in blocks:
            write(_rows(block, places))
            _count(block, written)
            bar.update(row, total=block.clip_count, completed=written.clip_count)
    where = f" in {to}" if to else ""
    notes.print(f"head {written.head_version} on {counted(written.clip_count, 'clip')}{where}")
    if max_error is not None:
        notes.print(accepted_text(written.accepted_count, "predictions", written.expected_error))


def _count(block: PoolPredictions, written: Written) -> None:
    written.clip_count += len(block.clip_ids)
    written.head_version, written.expected_error = block.head_version, block.expected_error
    if block.accepted is not None:
        written.accepted_count += int(block.accepted.sum())


def _rows(block: PoolPredictions, places: PlacesOfClips | None) -> PredictionRows:
    names = (None, *block.label_classes)
    place_columns = zip(*map(places, block.clip_ids), strict=True) if places else ()
    accepted = [] if block.accepted is None else [block.accepted.tolist()]
    cells = zip(
        block.clip_ids,
        block.clip_numbers.tolist(),
        *place_columns,
        map(str, block.label_sets) if block.thresholds else block.labels,
        block.probabilities.max(axis=1).tolist(),
        (each.name.lower() for each in block.states),
        map(str, block.known_labels)
        if block.thresholds
        else (names[index + 1] for index in block.label_indices.tolist()),
        *accepted,
        strict=True,
    )
    kinds = _CLIP_KINDS | (PLACE_KINDS if places else {}) | _KINDS
    if block.accepted is not None:
        kinds |= {"accepted": bool}
    return PredictionRows(kinds, cells, block.classes, block.probabilities)
