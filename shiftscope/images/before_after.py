"""A picture for people who look: cases before and after, what changed, and the grey levels of the whole site.

Drawn with Pillow alone. Pixels are repeated, or averaged in whole blocks, never interpolated; only voxels that are not
square are stretched to their true proportions, by the nearest pixel.
"""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont, PngImagePlugin

__all__ = ["WARNING", "Curves", "Pair", "Panel", "draw"]

WARNING = "Images of patients: this picture must not leave the hospital."

_CELL = 560  # pixels that the longer side of a case takes at most; a larger one is averaged down
_GAP, _EDGE = 14, 28
_PAPER, _INK, _FAINT, _LINE = (24, 26, 30), (236, 238, 240), (158, 164, 172), (62, 66, 74)
_BEFORE, _AFTER, _REFERENCE = (176, 182, 190), (64, 196, 255), (255, 176, 32)
_OUTLINE = (255, 225, 77)
_DARKER, _SAME, _BRIGHTER = (56, 132, 255), (38, 40, 46), (255, 138, 36)  # told apart by the colour-blind, too
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


@dataclass(frozen=True, slots=True)
class Curves:
    """Lines over one axis.

    Attributes:
        x: (n,).
        lines: label -> (n,) values; drawn in the colours of before, after, reference.
    """

    x: np.ndarray
    lines: dict[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves with their words.

    Attributes:
        title: above.
        across, up: what the axes are.
        limit: the top of the vertical axis; None for the largest value.
    """

    title: str
    across: str
    up: str
    curves: Curves
    limit: float | None = None


@dataclass(slots=True)
class _Paper:
    """Where the next thing is drawn."""

    picture: Pillow.Image
    pen: ImageDraw.ImageDraw = field(init=False)

    def __post_init__(self) -> None:
        self.pen = ImageDraw.Draw(self.picture)

    def write(self, at: tuple[float, float], text: str, size: int, ink: tuple[int, int, int] = _INK) -> None:
        self.pen.text(at, text, fill=ink, font=ImageFont.load_default(size))

    def width(self, text: str, size: int) -> float:
        return self.pen.textlength(text, font=ImageFont.load_default(size))


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
    cells = [[_cell(pair.before, pair.masks and pair.masks[0], pair.shapes[0]) for pair in pairs]]
    cells.append([_cell(pair.after, pair.masks and pair.masks[1], pair.shapes[1]) for pair in pairs])
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
    paper = _Paper(Pillow.new("RGB", (width, tall), _PAPER))
    paper.write((_EDGE, _EDGE), title, 30)
    for number, line in enumerate(wrapped):
        paper.write((_EDGE, _EDGE + 44 + 24 * number), line, 17, _FAINT)
    lefts = [_EDGE + sum(widths[:column]) + _GAP * column for column in range(len(widths))]
    for left, head in zip(lefts, heads, strict=True):
        paper.write((left, top), head, 22)
    y = top + 34
    for row, pair in enumerate(pairs):
        paper.write((_EDGE, y), pair.caption, 17, _FAINT)
        for left, column in zip(lefts, cells, strict=True):
            paper.picture.paste(column[row], (left, y + 26))
        y += heights[row] + 34 + _GAP
    if known:
        _scales(paper, lefts, widths, y, limit)
        y += 64
    share = (width - 2 * _EDGE + _GAP) // max(len(panels), 1)
    for number, panel in enumerate(panels):
        _plot(paper, panel, (_EDGE + number * share, y, share - _GAP, 310))
    paper.write((_EDGE, tall - 46), WARNING, 20, _OUTLINE)
    facts = PngImagePlugin.PngInfo()
    facts.add_text("Title", title)
    facts.add_text("Warning", WARNING)
    paper.picture.save(path, format="PNG", pnginfo=facts)


def _sides(pixels: np.ndarray, shape: float) -> tuple[int, int, int]:
    """How a slice is shown: averaged over blocks of the first number, then `height` by `width` pixels."""
    block = max(1, math.ceil(max(pixels.shape[0] * max(shape, 1), pixels.shape[1] / min(shape, 1)) / _CELL))
    rows, columns = -(-pixels.shape[0] // block), -(-pixels.shape[1] // block)
    times = max(1, int(_CELL / max(rows * max(shape, 1), columns / min(shape, 1))))
    return block, round(rows * times * max(shape, 1)), round(columns * times / min(shape, 1))


def _shown(pixels: np.ndarray, shape: float) -> np.ndarray:
    """(y, x[, 3]) -> (height, width[, 3]): repeated, or averaged in whole blocks."""
    block, height, width = _sides(pixels, shape)
    values = pixels.astype(np.float32)
    if block > 1:
        spare = [(0, -side % block) for side in values.shape[:2]] + [(0, 0)] * (values.ndim - 2)
        values = np.pad(values, spare, mode="edge")
        tiles = values.reshape(values.shape[0] // block, block, values.shape[1] // block, block, *values.shape[2:])
        values = tiles.mean(axis=(1, 3))
    rows, columns = (
        np.arange(count) * side // count for count, side in zip((height, width), values.shape, strict=False)
    )
    shown: np.ndarray = values[rows[:, None], columns]
    return shown


def _cell(pixels: np.ndarray, mask: np.ndarray | None, shape: float) -> Pillow.Image:
    shown = _shown(pixels, shape)
    coloured = np.repeat(shown[..., None], 3, axis=-1) if shown.ndim == 2 else shown
    values = np.rint(np.clip(coloured, 0, 1) * 255).astype(np.uint8)
    if mask is not None:
        inside = _shown(mask, shape) >= 0.5
        padded = np.pad(inside, 1)
        whole = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        values[inside & ~whole] = _OUTLINE
    return Pillow.fromarray(values)


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
        return Pillow.new("RGB", (1, 1), _PAPER)
    return Pillow.fromarray(_coloured(_shown(change, pair.shapes[0]) / limit))


def _coloured(values: np.ndarray) -> np.ndarray:
    """-1 to 1 -> from darker over unchanged to brighter: (..., 3) uint8."""
    strength = np.clip(np.abs(values), 0, 1)[..., None]
    ends = np.where((values < 0)[..., None], np.array(_DARKER), np.array(_BRIGHTER))
    colours: np.ndarray = np.rint((1 - strength) * np.array(_SAME) + strength * ends).astype(np.uint8)
    return colours


def _scales(paper: _Paper, lefts: Sequence[int], widths: Sequence[int], y: int, limit: float) -> None:
    """What the greys and the colours mean, under their columns."""
    grey = np.repeat(np.linspace(0, 255, min(widths[0], 280)).astype(np.uint8)[None, :], 14, axis=0)
    paper.picture.paste(Pillow.fromarray(grey).convert("RGB"), (lefts[0], y))
    paper.write((lefts[0], y + 18), "0 black", 15, _FAINT)
    end = "255 white, as the model sees it"
    paper.write((lefts[0] + grey.shape[1] - paper.width("255 white", 15), y + 18), end, 15, _FAINT)
    bar = min(widths[-1], 280)
    colours = np.repeat(_coloured(np.linspace(-1, 1, bar))[None], 14, axis=0)
    paper.picture.paste(Pillow.fromarray(colours), (lefts[-1], y))
    paper.write((lefts[-1], y + 18), f"-{limit * 255:.0f} darker", 15, _FAINT)
    paper.write((lefts[-1] + bar / 2 - 4, y + 18), "0", 15, _FAINT)
    words = f"+{limit * 255:.0f} brighter"
    paper.write((lefts[-1] + bar - paper.width(words, 15), y + 18), words, 15, _FAINT)


def _plot(paper: _Paper, panel: Panel, box: tuple[int, int, int, int]) -> None:
    """Lines in a frame, with their legend beside the title's end."""
    left, top, width, height = box
    paper.write((left, top), panel.title, 19)
    x0, y0, x1, y1 = left + 46, top + 58, left + width - 8, top + height - 44
    paper.pen.rectangle((x0, y0, x1, y1), outline=_LINE)
    values = [line for line in panel.curves.lines.values() if line.size]
    most = panel.limit or max((float(line.max()) for line in values), default=1.0) or 1.0
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = x0 + share * (x1 - x0)
        paper.pen.line((x, y1, x, y1 + 5), fill=_FAINT)
        paper.write((x - 10, y1 + 7), f"{share:g}", 14, _FAINT)
    for share in (0.0, 0.5, 1.0):
        y = y1 - share * (y1 - y0)
        paper.pen.line((x0 - 5, y, x0, y), fill=_FAINT)
        paper.write((left, y - 9), f"{share * most:.2g}", 14, _FAINT)
    legend = left
    for (label, line), ink in zip(panel.curves.lines.items(), (_BEFORE, _AFTER, _REFERENCE), strict=False):
        places = [
            (x0 + float(across) * (x1 - x0), y1 - min(float(up) / most, 1.0) * (y1 - y0))
            for across, up in zip(panel.curves.x, line, strict=True)
        ]
        paper.pen.line(places, fill=ink, width=3 if ink != _REFERENCE else 2, joint="curve")
        paper.pen.rectangle((legend, top + 37, legend + 22, top + 40), fill=ink)
        paper.write((legend + 28, top + 29), label, 15, _FAINT)
        legend += int(paper.width(label, 15)) + 50
    paper.write((x1 - paper.width(panel.across, 14), y1 + 24), panel.across, 14, _FAINT)
    paper.write((x0 + 6, y0 + 4), panel.up, 14, _FAINT)
