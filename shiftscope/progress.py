"""How far a long piece of work has come, for whoever draws a bar or writes lines."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Progress", "Report", "silent"]


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a long piece of work is done.

    Attributes:
        doing: what is under way, in words: "profiling ashford", "fedavg, seed 0".
        done: units finished, from 0.
        total: units in all; None as long as that is not known.
        unit: what is counted, in the plural: "cases", "rounds".
        line: figures of the unit just finished, in one line for a log; "" where there is nothing worth a line.
    """

    doing: str
    done: int
    total: int | None
    unit: str
    line: str = ""


Report = Callable[[Progress], None]
"""Called after every unit, in the thread that works."""


def silent(_progress: Progress) -> None:
    """Report to nobody."""
