"""A figure of the report: a drawing, what it shows in words, and the numbers behind it."""

from dataclasses import dataclass

from shiftscope.reports.sheet import Grid

__all__ = ["Figure"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One drawing.

    Attributes:
        key: unique on the page; ids inside the drawing begin with it.
        title: what it is.
        says: what there is to see, for those who do not see it and those who do.
        svg: the drawing, an `<svg>` element that names title and description.
        table: every number that is drawn.
    """

    key: str
    title: str
    says: str
    svg: str
    table: Grid
