"""What a command says to people, before it is known how it is drawn; a block without a title goes on from the last."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Grid", "Lines", "Sheet"]


@dataclass(frozen=True, slots=True)
class Lines:
    """A title and sentences under it."""

    title: str
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Grid:
    """A title and a table under it.

    Attributes:
        title: what the table shows.
        columns: headers; columns whose header ends in a number sign are set to the right, the sign is not drawn.
            Without any header no line is drawn for them. Names in the first column lose their middle where there is no
            room.
        rows: cells as text, one per column.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


Sheet = Sequence[Lines | Grid]
