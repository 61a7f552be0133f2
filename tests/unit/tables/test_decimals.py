"""Numbers in tables: of one decimal sign, written so that they are read as they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloe.tables import Numbers, TableError, number_text, read_table


def numbers_of(file):
    numbers = Numbers()
    return [numbers.read(row, "at") for row in read_table(file, ("at", "what"))]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("1.5", 1.5), ("-.5", -0.5), ("+2.", 2), ("1e-3", 0.001), ("", None), (" 7 ", 7)],
)
def test_a_number_is_read(table, text, value):
    assert numbers_of(table(f"at,what\n{text},x\n")) == [value]


@pytest.mark.parametrize(
    "text",
    ["nan", "inf", "-Infinity", "1_000", "0x10", "1:30", "1.234,5", "1,5", "١", "1 s", "--1", "."],  # noqa: RUF001
)
def test_what_is_no_number_is_refused_with_its_text(table, text):
    with pytest.raises(ValueError, match=r"at is .*; write a number, such as 1\.5") as caught:
        numbers_of(table(f'at,what\n"{text}",x\n'))
    assert repr(text) in str(caught.value)


def test_a_number_too_large_for_any_is_refused(table):
    with pytest.raises(ValueError, match="at is '1e999'; no number is so large"):
        numbers_of(table("at,what\n1e999,x\n"))


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_decimal_comma_is_read_where_no_comma_separates_cells(table, separator):
    file = table(f"at{separator}what\r\n1,5{separator}x\r\n,25{separator}y\r\n3{separator}z\r\n")
    assert numbers_of(file) == [1.5, 0.25, 3]


@pytest.mark.parametrize(("first", "second"), [("1,5", "2.5"), ("1.5", "2,5")])
def test_two_decimal_signs_in_one_table_are_refused_with_both_places(table, first, second):
    with pytest.raises(ValueError, match=f"at is '{second}', and line 2 has a number with"):
        numbers_of(table(f"at;what\n{first};x\n{second};y\n"))


def test_a_decimal_comma_between_commas_makes_a_cell_too_many(table):
    with pytest.raises(TableError, match="line 2: 3 cells under 2 columns"):
        numbers_of(table("at,what\n1,5,x\n"))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_without_exponent_and_read_as_it_was(value):
    text = number_text(value)
    assert float(text) == value
    assert set(text) <= set("-0123456789.")
