"""What an oracle answered, in the cells of a row: one class, several, or that it abstained."""

from aloe.tables.errors import TableError
from aloe.tables.rows import Row
from aloe.values.labels import Label, LabelMode, LabelSet, names_in_cell

ANSWER = "answer"
"""The column that tells an abstention from a label."""
LABEL, ABSTENTION = "label", "abstention"
NEGATIVE, UNKNOWN = "negative", "unknown"
"""The columns that say, of several labels a clip, what it is not, and what is not known of it."""


def read_answer(row: Row, column: str, label_mode: LabelMode) -> Label | None:
    """Return what a row says; None for an abstention.

    Args:
        row: of a table that has the column.
        column: with the class; of several labels a clip, they stand in it with ";" between them. An
            empty cell is a label where the row says so, of no class: by "label" in the column
            answer, or by what the clip is not.
        label_mode: how many labels a clip has.

    Raises:
        TableError: it says nothing, or two things at once.
    """
    is_several, cell = label_mode is LabelMode.MULTIPLE, row.cells[column]
    answer = row.cells.get(ANSWER, LABEL)
    if answer not in (LABEL, ABSTENTION):
        raise TableError(f"{row.where}: answer {answer!r}; {LABEL} and {ABSTENTION} are known")
    of_none = is_several and (ANSWER in row.cells or row.cells.get(NEGATIVE))
    if answer == LABEL and not cell and not of_none:
        none = f"that the clip is of no class by {LABEL!r} or " if is_several else ""
        raise TableError(
            f"{row.where}: the label is empty; fill it in, or tell {none}that the oracle abstained"
            f" by {ABSTENTION!r} in a column {ANSWER!r}"
        )
    if answer == ABSTENTION and cell:
        raise TableError(f"{row.where}: an abstention with the label {cell!r}")
    if answer == ABSTENTION:
        return None
    if not is_several:
        return cell
    return LabelSet(
        *(names_in_cell(row.cells.get(name, "")) for name in (column, NEGATIVE, UNKNOWN))
    )
