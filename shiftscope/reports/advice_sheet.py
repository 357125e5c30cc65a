"""Diagnosis and recommendation as a sheet: the verdict first."""

from shiftscope.diagnosis import AxisVerdict, Diagnosis, Verdict
from shiftscope.recommendation import Advice, Alternative, Recommendation
from shiftscope.reports.sheet import Grid, Lines, Sheet

__all__ = ["advice_sheet"]

_KINDS = {
    "none": "no shift that counts was found",
    "appearance": "the sites differ in appearance",
    "structural": "the sites differ in structure",
    "mixed": "the sites differ in appearance and in structure",
    "insufficient": "too few patients to tell",
}
_MOST_PAIRS = 15
_MOST_EVIDENCE = 12


def advice_sheet(advice: Advice) -> Sheet:
    """The verdict, the advice, and the numbers behind them."""
    diagnosis, recommendation = advice.diagnosis, advice.recommendation
    blocks: list[Lines | Grid] = [
        Lines(f"{diagnosis.kind}: {_KINDS[diagnosis.kind]}", [_together(advice)]),
        Lines(f"recommendation: {_method(recommendation)}", recommendation.because),
    ]
    if diagnosis.kind != "insufficient":
        blocks.extend(_answers(diagnosis))
    if diagnosis.evidence:
        blocks.append(Lines("evidence", [item.says for item in diagnosis.evidence[:_MOST_EVIDENCE]]))
    if diagnosis.caveats:
        blocks.append(Lines("caveats", diagnosis.caveats))
    if recommendation.alternatives:
        blocks.append(Lines("instead", [f"{_method(item)}, if {item.when}" for item in recommendation.alternatives]))
    return blocks


def _answers(diagnosis: Diagnosis) -> list[Grid]:
    """The four answers over all pairs, by site and by pair; comparisons that could not be made are left out."""
    questions = tuple(f"{question}#" for question in diagnosis.axes)
    together = Grid(
        "over all pairs",
        ("question", "shift", "confidence#", "effect#", "95 %", "p#", "from"),
        [(question, *_cells(answer)) for question, answer in diagnosis.axes.items()],
    )
    sites = [(site, *_row(verdict)) for site, verdict in diagnosis.by_site.items() if verdict.kind != "insufficient"]
    made = [pair for pair in diagnosis.pairs if pair.kind != "insufficient"]
    more = f", the first {_MOST_PAIRS} of {len(made)}" if len(made) > _MOST_PAIRS else ""
    pairs = [(f"{pair.a} - {pair.b}", *_row(pair)) for pair in made[:_MOST_PAIRS]]
    by_site = [Grid("each site against the others", ("site", "kind", *questions), sites)] if len(sites) > 2 else []
    return [
        together,
        *by_site,
        Grid(f"effects by pair (* counts as a shift){more}", ("pair", "kind", *questions), pairs),
    ]


def _row(verdict: Verdict) -> tuple[str, ...]:
    return verdict.kind, *(_effect(answer) for answer in verdict.axes.values())


def _together(advice: Advice) -> str:
    patients = sum(item.patients for item in advice.sites)
    return f"{len(advice.sites)} sites, {patients} patients"


def _method(item: Recommendation | Alternative) -> str:
    names = [name for name in (item.harmonizer, item.personalizer) if name]
    return item.action.replace("_", " ") + (f" ({', '.join(names)})" if names else "")


def _cells(answer: AxisVerdict) -> tuple[str, ...]:
    if answer.effect is None or answer.probability is None or answer.p is None:
        return "not asked", "", "", "", "", ""
    interval = f"{answer.low or 0.0:.2f} to {answer.high or 0.0:.2f}"
    p = f"{answer.p:.3f}" if answer.p >= 0.001 else "<.001"
    words = ((0.95, "likely"), (0.5, "cannot tell"), (0.0, "not seen"))
    shift = "yes" if answer.called else next(word for least, word in words if answer.probability >= least)
    return shift, f"{min(answer.probability, 0.999):.3f}", f"{answer.effect:.2f}", interval, p, _source(answer)


def _source(answer: AxisVerdict) -> str:
    return f"{answer.axis}, at equal {answer.held}" if answer.held else answer.axis or ""


def _effect(answer: AxisVerdict) -> str:
    return "-" if answer.effect is None else f"{answer.effect:.2f}{'*' if answer.called else ' '}"
