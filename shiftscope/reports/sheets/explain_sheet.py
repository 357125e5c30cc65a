"""What every measure and axis is, from its own record, as a sheet."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from textwrap import shorten

from shiftscope.errors import UsageError
from shiftscope.measures import AXES, Axis, Measure
from shiftscope.measures.appearance import colour, intensity, noise, texture
from shiftscope.measures.lesions import boundary, morphology
from shiftscope.measures.measure_groups import CAUSES
from shiftscope.measures.plain_names import plain_name
from shiftscope.measures.question_names import CONCEPT
from shiftscope.reports.questions import QUESTIONS, SOURCE, question_heading
from shiftscope.reports.sheet import Grid, Sheet

__all__ = ["Explanation", "explain_sheet", "explanations", "index_sheet", "to_values", "words_sheet"]

_FAMILIES: dict[str, Mapping[str, Measure]] = {
    "intensity": {name: item for name, item in intensity.MEASURES.items() if not name.endswith("_outside")},
    "intensity_outside": {name: item for name, item in intensity.MEASURES.items() if name.endswith("_outside")},
    "colour": colour.MEASURES,
    "texture": texture.MEASURES,
    "noise": noise.MEASURES,
    "morphology": morphology.MEASURES_2D,
    "morphology_3d": morphology.MEASURES_3D,
    "boundary": boundary.MEASURES,
}
"""Axis -> the measures that put it in units a person knows."""

_CITED = f"; the names are those of {SOURCE}"

_LINE = 56
"""Characters of a sentence in the index, so that it fits a line of 80."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All there is to say of one measure or axis.

    Attributes:
        name: its key in a profile.
        plain_name: what a person calls it.
        kind: "measure" or "axis".
        question: what a difference speaks of.
        axis: axes a measure goes with; for an axis, itself.
        goes_with: the cause it speaks of and that cause's other measures; for an axis, its measures.
        sentence: what it is.
        formula: how it is computed.
        unit: its unit, "1" where there is none.
        range: of the published histogram; of an axis, of the effect.
        direction: which direction means what.
        undefined: when it is null.
        reference: where it comes from.
    """

    name: str
    plain_name: str
    kind: str
    question: str
    axis: str
    goes_with: str
    sentence: str
    formula: str
    unit: str
    range: str
    direction: str
    undefined: str
    reference: str


_LABELS = Explanation(
    name="labels",
    plain_name=plain_name("labels"),
    kind="axis",
    question="label",
    axis="labels",
    goes_with="the published counts of patients by class",
    sentence="Share of patients in each class.",
    formula="effect: squared distance of two sites' shares over their variance, 1 less the sum of squared shares, the"
    " mean of the two; what chance adds is taken off",
    unit="1",
    range="effect from 0 up, no histogram; 1 is one standard deviation of patients within a site, squared",
    direction="higher is a larger difference between sites",
    undefined="fewer than two classes, or a site without labels",
    reference="Simpson 1949, doi:10.1038/163688a0, for the variance of classes",
)
"""Labels have no record in `AXES`: nothing is measured of an image."""

_CLASSES = replace(
    _LABELS,
    name="class_contrast",
    plain_name=plain_name("class_contrast"),
    question=CONCEPT,
    axis="class_contrast",
    goes_with="axes of images as they are, within classes",
    sentence="How far two classes lie apart, and in which direction.",
    formula="effect: squared difference of half the contrasts of two sites, along the mean of both weighted by its"
    " precision, in the covariance within classes and sites; what chance adds is taken off. A quarter of the squared"
    " distance that both classes moved together is allowed to it",
    undefined="fewer than two classes that both sites publish, or each file counted as a patient",
    reference="Moreno-Torres et al. 2012, doi:10.1016/j.patcog.2011.06.019; Graybill and Deal 1959,"
    " doi:10.2307/2527652",
)


def explanations(name: str | None = None) -> list[Explanation]:
    """What goes by a key or a plain name: a measure, an axis, or one of each; all for None, each axis followed by its
    measures.

    Raises:
        UsageError: nothing has that name.
    """
    known = _known()
    if name is None:
        return known
    found = [item for item in known if item.name == name] or [
        item for item in known if item.plain_name == name.strip().lower()
    ]
    if not found:
        near = get_close_matches(name.lower().replace("-", "_"), {item.name for item in known}, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "expected a measure or an axis;"
        raise UsageError(f"{name}: no such measure or axis; {hint} `shiftscope explain` lists all")
    return found


def explain_sheet(items: Sequence[Explanation]) -> Sheet:
    """Explanations in full, a row for each field."""
    return [
        Grid(item.name, ("what", "says"), [(key.replace("_", " "), text) for key, text in _shown(item).items()])
        for item in items
    ]


def index_sheet(items: Sequence[Explanation]) -> Sheet:
    """Explanations of a line each, by question and axis."""
    return [
        Grid(
            question_heading(question),
            ("name", "what it is"),
            [
                (item.name if item.kind == "axis" else f"  {item.name}", _line(item))
                for item in items
                if item.question == question
            ],
        )
        for question in dict.fromkeys(item.question for item in items)
    ]


def words_sheet(words: Sequence[str]) -> Sheet:
    """Words in alphabetical order, a row for each first letter."""
    by_letter: dict[str, list[str]] = {}
    for text in words:
        by_letter.setdefault(text[0], []).append(text)
    rows = [(letter, " ".join(found)) for letter, found in by_letter.items()]
    return [Grid("words that names of classes may be made of, in addition to single digits", ("", "words"), rows)]


def to_values(items: Sequence[Explanation]) -> dict[str, dict[str, dict[str, str]]]:
    """Explanations as plain values: kind -> name -> field -> text."""
    out: dict[str, dict[str, dict[str, str]]] = {}
    for item in items:
        out.setdefault(item.kind, {})[item.name] = _fields(item)
    return out


def _fields(item: Explanation) -> dict[str, str]:
    return {key: text for key, text in asdict(item).items() if key != "name"}


def _shown(item: Explanation) -> dict[str, str]:
    """The fields as a person reads them: the question with its name in the literature."""
    cited = item.question in QUESTIONS and item.question != CONCEPT
    return _fields(item) | {"question": f"{question_heading(item.question)}{_CITED * cited}"}


def _known() -> list[Explanation]:
    """A measure of several axes stands under the first."""
    out: dict[tuple[str, str], Explanation] = {}
    for name, axis in AXES.items():
        measures = _FAMILIES.get(name, {})
        out["axis", name] = _of_axis(name, axis, [*measures])
        for key, item in measures.items():
            out.setdefault(("measure", key), _of_measure(item))
    return [*out.values(), _LABELS, _CLASSES]


def _of_measure(item: Measure) -> Explanation:
    axes = [axis for axis, family in _FAMILIES.items() if item.name in family]
    question = AXES[axes[0]].question
    cause, names = next(
        ((cause, names) for cause, names in CAUSES[question].items() if item.name in names), ("nothing else", ())
    )
    others = ", ".join(name for name in names if name != item.name)
    low, high = item.range
    return Explanation(
        name=item.name,
        plain_name=plain_name(item.name),
        kind="measure",
        question=question,
        axis=", ".join(axes),
        goes_with=f"{cause}: {others}" if others else cause,
        sentence=item.sentence,
        formula=item.formula,
        unit=item.unit,
        range=f"{low:g} to {high:g}, in the unit above; values beyond count in the end cells",
        direction=item.direction,
        undefined=item.undefined,
        reference=item.reference,
    )


def _of_axis(name: str, axis: Axis, measures: Sequence[str]) -> Explanation:
    return replace(
        _LABELS,
        name=name,
        plain_name=plain_name(name),
        question=axis.question,
        axis=name,
        goes_with=", ".join(measures) or "no measure in units a person knows",
        sentence=f"{axis.says[0].upper()}{axis.says[1:]}.",
        formula=f"effect: d' S^-1 d on at most {axis.width} coordinates, d the difference of two sites' means and S the"
        " patients' covariance within sites, pooled over all sites and shrunken; what chance adds is taken off",
        undefined="fewer than 10 patients at a site, or nothing to measure it on",
        reference="Mahalanobis 1936, doi:10.1007/s13171-019-00164-5; Chen et al. 2010, doi:10.1109/TSP.2010.2053029",
    )


def _line(item: Explanation) -> str:
    """What it is, without what follows a colon, cut to a line."""
    return shorten(item.sentence.split(": ")[0].rstrip("."), _LINE, placeholder=" ...")
