"""Numbers in tables, with the decimal sign that people of some language write."""

import math
import re
from decimal import Decimal

from aloe.tables.rows import Row

_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?", re.ASCII)


class Numbers:
    """Reads the numbers of one table, all with the same decimal sign.

    That may be a comma where cells are separated by something else, as spreadsheets write it for
    people who count so.
    """

    def __init__(self) -> None:
        self._signs: dict[str, str] = {}
        """Decimal sign to where it was first seen."""

    def read(self, row: Row, column: str, form: str = "a number") -> float | None:
        """Return the number in a cell; None where it is empty, or the column is missing.

        Args:
            row: of the table.
            column: of the row.
            form: what to write there instead of something that is none.

        Raises:
            ValueError: there is something else, or an infinite number; the message has the value.
        """
        text = row.cells.get(column, "")
        if not text:
            return None
        if not _NUMBER.fullmatch(text) or ("," in text and row.separator in {",", ""}):
            raise ValueError(f"{column} is {text!r}; write {form}, such as 1.5")
        for sign in {".", ","} & set(text):
            self._check_sign(sign, row, f"{column} is {text!r}")
        value = float(text.replace(",", "."))
        if math.isinf(value):
            raise ValueError(f"{column} is {text!r}; no number is so large")
        return value

    def _check_sign(self, sign: str, row: Row, what: str) -> None:
        self._signs.setdefault(sign, f"{row.unit} {row.number}")
        first, *others = self._signs
        if others and sign != first:
            raise ValueError(
                f"{what}, and {self._signs[first]} has a number with {first!r}; write all numbers"
                " with one decimal sign"
            )


def number_text(value: float) -> str:
    """Write a number in as few digits as tell it from all others, without an exponent.

    Some readers of numbers know none.
    """
    return f"{Decimal(repr(float(value))):f}" if math.isfinite(value) else repr(value)
