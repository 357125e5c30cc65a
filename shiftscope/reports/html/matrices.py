"""Heat maps as tables: every cell says its number, so the colour is never needed to read it."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from shiftscope.diagnosis import AxisVerdict
from shiftscope.diagnosis.texts.phrases import number
from shiftscope.measures import AXES
from shiftscope.measures.plain_names import plain_name
from shiftscope.reports.html.material import Material
from shiftscope.reports.questions import QUESTIONS
from shiftscope.reports.wording import answered
from shiftscope.shifts import Effect, Shift

__all__ = ["LEVELS", "Cell", "Matrix", "by_axis", "by_pair", "by_site"]

LEVELS = (0.1, 0.5, 2.0, 8.0, 32.0)
"""Effects at which the shade of a cell changes; the first is the margin below which a shift does not matter."""

_MOST_PAIRS = 45


@dataclass(frozen=True, slots=True)
class Cell:
    """One comparison.

    Attributes:
        effect, interval: as text.
        answer: yes, likely, cannot tell, not seen, not asked; "" where nothing is judged.
        level: 0 for below the margin to 5; None for no number.
    """

    effect: str = ""
    interval: str = ""
    answer: str = ""
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Matrix:
    """A heat map.

    Attributes:
        title, says: what it shows.
        corner: head of the column of row heads.
        columns: (head, what stands under it).
        rows: (head, what stands under it, cells).
    """

    title: str
    says: str
    corner: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[tuple[str, str, Sequence[Cell]]]


def by_pair(material: Material) -> list[Matrix]:
    """Every question that could be asked of some pair: sites against sites, the lower triangle; none of many sites."""
    advice = material.advice
    if advice is None or not material.shifts or material.overview is not None:
        return []
    pairs = {(pair.a, pair.b): pair.axes for pair in advice.diagnosis.pairs}
    sites = [profile.site for profile in material.compared]
    patients = {profile.site: profile.patients for profile in material.compared}
    out = []
    for question, name in QUESTIONS.items():
        if all(answers[question].effect is None for answers in pairs.values()):
            continue
        rows = [
            (site, f"n = {patients[site]}", [_answer(pairs[other, site][question]) for other in sites[:index]])
            for index, site in enumerate(sites)
            if index
        ]
        columns = [(site, f"n = {patients[site]}") for site in sites[:-1]]
        out.append(Matrix(f"{name.title}: site against site", name.asks, "site", columns, rows))
    return out


def by_site(material: Material, shown: Sequence[str] | None = None) -> Matrix | None:
    """Every site against all others together, where there are three or more; or only some, in the order given."""
    if material.advice is None or len(material.compared) < 3:
        return None
    verdicts = material.advice.diagnosis.by_site
    patients = {profile.site: profile.patients for profile in material.compared}
    rows = [
        (
            site,
            f"n = {patients[site]} against {sum(patients.values()) - patients[site]}",
            [_answer(verdicts[site].axes[question]) for question in QUESTIONS],
        )
        for site in (patients if shown is None else shown)
    ]
    return Matrix(
        "Which site stands out: each against all others",
        "The others are counted alike, whatever their size.",
        "site",
        [(name.title, "") for name in QUESTIONS.values()],
        rows,
    )


def by_axis(material: Material) -> Matrix | None:
    """Every pair on every axis that answers a question."""
    shifts = material.shifts
    if not shifts:
        return None
    axes = [axis for axis, item in AXES.items() if item.question != "features"]
    axes = [axis for axis in ("labels", *axes) if any(shift.on(axis) for shift in shifts.values())]
    named = (
        sorted(shifts.items(), key=lambda item: -_weight(item[1]))[:_MOST_PAIRS]
        if len(shifts) > _MOST_PAIRS
        else shifts.items()
    )
    cut = f", the {_MOST_PAIRS} pairs of {len(shifts)} that differ most" if len(shifts) > _MOST_PAIRS else ""
    if material.overview is not None:
        cut = " of the odd sites, the most typical of each group, and the clearest pair of each question"
    rows = [(f"{a} – {b}", _patients(shift), [_effect(shift.on(axis)) for axis in axes]) for (a, b), shift in named]
    return Matrix(
        f"All axes{cut}",
        "An axis is a group of measures that is compared as a whole. These are the effects before they are judged: a"
        " large one on an appearance axis can come from a change of framing, and the reverse.",
        "pair",
        [(plain_name(axis), "") for axis in axes],
        rows,
    )


def _weight(shift: Shift) -> float:
    return sum(effect.value for effect in shift.effects if effect.question != "features")


def _patients(shift: Shift) -> str:
    """Patients of both sites, on the axes together: the fewest and the most where axes differ."""
    counts = [sorted({effect.n[place] for effect in shift.effects}) for place in (0, 1)]
    ranges = [str(known[0]) if len(known) == 1 else f"{known[0]} to {known[-1]}" for known in counts if known]
    return f"n = {' against '.join(ranges)}"


def _answer(answer: AxisVerdict) -> Cell:
    if answer.effect is None:
        return Cell(answer=answered(answer))
    return _cell(answer.effect, answer.low or 0.0, answer.high or 0.0, answered(answer))


def _effect(effect: Effect | None) -> Cell:
    return Cell() if effect is None else _cell(effect.value, *effect.interval, "")


def _cell(value: float, low: float, high: float, answer: str) -> Cell:
    return Cell(number(value), f"{number(low)} to {number(high)}", answer, bisect_right(LEVELS, value))
