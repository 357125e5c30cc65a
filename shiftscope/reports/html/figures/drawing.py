"""Matplotlib's drawings as SVG that takes its colours from the page, in light and in dark, and its text as text.

Matplotlib writes fixed colours, fonts, ids and a header with a date. Colours are drawn as markers that stand for
variables of the style sheet; ids are kept where something points at them, and made unique to the figure.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "ACCENT",
    "DASHES",
    "FAINT",
    "INK",
    "LABEL",
    "MARKERS",
    "MOST_DRAWN",
    "PAPER",
    "SERIES",
    "SMALL",
    "axes",
    "to_svg",
]

_VARIABLES = {
    "#000001": "--ink",
    "#000002": "--muted",
    "#000003": "--rule",
    "#000004": "--surface",
    "#000005": "--accent",
    **{f"#0000{11 + index}": f"--series-{index + 1}" for index in range(8)},
}
"""Colour in the drawing -> variable of the style sheet."""

INK, FAINT, RULE, PAPER, ACCENT, *SERIES = _VARIABLES
DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (9, 3)), (0, (3, 1, 1, 1, 1, 1)))
"""Lines are told apart by their dashes where colours are not seen."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
MOST_DRAWN = 12
"""Sites that a drawing of curves or hills has room for; tables hold all."""
LABEL = 20
"""Cells that a site's name may take in a drawing."""
SMALL = 11.0
"""Size of text in a drawing, in pixels at its natural width."""

_POINTS = 72.0  # an SVG of matplotlib has 72 units an inch, so a point is a unit

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": SMALL,
    "font.family": "sans-serif",
    "axes.edgecolor": RULE,
    "axes.labelcolor": FAINT,
    "axes.labelsize": SMALL,
    "axes.linewidth": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": FAINT,
    "ytick.labelcolor": FAINT,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "grid.color": RULE,
    "grid.linewidth": 0.75,
    "text.color": INK,
    "text.parse_math": False,  # a name may hold a dollar sign
    "legend.frameon": False,
    "path.simplify": True,
    "lines.solid_capstyle": "round",
}

_POINTER = re.compile(r"#([\w.-]+)")
_HREF = "{http://www.w3.org/1999/xlink}href"


@contextmanager
def axes(width: float, height: float) -> "Iterator[tuple[Figure, Axes]]":
    """A figure of so many pixels with one pair of axes; it must be turned into SVG before the context ends."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width / _POINTS, height / _POINTS), layout="constrained")
        yield figure, figure.add_subplot()


def to_svg(figure: "Figure", key: str, title: str, says: str) -> str:
    """The drawing as an `<svg>` element for a page, the same for the same drawing.

    Args:
        figure: drawn inside `axes`.
        key: unique on the page.
        title: read out first.
        says: read out next.
    """
    import matplotlib as mpl

    written = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": key}):
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    root = ElementTree.fromstring(written.getvalue().split("?>", 1)[1])
    pointed_at = {
        found
        for item in root.iter()
        for name, value in item.attrib.items()
        if name == _HREF or "url(#" in value
        for found in _POINTER.findall(value)
    }
    _tidy(root, key, pointed_at)
    _, _, width, height = root.attrib["viewBox"].split()
    root.attrib = {
        "viewBox": f"0 0 {width} {height}",
        "width": width,
        "height": height,
        "role": "img",
        "aria-labelledby": f"{key}-title {key}-desc",
    }
    for index, (tag, text) in enumerate((("title", title), ("desc", says))):
        item = ElementTree.Element(tag, {"id": f"{key}-{tag}"})
        item.text = text
        root.insert(index, item)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def _tidy(element: ElementTree.Element, key: str, pointed_at: set[str]) -> None:
    """Names without namespaces, ids that are needed, colours and fonts of the page; no metadata."""
    element.tag = element.tag.rpartition("}")[2]
    values = dict(element.attrib)
    element.attrib.clear()
    for name, value in values.items():
        if name == "id":
            if value in pointed_at:
                element.attrib["id"] = f"{key}-{value}"
        elif name == _HREF:
            element.attrib["href"] = f"#{key}-{value[1:]}"
        elif name == "style":
            if style := _restyled(value):
                element.attrib["style"] = style
        else:
            element.attrib[name] = value.replace("url(#", f"url(#{key}-")
    for child in list(element):
        if child.tag.endswith("}metadata") or (
            child.tag.endswith("}style") and "stroke-linejoin" in (child.text or "")
        ):
            element.remove(child)
        else:
            _tidy(child, key, pointed_at)
    element.text = (element.text or "").strip() or None
    element.tail = None


def _restyled(style: str) -> str:
    """Declarations without fonts but their size, colours as variables."""
    kept = []
    for declaration in filter(None, map(str.strip, style.split(";"))):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name == "font":  # size and family in one
            name, value = "font-size", next(part for part in value.split() if part.endswith("px"))
        if name in ("font-family", "opacity") and (name != "opacity" or value == "1"):
            continue
        kept.append(f"{name}:{f'var({_VARIABLES[value]})' if value in _VARIABLES else value}")
    return ";".join(kept)
