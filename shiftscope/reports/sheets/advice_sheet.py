"""Diagnosis and recommendation as a sheet: the verdict first."""

from collections.abc import Sequence

from shiftscope.diagnosis import AxisVerdict, Diagnosis, Evidence, Verdict
from shiftscope.recommendation import Advice
from shiftscope.reports.sheet import Grid, Lines, Sheet
from shiftscope.reports.wording import answered, called, likelihood, method, source, trial_of

__all__ = ["advice_sheet"]

_MOST_ROWS = 15
_MOST_EVIDENCE = 8


def advice_sheet(advice: Advice) -> Sheet:
    """The verdict, the advice, and the numbers behind them."""
    diagnosis, recommendation = advice.diagnosis, advice.recommendation
    blocks: list[Lines | Grid] = [
        Lines(f"{diagnosis.kind}: {called(diagnosis)}", [_together(advice)]),
        Lines(f"recommendation: {method(recommendation)}", recommendation.because),
    ]
    if diagnosis.kind != "insufficient":
        blocks.extend(_answers(diagnosis))
    if diagnosis.evidence:
        blocks.append(_evidence(diagnosis.evidence))
    if diagnosis.caveats:
        blocks.append(Lines("caveats", diagnosis.caveats))
    if recommendation.alternatives:
        blocks.append(Lines("instead", [f"{method(item)}, if {item.when}" for item in recommendation.alternatives]))
    if recommendation.undecided:
        blocks.append(Lines(f"not decided; measure it: {trial_of(recommendation)}", recommendation.undecided))
    return blocks


def _evidence(found: Sequence[Evidence]) -> Grid:
    """The clearest findings by question, and how many more there are."""
    rows: list[tuple[str, str]] = []
    shown = found[:_MOST_EVIDENCE]
    for question in dict.fromkeys(item.question for item in shown):
        says = [item.says for item in shown if item.question == question]
        rows.extend((question * (index == 0), text) for index, text in enumerate(says))
    if len(found) > len(shown):
        rows.append(("", f"... and {len(found) - len(shown)} more with --format json"))
    return Grid("evidence", ("question", "finding"), rows)


def _answers(diagnosis: Diagnosis) -> list[Grid]:
    """The four answers over all pairs, by site and by pair; comparisons that could not be made are left out."""
    questions = tuple(f"{question}#" for question in diagnosis.axes)
    together = Grid(
        "over all pairs",
        ("question", "shift", "confidence#", "effect#", "95 %", "from"),
        [(question, *_cells(answer)) for question, answer in diagnosis.axes.items()],
    )
    sites = [(site, verdict) for site, verdict in diagnosis.by_site.items() if verdict.kind != "insufficient"]
    made = [(f"{pair.a} - {pair.b}", pair) for pair in diagnosis.pairs if pair.kind != "insufficient"]
    by_site = Grid(f"each site against all others{_cut(sites)}", ("site", "kind", *questions), _strongest_first(sites))
    by_pair = Grid(
        f"effects by pair (* counts as a shift){_cut(made)}", ("pair", "kind", *questions), _strongest_first(made)
    )
    return [together, *([by_site] if len(sites) > 2 else []), *([by_pair] if len(made) > 1 else [])]


def _cut(rows: Sequence[tuple[str, Verdict]]) -> str:
    return f", the strongest {_MOST_ROWS} of {len(rows)}" if len(rows) > _MOST_ROWS else ""


def _strongest_first(named: Sequence[tuple[str, Verdict]]) -> list[tuple[str, ...]]:
    """A row for each, in the order given; where there are too many, those with the largest called effects."""
    if len(named) > _MOST_ROWS:
        named = sorted(named, key=lambda item: -_weight(item[1]))[:_MOST_ROWS]
    return [(name, verdict.kind, *(_effect(answer) for answer in verdict.axes.values())) for name, verdict in named]


def _weight(verdict: Verdict) -> float:
    return sum(answer.effect or 0.0 for answer in verdict.axes.values() if answer.called)


def _together(advice: Advice) -> str:
    patients = sum(item.patients for item in advice.sites)
    return f"{len(advice.sites)} sites, {patients} patients"


def _cells(answer: AxisVerdict) -> tuple[str, ...]:
    if answer.effect is None or answer.probability is None:
        return answered(answer), "", "", "", ""
    interval = f"{answer.low or 0.0:.2f} to {answer.high or 0.0:.2f}"
    return answered(answer), likelihood(answer), f"{answer.effect:.2f}", interval, source(answer)


def _effect(answer: AxisVerdict) -> str:
    return "-" if answer.effect is None else f"{answer.effect:.2f}{'*' if answer.called else ' '}"
