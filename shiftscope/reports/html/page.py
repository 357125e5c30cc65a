"""The page: sections filled from the material, one style sheet, nothing that is fetched."""

from dataclasses import dataclass
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from shiftscope.diagnosis.texts.phrases import number
from shiftscope.files import write_bytes
from shiftscope.harmonizers import HARMONIZERS
from shiftscope.profiles import Profile
from shiftscope.reports.html import matrices, sharing_section, sites_section, training_section
from shiftscope.reports.html.answer_cards import answer_cards
from shiftscope.reports.html.figures.curve_plots import overlays
from shiftscope.reports.html.figures.drawing import MOST_DRAWN
from shiftscope.reports.html.figures.figure import Figure
from shiftscope.reports.html.figures.ridges import ridges
from shiftscope.reports.html.figures.site_map import site_map
from shiftscope.reports.html.local_images import Gallery
from shiftscope.reports.html.material import Material
from shiftscope.reports.html.opening_section import opening
from shiftscope.reports.html.overviews.group_map import group_map
from shiftscope.reports.html.overviews.heat_maps import heat_maps
from shiftscope.reports.html.overviews.neighbours import neighbours
from shiftscope.reports.html.prediction_section import predicted_gains
from shiftscope.reports.html.removal_section import removal
from shiftscope.reports.questions import QUESTIONS, SOURCE, question_heading
from shiftscope.reports.sheet import Grid, Lines
from shiftscope.reports.sheets.explain_sheet import Explanation, explanations
from shiftscope.reports.sheets.result_sheet import result_sheet
from shiftscope.reports.wording import advised, next_command
from shiftscope.reports.wrapping import glued

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["MOST_BYTES", "render", "write_page"]

MOST_BYTES = 2_000_000
"""A report of 200 sites is no larger."""

_MOST_FINDINGS = 100  # of a question, of many sites: each of these differs from its neighbours in little

_TEMPLATES = files("shiftscope.reports.html") / "templates"


@dataclass(frozen=True, slots=True)
class Spread:
    """Figures of how measures spread over patients, for one question."""

    title: str
    figures: list[Figure]


def write_page(material: Material, target: Path, gallery: Gallery | None = None) -> int:
    """Write the report; its size in bytes.

    Args:
        material: what it shows.
        target: of the HTML file.
        gallery: images of one hospital; such a report must not leave it.
    """
    data = render(material, gallery).encode()
    write_bytes(target, data)
    return len(data)


def render(material: Material, gallery: Gallery | None = None) -> str:
    """The report as HTML, the same for the same material."""
    style = (_TEMPLATES / "page.css").read_text(encoding="utf-8")
    advice, result = material.advice, material.result
    profiles, overview = material.profiles, material.overview
    by_site, *by_site_too = _by_site(material)
    page: str = (
        _environment()
        .get_template("page.html.j2")
        .render(
            style=style,
            version=metadata.version("shiftscope-fl"),
            opening=opening(material),
            answers=answer_cards(material),
            advice=advice,
            advised=advised,
            steps=() if advice is None else next_command(advice.recommendation, "plan.toml"),
            predicted=predicted_gains(material),
            questions=QUESTIONS,
            source=SOURCE,
            levels=matrices.LEVELS,
            by_pair=matrices.by_pair(material),
            heat=[] if overview is None else heat_maps(overview),
            neighbours=None if overview is None else neighbours(overview),
            by_site=by_site,
            by_site_too=by_site_too,
            by_axis=matrices.by_axis(material),
            map=_map(material),
            overlays=overlays(material.drawn),
            spreads=_spreads(material.drawn),
            most_findings=None if overview is None else _MOST_FINDINGS,
            most_sites=MOST_DRAWN if len(profiles) > MOST_DRAWN else None,
            removal=None if advice is None else removal(advice.diagnosis.removed, advice.recommendation.harmonizer),
            result=result,
            run=[] if result is None else [_block(block) for block in list(result_sheet(result, verbose=True))[1:]],
            differences=None if result is None else training_section.differences(result),
            gains=None if result is None else training_section.gains(result),
            job=None if material.plan is None else training_section.job(material.plan),
            mismatches=training_section.mismatches(material),
            sites=sites_section.sites(profiles),
            excluded=sites_section.excluded(material),
            files=sharing_section.files(material.files),
            contents=sharing_section.contents(material.files, together=overview is not None),
            promises=sharing_section.promises(profiles),
            glossary=_glossary(profiles),
            gallery=gallery,
        )
    )
    return page


def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("shiftscope.reports.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["sentence"] = _sentence
    environment.filters["glued"] = glued
    environment.filters["number"] = number
    return environment


def _sentence(text: str) -> str:
    """Begun with a capital, unless the first word is the name of a method."""
    return text if text.split(maxsplit=1)[0] in HARMONIZERS else text[0].upper() + text[1:]


def _by_site(material: Material) -> list[matrices.Matrix | None]:
    """Every site against all others; of many sites those that stand for all first, and all others by themselves."""
    if material.overview is None:
        return [matrices.by_site(material)]
    telling = material.overview.telling(MOST_DRAWN)
    others = [site for site in material.overview.order if site not in telling]
    return [matrices.by_site(material, telling), matrices.by_site(material, others)]


def _map(material: Material) -> Figure | None:
    if material.advice is None:
        return None
    if material.overview is not None:
        return group_map(material.overview)
    patients = {profile.site: profile.patients for profile in material.compared}
    return site_map(patients, material.advice.diagnosis.pairs)


def _spreads(profiles: list[Profile]) -> list[Spread]:
    """Masks first: they are what a radiologist knows."""
    order = ("structure", "appearance", "annotation")
    found = [Spread(QUESTIONS[question].title, ridges(profiles, question)) for question in order]
    return [item for item in found if item.figures]


def _block(block: Lines | Grid) -> dict[str, Lines | Grid]:
    """A block of a sheet, by what it is: templates do not ask for types."""
    return {"grid": block} if isinstance(block, Grid) else {"lines": block}


def _glossary(profiles: list[Profile]) -> dict[str, list[Explanation]]:
    """Question -> what was measured here, as `explain` shows it."""
    known = {"labels"}
    for profile in profiles:
        known |= {"class_contrast"} if profile.by_class else set()
        known |= profile.measures.keys() | {axis for axis, sketch in profile.sketches.items() if sketch is not None}
    out: dict[str, list[Explanation]] = {}
    for item in explanations():
        if item.name in known:
            out.setdefault(question_heading(item.question), []).append(item)
    return out
