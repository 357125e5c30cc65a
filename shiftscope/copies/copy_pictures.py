"""The before-and-after picture of a site's copies."""

from pathlib import Path

import numpy as np

from shiftscope.copies.image_changes import BINS, Changes
from shiftscope.copies.mapped_cases import MappedCase, map_case
from shiftscope.harmonizers import HARMONIZERS
from shiftscope.images.drawings.before_after import Pair, draw
from shiftscope.images.drawings.line_plots import Curves, Panel
from shiftscope.plans.copies_results import CopiesResult
from shiftscope.sites import Case

__all__ = ["draw_sheet"]


def draw_sheet(path: Path, changes: Changes, result: CopiesResult, *, count: int, seed: int) -> list[Case]:
    """Draw `count` cases, spread over the site's brightness, and the grey levels of all.

    Args:
        path: of the PNG.
        changes: of all cases that were copied.
        result: their figures.
        count: rows of the picture.
        seed: draws the cases.

    Returns:
        The cases drawn, from the first row to the last: the picture itself names none.
    """
    cases = changes.chosen(count, seed)
    pairs = [_pair(map_case(case, changes.fitted), number) for number, case in enumerate(cases, start=1)]
    changed = (
        "none has a counterpart, pixels were resampled" if result.mean_change is None else _amount(result.mean_change)
    )
    lines = [
        f"{result.harmonizer}: {result.summary}.",
        f"{result.written} cases; mean absolute change of a pixel: {changed}. Fitted on {result.fitted}."
        if HARMONIZERS[result.harmonizer].exchanges
        else f"{result.written} cases; mean absolute change of a pixel: {changed}.",
        f"Shown: {len(cases)} of them from dark to bright, drawn with seed {seed}, one from each equal part by"
        " brightness. Pixels are repeated or averaged in blocks, not interpolated."
        + (" Yellow: the outline of the mask." if any(pair.masks for pair in pairs) else ""),
    ]
    draw(path, f"Before and after harmonization: {result.site}", lines, pairs, _panels(changes))
    return cases


def _pair(mapped: MappedCase, number: int) -> Pair:
    """The slice with most of the mask, else the middle one."""
    depth = len(mapped.before)
    area = None if mapped.mask is None else (mapped.mask > 0).sum(axis=(1, 2))
    z = int(area.argmax()) if area is not None and area.any() else depth // 2
    z_after = min(int((z + 0.5) * len(mapped.after) / depth), len(mapped.after) - 1)
    before, after = _flat(mapped.before[z]), _flat(mapped.after[z_after])
    masks = None
    if mapped.mask is not None and mapped.mask_after is not None:
        masks = mapped.mask[z] > 0, mapped.mask_after[z_after] > 0
    caption = f"{number}   brightness {_level(mapped.before)} to {_level(mapped.after)}"
    if mapped.change is not None:
        caption += f", mean change {_amount(mapped.change)}"
    if depth > 1:
        caption += f", slice {z + 1} of {depth}"
    return Pair(before, after, masks, (_shape(mapped.before_mm), _shape(mapped.spacing_mm)), caption)


def _flat(slice_: np.ndarray) -> np.ndarray:
    """(c, y, x) -> (y, x) or (y, x, 3)."""
    return slice_[0] if len(slice_) == 1 else np.moveaxis(slice_, 0, -1)


def _shape(spacing_mm: tuple[float, ...] | None) -> float:
    return 1.0 if spacing_mm is None else spacing_mm[1] / spacing_mm[2]


def _level(pixels: np.ndarray) -> str:
    inside = (pixels != 0).any(axis=1)
    return f"{pixels.mean(axis=1)[inside].mean() * 255:.0f}" if inside.any() else "0"


def _amount(change: float) -> str:
    return f"{change * 255:.1f} of 255 grey levels"


def _panels(changes: Changes) -> list[Panel]:
    """Histograms, and quantile functions where there are any; of colour, the mean over channels."""
    middles = (np.arange(BINS) + 0.5) / BINS
    before, after = changes.histograms / max(len(changes.cases), 1)
    most = 1.3 * float(
        np.quantile(np.concatenate([before, after]), 0.985)
    )  # a spike at white must not flatten the rest
    panels = [
        Panel(
            "Grey levels, all cases",
            "grey level",
            "share of pixels",
            Curves(middles, {"before": before, "after": after}),
            most,
        )
    ]
    if (quantiles := changes.quantiles) is not None:
        lines = {name: function.mean(axis=0) for name, function in zip(("before", "after"), quantiles, strict=True)}
        wanted = changes.fitted.reference.get("quantiles")
        if wanted is not None:
            lines["the federation's reference"] = wanted.mean(axis=0)
        panels.append(
            Panel("Mean quantile function", "share of pixels below", "grey level", Curves(changes.levels, lines), 1.0)
        )
    return panels
