"""What harmonizing did to a site's images, for the people of the site."""

from shiftscope.diagnosis.texts.phrases import number
from shiftscope.plans.copies_results import CopiesResult, Kept
from shiftscope.reports.sheet import Grid, Lines, Sheet

__all__ = ["copies_sheet"]


def copies_sheet(result: CopiesResult, where: str) -> Sheet:
    """How many copies, how far they moved, and what of the classes and lesions is left."""
    left_out = ", ".join(f"{reason} {count}" for reason, count in result.left_out.items()) or "nothing"
    change = (
        "none has a counterpart, pixels were resampled"
        if result.mean_change is None
        else f"{number(result.mean_change * 255)} of 255 grey levels"
    )
    lines = [
        f"{result.harmonizer}: {result.summary}",
        result.fitted if result.fitted.startswith("nothing") else f"fitted on {result.fitted}",
        f"mean absolute change of a pixel: {change}",
        f"left out: {left_out}",
        where,
    ]
    if result.unchanged:
        lines.insert(0, "no pixel changed: this site already equals the reference")
    blocks: list[Lines | Grid] = [Lines(f"{result.written} harmonized copies of {result.site}", lines)]
    rows = []
    if result.distance_before is not None and result.distance_after is not None:
        near = ("distance from the reference", f"{result.distance_before:.3f}", f"{result.distance_after:.3f}", "", "")
        rows.append((*near, str(result.written)))
    for name, kept in (("lesion contrast", result.contrast), ("separation of classes (AUC)", result.separability)):
        if kept is not None:
            rows.append(_row(name, kept, share=kept is result.contrast))
    if rows:
        blocks.append(Grid("the site before and after", ("", "before#", "after#", "lost#", "95 %", "n#"), rows))
    faded = [
        what
        for what, kept in (
            ("how lesions stand out", result.contrast),
            ("what tells classes apart", result.separability),
        )
        if kept is not None and kept.lost
    ]
    if faded:
        blocks.append(
            Lines("check these", [f"{result.harmonizer} takes part of {' and '.join(faded)} away with the scanner"])
        )
    return blocks


def _row(name: str, kept: Kept, *, share: bool) -> tuple[str, str, str, str, str, str]:
    lost, low, high = (f"{value:+.0%}" if share else f"{value:+.3f}" for value in (kept.drop, kept.low, kept.high))
    return name, f"{kept.before:.3f}", f"{kept.after:.3f}", lost, f"{low} to {high}", str(kept.cases)
