"""Answers that rest on one baseline: with it they pass, without it they fail, or the reverse.

A baseline is a file from elsewhere; one whose means are wrong, or forged, moves the mean of all. From three on each is
left out in turn. Where two answers differ, nobody can say here which is right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shiftscope.checks.findings import Finding, outcome_of
from shiftscope.checks.judging import Judged, judged
from shiftscope.checks.policy import Policy
from shiftscope.checks.references import Reference
from shiftscope.diagnosis.texts.phrases import names, number

__all__ = ["Reliance", "reliances", "unsettled"]

_ENOUGH = 3  # baselines from which on two are left to agree
_MOST_LISTED = 4


@dataclass(frozen=True, slots=True)
class Reliance:
    """One finding that rests on single baselines.

    Attributes:
        among: the finding with all of them.
        without: the finding without each of them, that which changes the effect most first.
        decide: those of them without which the outcome is another.
    """

    among: Finding
    without: Mapping[str, Finding]
    decide: tuple[str, ...]

    @property
    def says(self) -> str:
        """The sentence, with all answers that matter."""
        listed = [site for place, site in enumerate(self.without) if place == 0 or site in self.decide]
        answers = [f"{_finding_text(self.without[site])} without '{site}'" for site in listed[:_MOST_LISTED]]
        return (
            f"the answer on {self.among.name} rests on {names(self.decide)}: {_finding_text(self.among)}"
            f" with all baselines, {', '.join(answers)}. Which is right cannot be decided here: look at the profile of"
            f" '{listed[0]}' first, which changes the effect most"
        )


def reliances(made: Reference, found: Judged, policy: Policy) -> list[Reliance]:
    """Findings whose outcome one baseline decides, of those on which three baselines or more are compared."""
    if len(made.compared) < _ENOUGH or not made.pairs:
        return []
    same = policy.model_copy(update={"require": tuple(made.required(policy))})
    less = {profile.site: judged(made.without(profile.site), same) for profile in made.compared}
    outcome = outcome_of(found.findings, policy)
    turns = {site: outcome_of(known.findings, policy) != outcome for site, known in less.items()}
    out = []
    for mine in found.findings:
        others = {site: other for site, known in less.items() if (other := _same(mine, known)) is not None}
        decide = tuple(
            site
            for site, other in others.items()
            if _decides(mine, other, turns[site])
            and _checkable(made, policy, *_worse((mine, found), (other, less[site])))
        )
        if decide:
            most = sorted(others, key=lambda site: -abs((others[site].effect or 0.0) - (mine.effect or 0.0)))
            out.append(Reliance(mine, {site: others[site] for site in most}, decide))
    return out


def _same(mine: Finding, known: Judged) -> Finding | None:
    """The same finding of another comparison, where both stand for themselves."""
    found = (item for item in known.findings if (item.kind, item.name) == (mine.kind, mine.name))
    return next((item for item in found if item.own and mine.own), None)


def _decides(mine: Finding, other: Finding, turns: bool) -> bool:
    """Whether one of two passes and the other fails; or the outcome turns, and one of them passes, fails or is open
    where the other is not."""
    pair = [_grade(mine), _grade(other)]
    if "open" in pair:
        return turns and pair[0] not in (pair[1], "open")
    return pair[0] != pair[1]


def _grade(finding: Finding) -> str:
    if finding.status in ("failed", "undecided", "inconclusive"):
        return "failed" if finding.status == "failed" else "open"
    return "passed"


def _worse(mine: tuple[Finding, Judged], other: tuple[Finding, Judged]) -> tuple[Finding, Judged]:
    return mine if mine[0].status == "failed" else other


def _checkable(made: Reference, policy: Policy, worse: Finding, known: Judged) -> bool:
    """Whether enough baselines have what the worse of two answers is about."""
    if worse.kind == "measure":
        return True
    axis = known.answers.at(worse.name, policy).axis if worse.kind == "question" else worse.name
    return axis is not None and made.having(axis) >= _ENOUGH


def unsettled(findings: Sequence[Finding], found: Sequence[Reliance]) -> tuple[Finding, ...]:
    """The findings, inconclusive where they rest on single baselines."""
    resting = {(item.among.kind, item.among.name): names(item.decide) for item in found}
    return tuple(
        finding.model_copy(update={"status": "inconclusive", "says": f"{finding.says}; it rests on {sites}"})
        if (sites := resting.get((finding.kind, finding.name)))
        else finding
        for finding in findings
    )


def _finding_text(finding: Finding) -> str:
    if finding.effect is None:
        return finding.status
    noun = "difference" if finding.kind == "measure" else "effect"
    ends = f"95 % [{number(finding.low or 0.0)}, {number(finding.high or 0.0)}]"
    return f"{finding.status} ({noun} {number(finding.effect)}, {ends})"
