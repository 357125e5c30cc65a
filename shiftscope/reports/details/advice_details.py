"""What a diagnosis and its advice rest on: answers by site and by pair, findings, caveats, other advice."""

from collections.abc import Sequence

from shiftscope.diagnosis import AxisVerdict, Diagnosis, Evidence, Verdict
from shiftscope.recommendation import Advice
from shiftscope.reports.questions import QUESTIONS, question_name
from shiftscope.reports.sheet import Grid, Lines
from shiftscope.reports.wording import effect_text, likelihood, method, source

__all__ = ["advice_details", "called_effects"]

_MOST_ROWS = 15
_MOST_EVIDENCE = 8


def advice_details(advice: Advice) -> list[Lines | Grid]:
    """All that stands behind the first screen, the most general first."""
    diagnosis, recommendation = advice.diagnosis, advice.recommendation
    blocks: list[Lines | Grid] = [] if diagnosis.listing is None else [Lines("listed", [diagnosis.listing.says])]
    if diagnosis.kind != "insufficient":
        blocks.extend(_comparisons(diagnosis))
    if diagnosis.evidence:
        blocks.append(_findings(diagnosis.evidence))
    if diagnosis.caveats:
        blocks.append(Lines("caveats", diagnosis.caveats))
    if recommendation.alternatives:
        blocks.append(Lines("instead", [f"{method(item)}, if {item.when}" for item in recommendation.alternatives]))
    if recommendation.undecided:
        blocks.append(Lines("not decided", recommendation.undecided))
    return blocks


def _findings(found: Sequence[Evidence]) -> Grid:
    """The clearest findings by question, and how many more there are."""
    rows: list[tuple[str, str]] = []
    shown = found[:_MOST_EVIDENCE]
    for question in dict.fromkeys(item.question for item in shown):
        says = [item.says for item in shown if item.question == question]
        rows.extend((question_name(question) * (index == 0), text) for index, text in enumerate(says))
    if len(found) > len(shown):
        rows.append(("", f"... and {len(found) - len(shown)} more with --format json"))
    return Grid("evidence", ("question", "finding"), rows)


def _comparisons(diagnosis: Diagnosis) -> list[Grid]:
    """What the answers rest on, then every site and every pair that could be compared."""
    questions = tuple(f"{QUESTIONS[key].name}#" for key in diagnosis.axes)
    rests = [
        (QUESTIONS[key].name, likelihood(answer), source(answer), answer.axis or "")
        for key, answer in diagnosis.axes.items()
        if answer.effect is not None
    ]
    sites = [(site, verdict) for site, verdict in diagnosis.by_site.items() if verdict.kind != "insufficient"]
    made = [(f"{pair.a} - {pair.b}", pair) for pair in diagnosis.pairs if pair.kind != "insufficient"]
    of = len(made) if diagnosis.listing is None else diagnosis.listing.pairs
    by_site = Grid(
        f"each site against all others (* counts as a shift){_cut(sites, len(sites))}",
        ("site", "kind", *questions),
        _strongest_first(sites),
    )
    by_pair = Grid(
        f"effects by pair (* counts as a shift){_cut(made, of)}",
        ("pair", "kind", *questions),
        _strongest_first(made),
    )
    return [
        Grid(
            "what the answers rest on (effects: squared distances in within-site standard deviations)",
            ("question", "confidence#", "strongest in", "key"),
            rests,
        ),
        *([by_site] if len(sites) > 2 else []),
        *([by_pair] if len(made) > 1 else []),
    ]


def _cut(rows: Sequence[tuple[str, Verdict]], of: int) -> str:
    return f", the strongest {_MOST_ROWS} of {of}" if len(rows) > _MOST_ROWS else ""


def _strongest_first(named: Sequence[tuple[str, Verdict]]) -> list[tuple[str, ...]]:
    """A row for each, in the order given; where there are too many, those with the largest called effects."""
    if len(named) > _MOST_ROWS:
        named = sorted(named, key=lambda item: -called_effects(item[1]))[:_MOST_ROWS]
    return [(name, verdict.kind, *(_effect(answer) for answer in verdict.axes.values())) for name, verdict in named]


def called_effects(verdict: Verdict) -> float:
    """The sum of the effects that count as shifts."""
    return sum(answer.effect or 0.0 for answer in verdict.axes.values() if answer.called)


def _effect(answer: AxisVerdict) -> str:
    return "-" if answer.effect is None else f"{effect_text(answer)}{'*' if answer.called else ' '}"
