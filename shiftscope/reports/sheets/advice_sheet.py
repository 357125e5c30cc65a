"""Diagnosis and recommendation as a sheet: the first screen, or all the evidence."""

import re
from collections.abc import Iterator

from shiftscope.diagnosis import LIMITS, Diagnosis
from shiftscope.diagnosis.texts.phrases import number
from shiftscope.recommendation import Advice
from shiftscope.reports.details.advice_details import advice_details, called_effects
from shiftscope.reports.first_screen import LINE, NOTE, first_that_fits, labelled, more, with_names
from shiftscope.reports.prediction_wording import certainty_words, predictions
from shiftscope.reports.questions import QUESTIONS
from shiftscope.reports.sheet import Grid, Lines, Sheet
from shiftscope.reports.wording import answered, called, effect_text, interval_text, method, methods, next_command
from shiftscope.reports.wrapping import fitting

__all__ = ["advice_sheet"]

_ROOM = (
    *((4, 3, 3, (3,) * 6), (4, 3, 3, (2,) * 6), (4, 3, 3, (2,) * 4), (4, 3, 3, (2, 2)), (4, 3, 2, (2, 2))),
    *((4, 2, 2, (2, 2)), (4, 2, 2, (2, 1)), (4, 2, 2, (2,)), (4, 2, 1, (2,)), (4, 2, 1, (1,)), (3, 2, 1, (1,))),
    *((3, 1, 1, (1,)), (2, 1, 1, (1,)), (1, 1, 1, (1,)), (0, 1, 1, (1,))),
)
"""Actions with their expected gain, lines for the reason, for what stands out and for each doubt, from the most
generous to the least."""

_MEANS = re.compile(r" \([^()]*\)$")
"""The means behind a difference, at the end of a finding."""


def advice_sheet(advice: Advice, *, verbose: bool = False, plan: str | None = None) -> Sheet:
    """The verdict, the advice with its reason, the five answers, what stands out, what is unsure, what to do next.

    Args:
        advice: what is said.
        verbose: all reasons and evidence; if not, one screen of 24 lines.
        plan: the file that the plan was written to, for the next command; None where none was.
    """
    return [*_everything(advice, plan)] if verbose else first_that_fits(_screens(advice, plan))


def _everything(advice: Advice, plan: str | None) -> Iterator[Lines | Grid]:
    yield _verdict(advice)
    yield Lines(_headline(advice), advice.recommendation.because)
    if advice.recommendation.predicted:
        yield predictions("what each action is expected to gain", advice.recommendation)
    yield from _answers(advice.diagnosis)
    yield from advice_details(advice)
    if commands := next_command(advice.recommendation, plan):
        yield Lines("next", commands)


def _screens(advice: Advice, plan: str | None) -> Iterator[Sheet]:
    names = [item.site for item in advice.sites]
    recommendation, headline = advice.recommendation, _headline(advice)
    says = [with_names(text, names) for text in _reasons(advice)]
    for actions, lines, finding, doubts in _ROOM:
        if recommendation.predicted:  # the numbers first, and the reason among the notes
            advised: Lines | Grid = predictions(headline, recommendation, actions)
            reason = fitting(says, lines, NOTE)
        else:
            advised, reason = Lines(headline, [fitting(says, lines, LINE)]), ""
        notes = _notes(advice, plan, reason, finding, doubts)
        yield [_verdict(advice), advised, *_answers(advice.diagnosis), notes]


def _verdict(advice: Advice) -> Lines:
    patients = sum(item.patients for item in advice.sites)
    diagnosis = advice.diagnosis
    counts = f"{len(advice.sites)} sites, {patients} patients"
    if diagnosis.listing is not None:
        counts += f"; all {diagnosis.listing.pairs:,} pairs compared, {diagnosis.listing.listed:,} listed"
    return Lines(f"{diagnosis.kind}: {called(diagnosis)}", [counts])


def _headline(advice: Advice) -> str:
    sure = certainty_words(advice.recommendation)
    return f"recommendation: {method(advice.recommendation)}{', ' if sure else ''}{sure}"


def _reasons(advice: Advice) -> list[str]:
    """What to do, and because of what; the answers themselves stand in the table below."""
    because = advice.recommendation.because
    shifts = sum(answer.called for answer in advice.diagnosis.axes.values())
    first, *others = because[shifts:] or because
    action = methods(advice.recommendation)
    if advice.recommendation.predicted:  # the first are the expected gains, which stand in a table of their own
        return [action, *others]
    return [f"{action[0].upper()}{action[1:]}: {first}", *others]


def _answers(diagnosis: Diagnosis) -> list[Grid]:
    """The strongest answer to each question over all pairs, where there are any."""
    if diagnosis.kind == "insufficient":
        return []
    rows = [
        (QUESTIONS[key].name, QUESTIONS[key].literature, answered(item), effect_text(item), interval_text(item))
        for key, item in diagnosis.axes.items()
    ]
    return [Grid("", ("question", "known as ... shift", "found", "effect#", "95 %"), rows)]


def _notes(advice: Advice, plan: str | None, reason: str, finding: int, room: tuple[int, ...]) -> Grid:
    """The reason, what stands out in so many lines, what is unsure, and what to do, a label before each."""
    diagnosis, recommendation = advice.diagnosis, advice.recommendation
    doubts = [*recommendation.undecided[:1], *diagnosis.caveats, *recommendation.undecided[1:]]
    steps = next_command(recommendation, plan) or (
        f"profile again when every site has {LIMITS.enough} patients, or {LIMITS.enough_files} where each file counts"
        " as one",
    )
    rest = more(len(doubts) - len(room), "doubt")
    return labelled(
        [
            ("advice", reason, 0),
            ("stands out", _farthest(diagnosis), finding),
            *(("unsure" * (place == 0), *item) for place, item in enumerate(zip(doubts, room, strict=False))),
            *(("next" * (place == 0), text, 0) for place, text in enumerate(steps)),
            ("", f"--verbose shows the evidence by site and pair{rest}", 1),
        ],
        [item.site for item in advice.sites],
    )


def _farthest(diagnosis: Diagnosis) -> str:
    """The site with the largest effects against all others, and the clearest finding on it; "" where none differs."""
    found = {site: weight for site, verdict in diagnosis.by_site.items() if (weight := called_effects(verdict)) > 0}
    if len(diagnosis.by_site) < 3 or not found:
        return ""
    site = max(found, key=lambda name: found[name])
    axes = diagnosis.by_site[site].axes
    effects = ", ".join(
        f"{QUESTIONS[key].name} {number(item.effect or 0.0)}" for key, item in axes.items() if item.called
    )
    says = f"'{site}', effect against all others together: {effects}"
    finding = next((item.says for item in diagnosis.evidence if item.sites and item.sites[-1] == site), "")
    if finding.startswith(f"'{site}' against "):  # whom it differs from was said
        finding = finding.removeprefix(f"'{site}' against ").partition(": ")[2]
    finding = _MEANS.sub("", finding.partition(", 95 %")[0])
    return f"{says}; {finding}" if finding else says
