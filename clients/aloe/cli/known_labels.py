"""Files of labels that are known already."""

import csv
from pathlib import Path

from aloe.cli.console import CommandError
from aloe.client import KnownLabel, Split


def read_labels(file: Path) -> list[KnownLabel]:
    """Read a CSV with the columns clip_id, label and, if it likes, split.

    Raises:
        CommandError: a column is missing, or a split is none.
    """
    with file.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines)
        missing = {"clip_id", "label"} - set(reader.fieldnames or ())
        if missing:
            raise CommandError(f"{file}: no column {', '.join(sorted(missing))} in its first line")
        labels = []
        for row in reader:
            name = (row.get("split") or "train").strip()
            try:
                split = Split(name)
            except ValueError:
                raise CommandError(
                    f"{file}, line {reader.line_num}: split {name!r}; train, validation and test"
                    " are known"
                ) from None
            labels.append(KnownLabel(row["clip_id"], row["label"], split))
    return labels
