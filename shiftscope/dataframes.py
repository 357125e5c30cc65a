"""Documents as tables: for pandas, and for whoever looks at one in a notebook."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from shiftscope.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Tabular"]

_MOST_ROWS = 60  # drawn in a notebook; the rest is counted
_DIGITS = 3  # significant, of a number that is drawn


class Tabular(ABC):
    """A document that is also a table: one row for each thing that it speaks of."""

    @abstractmethod
    def to_rows(self) -> Sequence[Mapping[str, Any]]:
        """The rows: column -> plain value, None where there is nothing. All rows have the same columns."""

    @abstractmethod
    def headline(self) -> str:
        """What it is, or what it found, in one sentence without a full stop."""

    def to_dataframe(self) -> "pd.DataFrame":
        """The rows as a pandas DataFrame.

        Raises:
            UsageError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise UsageError("to_dataframe needs pandas; run: pip install pandas") from None
        return pd.DataFrame(list(self.to_rows()))

    def _repr_html_(self) -> str:
        """The headline and the first rows, for a notebook. Every text is escaped."""
        rows = list(self.to_rows())
        columns = list(rows[0]) if rows else []
        head = "".join(f"<th>{escape(column)}</th>" for column in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_drawn(row[column]))}</td>" for column in columns) + "</tr>"
            for row in rows[:_MOST_ROWS]
        )
        more = f"<p>... and {len(rows) - _MOST_ROWS} more rows</p>" if len(rows) > _MOST_ROWS else ""
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if rows else ""
        return f"<div><p><b>{escape(self.headline())}</b></p>{table}{more}</div>"


def _drawn(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value)
