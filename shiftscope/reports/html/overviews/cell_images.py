"""Cells as a picture that stands in the page itself: a pixel a cell, in the colours of either theme."""

import base64
import io
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np
from PIL import Image

__all__ = ["EMPTY", "UNKNOWN", "cell_image", "shades"]

EMPTY, UNKNOWN = -1, -2
"""Instead of a level: nothing there, which is seen as paper; no number, which lets shine through what lies behind."""

_SHADE = re.compile(r"--level-\d: (#[0-9a-f]{6})")
_PAPER = re.compile(r"--surface: (#[0-9a-f]{6})")


@cache
def shades() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Colours of the levels in the light and in the dark theme, the paper last, as the style sheet has them."""
    style = (files("shiftscope.reports.html") / "templates" / "page.css").read_text(encoding="utf-8")
    levels, papers = _SHADE.findall(style), _PAPER.findall(style)
    half = len(levels) // 2
    return (*levels[:half], papers[0]), (*levels[half:], papers[1])


def cell_image(levels: np.ndarray, colours: Sequence[str]) -> str:
    """A PNG as a data URI, the same for the same cells.

    Args:
        levels: (rows, columns), 0 and up, `EMPTY` or `UNKNOWN`.
        colours: hexadecimal, of each level, the paper last.
    """
    paper, clear = len(colours) - 1, len(colours)
    places = np.where(levels == EMPTY, paper, np.where(levels == UNKNOWN, clear, levels)).astype(np.uint8)
    shown = Image.fromarray(places, "P")
    shown.putpalette(bytes.fromhex("".join(colour[1:] for colour in colours) + "000000"))
    written = io.BytesIO()
    shown.save(written, format="PNG", optimize=True, bits=4, transparency=clear)
    return f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode()}"
