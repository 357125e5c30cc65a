"""What each harmonizer would remove of the difference in appearance, and what it would leave."""

from collections.abc import Sequence

from shiftscope.diagnosis import Removal
from shiftscope.diagnosis.texts.phrases import number
from shiftscope.reports.html.figures.figure import Figure
from shiftscope.reports.html.figures.intervals import IntervalRow, draw_intervals
from shiftscope.reports.sheet import Grid

__all__ = ["removal"]

_KEY = "removal"
_TITLE = "Share of the difference that each harmonizer removes"


def removal(removed: Sequence[Removal], advised: str | None) -> Figure | None:
    """The shares with their intervals, None where no shift in appearance was called or its features do not differ."""
    if not removed:
        return None
    pairs = removed[0].pairs
    where = "the one pair" if pairs == 1 else f"the {pairs} pairs"
    says = (
        f"Measured at every site on its own images, stated in the profiles, and added up over {where} of sites that"
        " differ in appearance. 100 % would make the sites alike; below 0 the harmonizer adds to the difference. The"
        " line is the 95 % interval; a diamond is the harmonizer that is advised."
    )
    rows = [
        IntervalRow(
            label=item.harmonizer,
            value=item.share,
            low=item.low,
            high=item.high,
            text=f"leaves {number(item.remains)} of {number(item.before)}",
            strong=item.harmonizer == advised,
        )
        for item in removed
    ]
    table = Grid(
        _TITLE,
        ("harmonizer", "removed#", "95 % interval", "before#", "remains#", "pairs of sites#"),
        [
            (
                item.harmonizer,
                f"{item.share:.0%}",
                f"{item.low:.0%} to {item.high:.0%}",
                number(item.before),
                number(item.remains),
                str(item.pairs),
            )
            for item in removed
        ],
    )
    svg = draw_intervals(rows, _KEY, _TITLE, says, "share of the difference in features removed", percent=True)
    return Figure(_KEY, _TITLE, says, svg, table)
