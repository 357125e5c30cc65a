"""`explain`: what a measure or an axis is, from its own record."""

from dataclasses import asdict, dataclass
from typing import Any

from shiftscope.dataframes import Tabular
from shiftscope.reports.sheets.explain_sheet import Explanation, explanations, to_values
from shiftscope.sites import class_words

__all__ = ["Explanations", "class_names", "explain"]


@dataclass(frozen=True, slots=True)
class Explanations(Tabular):
    """What some measures and axes are.

    Attributes:
        items: one for each.
    """

    items: tuple[Explanation, ...]

    def headline(self) -> str:
        """What is explained."""
        return self.items[0].name if len(self.items) == 1 else f"{len(self.items)} measures and axes"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: kind, then name, then field."""
        return dict(to_values(self.items))

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each."""
        return [asdict(item) for item in self.items]


def explain(name: str | None = None) -> Explanations:
    """Formula, unit, direction, when it is undefined and where it comes from.

    Args:
        name: a measure or an axis; None for all of them.

    Raises:
        UsageError: there is none of that name; the message has those that are spelled alike.
    """
    return Explanations(tuple(explanations(name)))


def class_names() -> tuple[str, ...]:
    """The words that names of classes may be made of, to leave a site without being declared."""
    return tuple(sorted(class_words()))
