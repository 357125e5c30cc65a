"""Text and lines over one axis, drawn on a sheet."""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

__all__ = ["FAINT", "PAPER", "Curves", "Panel", "Paper", "plot"]

PAPER, _INK, FAINT, _LINE = (24, 26, 30), (236, 238, 240), (158, 164, 172), (62, 66, 74)
_BEFORE, _AFTER, _REFERENCE = (176, 182, 190), (64, 196, 255), (255, 176, 32)


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
    """Curves with their texts.

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
class Paper:
    """A sheet, and the pen that draws on it."""

    picture: Pillow.Image
    pen: ImageDraw.ImageDraw = field(init=False)

    def __post_init__(self) -> None:
        self.pen = ImageDraw.Draw(self.picture)

    def write(self, at: tuple[float, float], text: str, size: int, ink: tuple[int, int, int] = _INK) -> None:
        self.pen.text(at, text, fill=ink, font=ImageFont.load_default(size))

    def width(self, text: str, size: int) -> float:
        return self.pen.textlength(text, font=ImageFont.load_default(size))


def plot(paper: Paper, panel: Panel, box: tuple[int, int, int, int]) -> None:
    """Lines in a frame, with their legend beside the title's end."""
    left, top, width, height = box
    paper.write((left, top), panel.title, 19)
    x0, y0, x1, y1 = left + 46, top + 58, left + width - 8, top + height - 44
    paper.pen.rectangle((x0, y0, x1, y1), outline=_LINE)
    values = [line for line in panel.curves.lines.values() if line.size]
    most = panel.limit or max((float(line.max()) for line in values), default=1.0) or 1.0
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = x0 + share * (x1 - x0)
        paper.pen.line((x, y1, x, y1 + 5), fill=FAINT)
        paper.write((x - 10, y1 + 7), f"{share:g}", 14, FAINT)
    for share in (0.0, 0.5, 1.0):
        y = y1 - share * (y1 - y0)
        paper.pen.line((x0 - 5, y, x0, y), fill=FAINT)
        paper.write((left, y - 9), f"{share * most:.2g}", 14, FAINT)
    legend = left
    for (label, line), ink in zip(panel.curves.lines.items(), (_BEFORE, _AFTER, _REFERENCE), strict=False):
        places = [
            (x0 + float(across) * (x1 - x0), y1 - min(float(up) / most, 1.0) * (y1 - y0))
            for across, up in zip(panel.curves.x, line, strict=True)
        ]
        paper.pen.line(places, fill=ink, width=3 if ink != _REFERENCE else 2, joint="curve")
        paper.pen.rectangle((legend, top + 37, legend + 22, top + 40), fill=ink)
        paper.write((legend + 28, top + 29), label, 15, FAINT)
        legend += int(paper.width(label, 15)) + 50
    paper.write((x1 - paper.width(panel.across, 14), y1 + 24), panel.across, 14, FAINT)
    paper.write((x0 + 6, y0 + 4), panel.up, 14, FAINT)
