"""The drawing of a heat map: cells as a picture, with bars, names and gaps around them as SVG."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Self

import numpy as np
from rich.cells import cell_len

from shiftscope.reports.html.matrices import LEVELS
from shiftscope.reports.html.overviews.cell_images import EMPTY, UNKNOWN, cell_image, shades
from shiftscope.reports.html.overviews.site_overview import Overview
from shiftscope.reports.wrapping import elided

__all__ = ["MOST_NAMED", "draw_cells"]

MOST_NAMED = 12
"""Odd sites that are named in a drawing; tables name all."""

_WIDTH = 380.0
_LINE, _ADVANCE = 12.0, 6.2  # of a letter of 11 units, as the style sheet has it on a phone
_LABEL = 14  # cells that a name may take beside its row
_BAR, _SPACE = 4.0, 3.0
_COLOURS = 8  # of groups
_MOST_HIGHER = 3  # one part in so many of the height may go to the rows of odd sites


def draw_cells(overview: Overview, ordered: np.ndarray, key: str, title: str, says: str) -> str:
    """An `<svg>` element, in which every row has a tooltip with the name of its site.

    Args:
        overview: the sites.
        ordered: (N, N) effects in their order, NaN where there is none.
        key: unique on the page.
        title, says: read out.
    """
    frame = _Frame.of(overview)
    levels = frame.pixels(ordered)
    box = f'x="{frame.left:g}" y="{frame.top:g}" width="{frame.length:g}" height="{frame.length:g}"'
    hatched = (
        f'<pattern id="{key}-hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<path d="M1 0v4" style="stroke:var(--muted);stroke-width:1"/></pattern>'
        f'<rect {box} style="fill:url(#{key}-hatch)"/>'
    )
    parts = [
        f'<title id="{key}-title">{escape(title)}</title><desc id="{key}-desc">{escape(says)}</desc>',
        hatched if (levels == UNKNOWN).any() else "",
        *(
            f'<image class="{theme}" {box} preserveAspectRatio="none" href="{cell_image(levels, colours)}"/>'
            for theme, colours in zip(("by-day", "by-night"), shades(), strict=True)
        ),
        *_bars(overview, frame),
        *_labels(overview, frame),
        *_tooltips(overview, frame),
    ]
    height = f"{frame.top + frame.length:g}"
    return (
        f'<svg class="heat-map" viewBox="0 0 {_WIDTH:g} {height}" width="{_WIDTH:g}" height="{height}" role="img"'
        f' aria-labelledby="{key}-title {key}-desc">{"".join(parts)}</svg>'
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the rows lie; columns lie as they do.

    Attributes:
        left, top: where the cells begin, in units of the drawing.
        length: of a row.
        starts: (N,) the first of a row's pixels in the picture.
        sizes: (N,) how many it has.
        named: whether each of the odd ones has its name beside it.
    """

    left: float
    top: float
    length: float
    starts: np.ndarray
    sizes: np.ndarray
    named: bool

    @classmethod
    def of(cls, overview: Overview) -> Self:
        """Rows of odd sites are as high as their names, as far as there is room; a gap lies between groups."""
        count, odd = len(overview.order), len(overview.odd)
        names = [elided(name, _LABEL) for name in overview.odd[:MOST_NAMED]]
        left = _ADVANCE * max(map(cell_len, [*names, *(band.mark for band in overview.bands)])) + _BAR + 2 * _SPACE
        length = _WIDTH - left
        room = count // (_MOST_HIGHER * max(odd, 1))
        sizes = np.ones(count, dtype=int)
        sizes[:odd] = max(1, min(room, int(np.ceil(_LINE * 1.2 * count / length))))
        gaps = np.zeros(count, dtype=int)
        gaps[[band.places.start for band in overview.bands[1:]]] = 1 + count // 120
        ends = np.cumsum(gaps + sizes)
        named = 0 < odd <= MOST_NAMED and bool(sizes[0] * length / ends[-1] >= _LINE)
        return cls(left, _BAR + _SPACE, length, ends - sizes, sizes, named)

    def pixels(self, ordered: np.ndarray) -> np.ndarray:
        """(p, p) the level of each pixel."""
        levels = np.searchsorted(LEVELS, np.nan_to_num(ordered), side="right")
        levels[np.isnan(ordered)] = UNKNOWN
        place = np.full(int(self.starts[-1] + self.sizes[-1]), -1)
        for row, (start, size) in enumerate(zip(self.starts, self.sizes, strict=True)):
            place[start : start + size] = row
        out: np.ndarray = levels[np.ix_(place, place)]
        out[place < 0, :] = out[:, place < 0] = EMPTY
        return out

    def extent(self, places: range) -> tuple[float, float]:
        """Where some rows that are neighbours begin, from the first of all, and how high they are."""
        unit = self.length / float(self.starts[-1] + self.sizes[-1])
        start, end = self.starts[places[0]], self.starts[places[-1]] + self.sizes[places[-1]]
        return float(start * unit), float((end - start) * unit)


def _bars(overview: Overview, frame: _Frame) -> Iterator[str]:
    """One for each group, along the rows and along the columns."""
    for index, band in enumerate(overview.bands):
        start, height = frame.extent(band.places)
        fill = 'style="fill:var(--ink)"' if band.odd else f'style="fill:var(--series-{index % _COLOURS + 1})"'
        yield (
            f'<rect x="{frame.left - _SPACE - _BAR:g}" y="{frame.top + start:.1f}" width="{_BAR:g}"'
            f' height="{height:.1f}" {fill}/>'
            f'<rect x="{frame.left + start:.1f}" y="0" width="{height:.1f}" height="{_BAR:g}" {fill}/>'
        )


def _labels(overview: Overview, frame: _Frame) -> Iterator[str]:
    """The name of each odd site where its row is high enough, of each group else; none lies on another."""
    texts: list[tuple[float, str]] = []
    for band in overview.bands:
        single = band.odd and frame.named
        for places in [range(place, place + 1) for place in band.places] if single else [band.places]:
            start, height = frame.extent(places)
            texts.append((start + height / 2, elided(overview.order[places[0]], _LABEL) if single else band.mark))
    lowest = frame.length - _LINE / 2
    middles = [min(middle, lowest - _LINE * below) for below, (middle, _) in enumerate(reversed(texts))][::-1]
    last = -_LINE
    for middle, (_, text) in zip(middles, texts, strict=True):
        last = max(middle, last + _LINE)
        yield (
            f'<text x="{frame.left - _BAR - 2 * _SPACE:g}" y="{frame.top + last:.1f}" text-anchor="end"'
            f' dominant-baseline="central" style="fill:var(--ink)">{escape(text)}</text>'
        )


def _tooltips(overview: Overview, frame: _Frame) -> Iterator[str]:
    """What is read where somebody points at a row."""
    yield '<g class="rows">'
    for band in overview.bands:
        for place in band.places:
            start, height = frame.extent(range(place, place + 1))
            yield (
                f'<rect y="{frame.top + start:.1f}" width="{_WIDTH:g}" height="{height:.1f}">'
                f"<title>{escape(overview.order[place])}, {band.name}</title></rect>"
            )
    yield "</g>"
