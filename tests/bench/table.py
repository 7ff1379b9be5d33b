"""What a bench reports: figures, and what they should be."""

from collections.abc import Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """One measured number; `aim` is the most it should be, None where it is only context."""

    what: str
    value: float
    unit: str
    aim: float | None = None

    @property
    def is_met(self) -> bool:
        return self.aim is None or self.value <= self.aim

    def row(self) -> tuple[str, str, str]:
        if self.aim is None:
            return self.what, _quantity(self.value, self.unit), ""
        verdict = "" if self.is_met else ", missed"
        return self.what, _quantity(self.value, self.unit), f"≤ {_quantity(self.aim, self.unit)}{verdict}"


def table(title: str, figures: Sequence[Figure]) -> str:
    """As Markdown, which reads well in a terminal, too."""
    rows = [(title, "measured", "aim"), *(figure.row() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _quantity(value: float, unit: str) -> str:
    decimals = 0 if value >= 100 or value == int(value) else 2
    return f"{value:,.{decimals}f} {unit}".strip()
