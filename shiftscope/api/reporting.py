"""`report`: one HTML file for people who look."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from shiftscope.api.documents import AnyPath, paths_of
from shiftscope.dataframes import Tabular
from shiftscope.option_values import as_path
from shiftscope.reports.html import Gallery, gallery, read_material, write_page
from shiftscope.sites import draw_samples
from shiftscope.sites import read_site as list_site

__all__ = ["Page", "draw_gallery", "report"]

_CASES, _SEED = 8, 0


@dataclass(frozen=True, slots=True)
class Page(Tabular):
    """A report that was written.

    Attributes:
        path: of the HTML file.
        size: in bytes.
        cases: names of the cases whose images it shows, for the eyes of the site; empty where it shows none.
    """

    path: Path
    size: int
    cases: tuple[str, ...] = field(default=(), repr=False)

    def headline(self) -> str:
        """Where it lies."""
        return f"report written to {self.path}, {self.size / 1024:.0f} KB"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"path": str(self.path), "size": self.size, "cases": list(self.cases)}

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each key."""
        return [{"key": key, "value": value} for key, value in self.to_dict().items()]

    def _repr_html_(self) -> str:
        """A link to the page."""
        return f'<a href="{escape(self.path.as_posix(), quote=True)}">{escape(self.headline())}</a>'


def report(
    profiles: Iterable[AnyPath],
    *,
    output: AnyPath = "report.html",
    result: AnyPath | None = None,
    plan: AnyPath | None = None,
    local_images: AnyPath | None = None,
) -> Page:
    """Write the verdict, the numbers behind it and what was shared as one HTML file that loads nothing.

    Args:
        profiles: paths of one site's profile, or of a federation's: the page says of each file what it was to the byte.
        output: the HTML file.
        result: result.json of a run.
        plan: where it is not the result's.
        local_images: folder of a site, some of whose images are shown. Such a page must not leave the site.

    Raises:
        ProfileError, NotComparable, EngineError, PlanError: a file that cannot be used.
    """
    material = read_material(
        paths_of("profiles", profiles),
        None if result is None else as_path("result", result),
        None if plan is None else as_path("plan", plan),
    )
    pictures, cases = (None, ()) if local_images is None else draw_gallery(as_path("local_images", local_images))
    size = write_page(material, Path(output), pictures)
    return Page(Path(output), size, cases)


def draw_gallery(folder: Path) -> tuple[Gallery, tuple[str, ...]]:
    """Some images of a site as the page shows them, and which cases they are."""
    site = list_site(folder)
    samples = draw_samples(site, _CASES, _SEED)
    shown = gallery(site.name, [(sample.pixels, sample.mask, sample.shape) for sample in samples])
    return shown, tuple(sample.case.name for sample in samples)
