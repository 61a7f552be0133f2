"""Tables 1 and 2 of the paper, with our figures beside the paper's.

The figures are those of "Active Learning of Non-semantic Speech Tasks with Pretrained Models"
(ICASSP 2023, arXiv 2211.00119): test accuracy in percent after 100 rounds, mean of 10 runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aloe.bench.report.analysis import SettingFigures
from aloe.bench.report.arms import AGNOSTIC, AWARE, RANDOM
from aloe.bench.report.intervals import Estimate
from aloe.bench.report.table import MISSING, Cell, Table, cells, percent_text
from aloe.bench.results.schema import ALL_LABELS
from aloe.client.types import AcquisitionFunction

_UNCERTAINTY = AcquisitionFunction.SMALLEST_MARGIN.value
_MARGIN_LOGITS = AcquisitionFunction.MARGIN_LOGITS.value
_TRILLSSON = "trillsson5"
"""The paper's TRILLsson, "AST" in its Table 2."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a column of the paper's tables measures."""

    encoder: str
    acquisition_function: str
    selection_rule: str


_ACTIVE = ((RANDOM, AWARE), (_UNCERTAINTY, AWARE), (RANDOM, AGNOSTIC), (_UNCERTAINTY, AGNOSTIC))
TABLE_1_COLUMNS = (
    *(
        Measured(encoder, ALL_LABELS, "")
        for encoder in ("trill", "trill-distilled", "frill", _TRILLSSON)
    ),
    *(Measured(_TRILLSSON, function, rule) for function, rule in _ACTIVE),
)
TABLE_1 = {
    "mswc-micro-en": (81.3, 74.4, 79.1, 93.7, 90.6, 93.0, 76.0, 79.7),
    "speech-commands": (81.9, 80.2, 79.7, 96.4, 92.6, 94.9, 70.3, 78.6),
    "vocalsound": (88.2, 85.8, 86.7, 91.1, 84.9, 88.2, 79.0, 79.1),
    "voxforge": (84.5, 80.0, 76.9, 99.6, 98.4, 99.2, 94.4, 96.2),
    "fluent-speech-commands": (69.3, 62.3, 64.9, 97.5, 83.5, 87.5, 60.8, 62.6),
}
TABLE_2_COLUMNS = tuple(
    Measured(encoder, function, AWARE)
    for encoder in ("trillsson1", "trillsson3")
    for function in (RANDOM, _UNCERTAINTY)
)
TABLE_2 = {
    "mswc-micro-en": (91.4, 92.8, 88.2, 91.9),
    "speech-commands": (92.4, 93.1, 90.4, 92.5),
    "vocalsound": (82.4, 85.6, 84.2, 87.6),
    "voxforge": (95.7, 97.4, 97.0, 98.4),
    "fluent-speech-commands": (79.0, 82.7, 80.9, 85.1),
}
_ENCODERS = {each.encoder for each in (*TABLE_1_COLUMNS, *TABLE_2_COLUMNS)}
_PERFECT = "perfect"
_BASELINE_NAMES = ("TRILL, all labels", "TRILL-Dist., all labels", "FRILL, all labels")
_LAST_FIVE_NAMES = (
    "all labels",
    "random, class-aware",
    "uncertainty, class-aware",
    "random, class-agnostic",
    "uncertainty, class-agnostic",
)
_TABLE_2_NAMES = (
    "ResNet-50 (trillsson1), random",
    "ResNet-50 (trillsson1), uncertainty",
    "EfficientNetV2-B3 (trillsson3), random",
    "EfficientNetV2-B3 (trillsson3), uncertainty",
)
_NOTE = (
    "Test accuracy in percent of the last heads, ours with 95% intervals over seeds, perfect"
    " oracle; uncertainty is smallest margin."
)
_NAME_NOTE = "The paper's TRILLsson is trillsson5 here."
_FOREIGN_NOTE = (
    "Rows with an asterisk are of encoders that the paper did not use: they are no reproduction of"
    " its figures."
)


def paper_tables(figures: Sequence[SettingFigures]) -> tuple[Table, ...]:
    """Put our figures beside the paper's; ours alone where no data set of the paper was run."""
    perfect = [each for each in figures if each.setting.oracle == _PERFECT]
    if any(each.setting.dataset in TABLE_1 for each in perfect):
        return _table_1(perfect), _table_2(perfect)
    return (_own_table(perfect),) if perfect else ()


def _extent_note(figures: Sequence[SettingFigures]) -> str:
    """Say how many rounds and runs both had: a difference may come from these."""
    return f"The paper's: after 100 rounds, mean of 10 runs; {_extent(figures)}"


def _extent(figures: Sequence[SettingFigures]) -> str:
    functions = [
        each
        for one in figures
        for group in one.groups
        if group.is_papers
        for each in group.strategies
    ]
    rounds = [each.against_rounds.places[-1] for each in functions if each.against_rounds]
    if not rounds:
        return "ours: all labels alone."
    runs = [len(each.seeds) for each in functions]
    return f"ours: after {_span(rounds)} rounds, mean of {_span(runs)} runs."


def _span(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{high:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"


def _table_1(figures: Sequence[SettingFigures]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for dataset, values in TABLE_1.items():
        rows += _pair_of_rows(dataset, values, TABLE_1_COLUMNS, figures, _TRILLSSON)
        rows += [_own_row(each, 3) for each in figures if each.setting.dataset == dataset]
    others = [each for each in figures if each.setting.dataset not in TABLE_1]
    rows += [_own_row(each, 3) for each in others]
    return Table(
        name="table-1",
        title="Table 1 of the paper, and ours",
        columns=("data set", "of", "encoder", *_BASELINE_NAMES, *_LAST_FIVE_NAMES),
        rows=tuple(row for row in rows if row),
        notes=(_NOTE, _extent_note(figures), f"{_NAME_NOTE} {_FOREIGN_NOTE}"),
        text_column_count=3,
    )


def _table_2(figures: Sequence[SettingFigures]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for dataset, values in TABLE_2.items():
        rows += _pair_of_rows(dataset, values, TABLE_2_COLUMNS, figures)
    return Table(
        name="table-2",
        title="Table 2 of the paper, class-aware, and ours",
        columns=("data set", "of", *_TABLE_2_NAMES),
        rows=tuple(rows),
        notes=(_NOTE, _extent_note(figures)),
        text_column_count=2,
    )


def _own_table(figures: Sequence[SettingFigures]) -> Table:
    return Table(
        name="table-1",
        title="In the form of the paper's Table 1",
        columns=("data set", "of", "encoder", *_LAST_FIVE_NAMES),
        rows=tuple(_own_row(each, 0) for each in figures),
        notes=(
            "No data set of the paper was run, so there is nothing of the paper's to compare with.",
            f"{_NOTE} {_extent(figures).capitalize()}",
            _FOREIGN_NOTE,
        ),
        text_column_count=3,
    )


def _pair_of_rows(
    dataset: str,
    values: Sequence[float],
    columns: Sequence[Measured],
    figures: Sequence[SettingFigures],
    *encoder: str,
) -> list[tuple[Cell, ...]]:
    """Return the paper's row, and ours where an encoder of its columns was run."""
    rows = [cells(dataset, "the paper", *encoder, *(f"{value:.1f}" for value in values))]
    own = {each.setting.encoder: each for each in figures if each.setting.dataset == dataset}
    if own.keys() & {each.encoder for each in columns}:
        found = (
            _accuracy(own.get(each.encoder), each.acquisition_function, each.selection_rule)
            for each in columns
        )
        rows.append(cells(dataset, "ours", *encoder, *map(percent_text, found)))
    return rows


def _own_row(figures: SettingFigures, skipped_count: int) -> tuple[Cell, ...]:
    """Return the row of an encoder that has none in Table 1; empty for one that has."""
    setting = figures.setting
    is_foreign = setting.encoder not in _ENCODERS
    if setting.dataset in TABLE_1 and not is_foreign:
        return ()
    name = setting.dataset if setting.dataset in TABLE_1 else f"{setting.dataset}, {setting.task}"
    found = (_accuracy(figures, function, rule) for function, rule in ((ALL_LABELS, ""), *_ACTIVE))
    return cells(
        name,
        "ours",
        f"{setting.encoder}{' *' if is_foreign else ''}",
        *[MISSING] * skipped_count,
        *map(percent_text, found),
    )


def _accuracy(figures: SettingFigures | None, function: str, rule: str) -> Estimate | None:
    if figures is None:
        return None
    if function == ALL_LABELS:
        return figures.ceiling if figures.is_papers_ceiling else None
    # With the margin on logits, as in the paper's code, uncertainty goes by another name.
    names = (function, _MARGIN_LOGITS) if function == _UNCERTAINTY else (function,)
    found = {
        each.name: each.accuracy
        for group in figures.groups
        if group.is_papers and group.selection_rule == rule
        for each in group.strategies
    }
    return next((found[name] for name in names if name in found), None)
