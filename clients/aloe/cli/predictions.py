"""`aloe predict`: what a task's head makes of audio files."""

from datetime import timedelta
from itertools import islice

from aloe.cli.console import percent, print_json, print_table, progress
from aloe.cli.options import DEFAULT_SERVER, Files, Json, Server, TaskId, audio_files, client

_FILES_PER_CALL = 16
_PATIENCE = timedelta(minutes=2)


def predict(
    task_id: TaskId, paths: Files, server: Server = DEFAULT_SERVER, json: Json = False
) -> None:
    """Predict the classes of audio files."""
    files = [path for path, _ in audio_files(paths)]
    rows = []
    rest = iter(files)
    with client(server) as learner, progress() as bar:
        learner.get_task(task_id)
        row = bar.add_task("predicting", total=len(files))
        while batch := list(islice(rest, _FILES_PER_CALL)):
            found = learner.predict(task_id, audio=batch, timeout=_PATIENCE)
            for path, label, each in zip(batch, found.labels, found.probabilities, strict=True):
                probabilities = dict(zip(found.classes, each.tolist(), strict=True))
                rows.append((str(path), label, probabilities, found.head_version))
            bar.advance(row, len(batch))
    if json:
        names = ("path", "label", "probabilities", "head_version")
        print_json([dict(zip(names, each, strict=True)) for each in rows])
    else:
        print_table(
            ["file", "class", "probability"],
            [[path, label, percent(each[label])] for path, label, each, _ in rows],
        )
