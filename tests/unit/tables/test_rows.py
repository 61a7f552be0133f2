"""Rows of tables in their dialects, and objects of JSON lines as rows."""

import pytest

from aloe.tables import TableError, read_json_lines, read_table


def cells_of(rows):
    return [dict(row.cells) for row in rows]


def test_quotes_between_tabs_are_letters_where_that_is_said(table):
    file = table('a\tb\n1\t"x" said "y\n2\tz\n')
    assert cells_of(read_table(file, ("a", "b"), quoted_tabs=False)) == [
        {"a": "1", "b": '"x" said "y'},
        {"a": "2", "b": "z"},
    ]
    with pytest.raises(TableError, match="line 2: not CSV"):
        cells_of(read_table(file, ("a", "b")))


def test_quotes_between_commas_are_marks_all_the_same(table):
    rows = cells_of(read_table(table('a,b\n1,"x, y"\n'), ("a", "b"), quoted_tabs=False))
    assert rows == [{"a": "1", "b": "x, y"}]


def test_objects_become_rows_with_their_lines(table):
    file = table('{"a": "x y ", "b": 1.50}\r\n\n{"a": null, "b": true, "c": "\u2028"}\n', "utf-16")
    rows = list(read_json_lines(file, ("a", "b")))
    assert cells_of(rows) == [
        {"a": "x y ", "b": "1.50"},
        {"a": "", "b": "yes", "c": "\u2028"},
    ]
    assert [row.number for row in rows] == [1, 3]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "not JSON"),
        ('{"a": 1, "b": 2} 3', "not JSON"),
        ("3", "'3' is no object"),
        ('{"a": 1}', "there is no 'b'; each line must have a, b"),
        ('{"a": 1, "b": 2, "a": 3}', "a name stands in it twice"),
        ('{"a": [1], "b": 2}', "'a' is \\['1'\\]; it must be text"),
        ('{"a": {}, "b": 2}', "'a' is {}; it must be text"),
        ("[" * 100_000, ""),
    ],
)
def test_a_line_that_is_no_such_object_is_refused_with_its_number(table, line, problem):
    with pytest.raises(TableError, match=f"table, line 2: {problem}"):
        list(read_json_lines(table(f'{{"a": 1, "b": 2}}\n{line}\n'), ("a", "b")))
