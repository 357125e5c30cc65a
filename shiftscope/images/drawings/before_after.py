"""A picture for people: cases before and after, what changed, and the grey levels of the whole site.

Pixels are repeated, or averaged in whole blocks, never interpolated; only voxels that are not
square are stretched to their true proportions, by the nearest pixel.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import PngImagePlugin

from shiftscope.images.drawings.line_plots import FAINT, PAPER, Panel, Paper, plot
from shiftscope.images.drawings.slice_cells import OUTLINE, magnified, slice_cell

__all__ = ["WARNING", "Pair", "draw"]

WARNING = "Images of patients: this picture must not leave the hospital."

_GAP, _EDGE = 14, 28
_DARKER, _SAME, _BRIGHTER = (56, 132, 255), (38, 40, 46), (255, 138, 36)  # which the colour-blind can distinguish
_STEPS = (2, 5, 10, 15, 20, 30, 40, 60, 80, 120, 180, 255)  # of 255 grey levels


@dataclass(frozen=True, slots=True)
class Pair:
    """One slice before and after.

    Attributes:
        before, after: (y, x) or (y, x, 3) in [0, 1].
        masks: (y, x) booleans on the grid of each, or None.
        shapes: height of a pixel over its width, of each.
        caption: what stands above it; no name of a patient or file.
    """

    before: np.ndarray
    after: np.ndarray
    masks: tuple[np.ndarray, np.ndarray] | None
    shapes: tuple[float, float]
    caption: str


def draw(path: Path, title: str, lines: Sequence[str], pairs: Sequence[Pair], panels: Sequence[Panel]) -> None:
    """Draw the cases, one row each, and the panels under them; write a PNG.

    The difference is `after - before`, in colour that of the luminance, with one symmetric scale for all rows that ends
    near their 99th percentile. Cases whose pixels lie elsewhere afterwards have none.

    Args:
        path: of the PNG; its metadata carry the title and the warning.
        lines: sentences under the title.
        pairs: at least one.
        panels: in one row.
    """
    cells = [[slice_cell(pair.before, pair.masks and pair.masks[0], pair.shapes[0]) for pair in pairs]]
    cells.append([slice_cell(pair.after, pair.masks and pair.masks[1], pair.shapes[1]) for pair in pairs])
    changes = [_change(pair) for pair in pairs]
    known = [change for change in changes if change is not None]
    limit = _limit(known)
    if known:
        cells.append([_signed(change, limit, pair) for change, pair in zip(changes, pairs, strict=True)])
    widths = [max(cell.width for cell in column) for column in cells]
    heights = [max(column[row].height for column in cells) for row in range(len(pairs))]
    heads = ("before", "after", "after - before")[: len(cells)]
    width = max(sum(widths) + _GAP * (len(widths) - 1), 900) + 2 * _EDGE
    wrapped = [part for line in lines for part in textwrap.wrap(line, int((width - 2 * _EDGE) / 8.6))]
    top = _EDGE + 42 + 24 * len(wrapped) + 20
    below = top + 34 + sum(heights) + (34 + _GAP) * len(pairs)
    tall = below + (64 if known else 8) + (330 if panels else 0) + 62
    paper = Paper(Pillow.new("RGB", (width, tall), PAPER))
    paper.write((_EDGE, _EDGE), title, 30)
    for number, line in enumerate(wrapped):
        paper.write((_EDGE, _EDGE + 44 + 24 * number), line, 17, FAINT)
    lefts = [_EDGE + sum(widths[:column]) + _GAP * column for column in range(len(widths))]
    for left, head in zip(lefts, heads, strict=True):
        paper.write((left, top), head, 22)
    y = top + 34
    for row, pair in enumerate(pairs):
        paper.write((_EDGE, y), pair.caption, 17, FAINT)
        for left, column in zip(lefts, cells, strict=True):
            paper.picture.paste(column[row], (left, y + 26))
        y += heights[row] + 34 + _GAP
    if known:
        _scales(paper, lefts, widths, y, limit)
        y += 64
    share = (width - 2 * _EDGE + _GAP) // max(len(panels), 1)
    for number, panel in enumerate(panels):
        plot(paper, panel, (_EDGE + number * share, y, share - _GAP, 310))
    paper.write((_EDGE, tall - 46), WARNING, 20, OUTLINE)
    facts = PngImagePlugin.PngInfo()
    facts.add_text("Title", title)
    facts.add_text("Warning", WARNING)
    paper.picture.save(path, format="PNG", pnginfo=facts)


def _change(pair: Pair) -> np.ndarray | None:
    if pair.before.shape != pair.after.shape or pair.shapes[0] != pair.shapes[1]:
        return None
    change: np.ndarray = pair.after.astype(np.float32) - pair.before
    return change if change.ndim == 2 else change @ np.array([0.299, 0.587, 0.114], np.float32)


def _limit(changes: Sequence[np.ndarray]) -> float:
    """A round number near the 99th percentile of what changed."""
    if not changes:
        return 1.0
    most = max(float(np.quantile(np.abs(change), 0.99)) for change in changes)
    return next((step / 255 for step in _STEPS if step >= 255 * most), 1.0)


def _signed(change: np.ndarray | None, limit: float, pair: Pair) -> Pillow.Image:
    if change is None:
        return Pillow.new("RGB", (1, 1), PAPER)
    return Pillow.fromarray(_coloured(magnified(change, pair.shapes[0]) / limit))


def _coloured(values: np.ndarray) -> np.ndarray:
    """-1 to 1 -> from darker over unchanged to brighter: (..., 3) uint8."""
    strength = np.clip(np.abs(values), 0, 1)[..., None]
    ends = np.where((values < 0)[..., None], np.array(_DARKER), np.array(_BRIGHTER))
    colours: np.ndarray = np.rint((1 - strength) * np.array(_SAME) + strength * ends).astype(np.uint8)
    return colours


def _scales(paper: Paper, lefts: Sequence[int], widths: Sequence[int], y: int, limit: float) -> None:
    """What the greys and the colours mean, under their columns."""
    grey = np.repeat(np.linspace(0, 255, min(widths[0], 280)).astype(np.uint8)[None, :], 14, axis=0)
    paper.picture.paste(Pillow.fromarray(grey).convert("RGB"), (lefts[0], y))
    paper.write((lefts[0], y + 18), "0 black", 15, FAINT)
    end = "255 white, as the model sees it"
    paper.write((lefts[0] + grey.shape[1] - paper.width("255 white", 15), y + 18), end, 15, FAINT)
    bar = min(widths[-1], 280)
    colours = np.repeat(_coloured(np.linspace(-1, 1, bar))[None], 14, axis=0)
    paper.picture.paste(Pillow.fromarray(colours), (lefts[-1], y))
    paper.write((lefts[-1], y + 18), f"-{limit * 255:.0f} darker", 15, FAINT)
    paper.write((lefts[-1] + bar / 2 - 4, y + 18), "0", 15, FAINT)
    brighter = f"+{limit * 255:.0f} brighter"
    paper.write((lefts[-1] + bar - paper.width(brighter, 15), y + 18), brighter, 15, FAINT)
