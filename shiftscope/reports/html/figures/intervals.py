"""Numbers with their intervals, one below the other, against a line at nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from shiftscope.reports.html.figures.drawing import ACCENT, FAINT, INK, LABEL, PAPER, SMALL, axes, to_svg
from shiftscope.reports.wrapping import elided

__all__ = ["IntervalRow", "draw_intervals"]

_WIDTH, _ROW, _FRAME = 370.0, 46.0, 46.0
_ABOVE = 0.42  # of a row's height: where its words stand over its line


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """One number.

    Attributes:
        label: whose it is.
        value, low, high: with its 95 % interval.
        text: the same in words, drawn beside the label.
        strong: whether it stands out: a diamond, a circle where not.
    """

    label: str
    value: float
    low: float
    high: float
    text: str
    strong: bool


def draw_intervals(
    rows: Sequence[IntervalRow], key: str, title: str, says: str, across: str, *, percent: bool = False
) -> str:
    """The rows from top to bottom, as SVG; words stand above the lines, so that a phone has room for both.

    Args:
        rows: one or more.
        key, title, says: of the figure.
        across: what the horizontal axis is.
        percent: whether the values are shares.
    """
    from matplotlib.ticker import PercentFormatter

    with axes(_WIDTH, _FRAME + _ROW * len(rows)) as (figure, plot):
        for place, row in enumerate(reversed(rows)):
            plot.plot([0, 0], [place - 0.25, place + 0.2], color=INK, linewidth=1)
            plot.plot([row.low, row.high], [place, place], color=ACCENT, linewidth=2.5)
            mark, fill = ("D", ACCENT) if row.strong else ("o", PAPER)
            plot.plot([row.value], [place], mark, color=fill, markeredgecolor=ACCENT, markeredgewidth=2, markersize=8)
            for text, across_at, edge, colour in (
                (elided(row.label, LABEL), 0, "left", INK),
                (row.text, 1, "right", FAINT),
            ):
                plot.annotate(
                    text,
                    (across_at, place + _ABOVE),
                    xycoords=("axes fraction", "data"),
                    ha=edge,
                    va="center",
                    color=colour,
                    fontsize=SMALL + 1,
                )
        plot.set_yticks([])
        plot.spines["left"].set_visible(False)
        plot.set(ylim=(-0.4, len(rows) - 0.4), xlabel=across)
        if percent:
            plot.xaxis.set_major_formatter(PercentFormatter(1.0, 0, " %"))
        return to_svg(figure, key, title, says)
