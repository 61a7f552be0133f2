import pytest
from tests.unit.bench.report.results_files import ceiling_rows, run_rows, write_results

from aloe.bench.report.analysis import analyze
from aloe.bench.report.intervals import Estimate
from aloe.bench.report.paper import TABLE_1, TABLE_1_COLUMNS, TABLE_2, TABLE_2_COLUMNS, paper_tables
from aloe.bench.report.runs import read_results
from aloe.bench.report.table import (
    Cell,
    Table,
    cells,
    number_text,
    percent_text,
    to_csv,
    to_latex,
    to_markdown,
)
from aloe.bench.spec import encoder_name

TABLE = Table(
    name="functions",
    title="A & B",
    columns=("acquisition function", "accuracy, %"),
    rows=(cells("least_confidence", "−1.5"), (Cell("a|b"), Cell("> 450", strong=True))),
    notes=("Note.",),
)


def test_markdown_table():
    assert to_markdown(TABLE).splitlines() == [
        "**A & B**",
        "",
        "| acquisition function | accuracy, % |",
        "| :-- | --: |",
        r"| least\_confidence | −1.5 |",
        r"| a\|b | **> 450** |",
        "",
        "Note.",
    ]


def test_csv_table_has_the_columns_and_cells_alone():
    assert to_csv(TABLE).splitlines() == [
        'acquisition function,"accuracy, %"',
        "least_confidence,−1.5",
        "a|b,> 450",
    ]


def test_latex_table_escapes_what_latex_would_read():
    text = to_latex(TABLE)
    assert r"\caption{A \& B}" in text
    assert r"\begin{tabular}{lr}" in text
    assert r"acquisition function & accuracy, \% \\" in text
    assert r"least\_confidence & $-$1.5 \\" in text
    assert r"a|b & \textbf{$>$ 450} \\" in text


def test_latex_row_that_begins_with_a_bracket_is_no_option_of_the_line_before():
    table = Table("t", "T", ("a",), (cells("[1, 2]"),))
    assert r"{[1, 2]} \\" in to_latex(table)


def test_numbers_have_a_true_minus_and_no_minus_zero():
    assert number_text(-1.25, 1) == "−1.2"
    assert number_text(-0.01, 1) == "0.0"
    assert number_text(12345.0, 0) == "12,345"
    assert percent_text(Estimate(0.602, 0.591, 0.613, 10)) == "60.2 [59.1, 61.3]"
    assert percent_text(Estimate(0.602, None, None, 1)) == "60.2"
    assert percent_text(None) == "–"


def test_paper_has_a_figure_for_every_column():
    assert list(TABLE_1) == list(TABLE_2)
    assert {len(values) for values in TABLE_1.values()} == {len(TABLE_1_COLUMNS)}
    assert {len(values) for values in TABLE_2.values()} == {len(TABLE_2_COLUMNS)}


@pytest.fixture
def tables_of(tmp_path):
    """Return the paper's tables beside the figures of some runs, as rows of texts."""

    def tables_of(*rows):
        flat = [row for each in rows for row in each]
        figures = analyze(read_results(write_results(tmp_path, flat)), (0.9,)).settings
        return [
            (table, [[cell.text for cell in row] for row in table.rows])
            for table in paper_tables(figures)
        ]

    return tables_of


def test_ours_stands_below_the_papers_where_it_was_run(tables_of):
    encoder = encoder_name("https://tfhub.dev/google/trillsson5/1")
    same = {"dataset": "speech-commands", "encoder": encoder, "task": "word"}
    (_, first), (_, second) = tables_of(
        run_rows("smallest_margin", 0, **same, test_accuracy=0.95),
        run_rows("random", 0, **same, selection_rule="class-agnostic", test_accuracy=0.7),
        ceiling_rows(0, **same, test_accuracy=0.96),
        ceiling_rows(0, **same | {"encoder": "trill"}, test_accuracy=0.83),
    )
    ours = [row for row in first if row[1] == "ours"]
    assert [row[3:] for row in ours] == [["83.0", "–", "–", "96.0", "–", "95.0", "70.0", "–"]]
    place = first.index(ours[0])
    assert first[place - 1][:2] == ["speech-commands", "the paper"]
    assert first[place - 1][3:] == ["81.9", "80.2", "79.7", "96.4", "92.6", "94.9", "70.3", "78.6"]
    assert [row[1] for row in second] == ["the paper"] * 5


def test_encoder_that_is_not_the_papers_is_marked(tables_of):
    (table, first), (_, second) = tables_of(
        run_rows("smallest_margin", 0, dataset="vocalsound", test_accuracy=0.88),
        run_rows(
            "smallest_margin", 0, dataset="vocalsound", encoder="trillsson1", test_accuracy=0.85
        ),
        run_rows("smallest_margin", 0, test_accuracy=0.6),
    )
    ours = [row for row in first if row[1] == "ours"]
    assert [row[:3] for row in ours] == [
        ["vocalsound", "ours", "yamnet *"],
        ["fsdd, digit", "ours", "yamnet *"],
    ]
    assert ours[0][3:] == ["–", "–", "–", "–", "–", "88.0", "–", "–"]
    assert "ours: after 20 rounds, mean of 1 runs" in table.notes[1]
    assert [row for row in second if row[1] == "ours"] == [
        ["vocalsound", "ours", "–", "85.0", "–", "–"]
    ]


def test_without_a_data_set_of_the_paper_the_table_is_of_ours_alone(tables_of):
    ((table, rows),) = tables_of(run_rows("margin_logits", 0, test_accuracy=0.6), ceiling_rows(0))
    assert rows == [["fsdd, digit", "ours", "yamnet *", "90.0", "–", "60.0", "–", "–"]]
    assert table.notes[0].startswith("No data set of the paper was run")
    assert table.notes[1].endswith("Ours: after 20 rounds, mean of 1 runs.")
    assert not any("TRILLsson" in note for note in table.notes)


def test_oracles_that_err_are_not_put_beside_the_paper(tables_of):
    assert tables_of(run_rows("smallest_margin", 0, dataset="vocalsound", oracle="noise:0.1")) == []
