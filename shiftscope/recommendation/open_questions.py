"""What the data leave open and would change the advice, and what would decide it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from shiftscope.diagnosis import Diagnosis, Removal
from shiftscope.diagnosis.texts.concept_text import REHEARSE
from shiftscope.diagnosis.texts.phrases import number
from shiftscope.measures.question_names import CONCEPT, SUBJECTS
from shiftscope.recommendation.advice_documents import Alternative, Rules
from shiftscope.recommendation.drafts import AdviceDraft, option
from shiftscope.recommendation.harmonizing import name_of

__all__ = ["OpenQuestion", "open_questions"]

_Z_975 = float(special.ndtri(0.975))  # standard deviations from the middle of a 95 % interval to its end


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """One thing that is not decided.

    Attributes:
        says: what, and what would decide it.
        other: the advice if it turns out the other way; None where too few patients forbid that anyway.
    """

    says: str
    other: Alternative | None


def open_questions(diagnosis: Diagnosis, case: AdviceDraft, rules: Rules) -> list[OpenQuestion]:
    """All that is open, questions about the sites first."""
    found = list(_about_sites(diagnosis, case, rules))
    if case.chosen is not None and "appearance" in case.called:
        found.extend(_about_harmonizer(case.chosen, case, rules))
    return found


def _about_sites(diagnosis: Diagnosis, case: AdviceDraft, rules: Rules) -> Iterator[OpenQuestion]:
    """Shifts that are not called and not unlikely, and labels of which profiles cannot tell what they mean."""
    for question in ("appearance", "structure", "annotation"):
        answer = diagnosis.axes[question]
        if answer.called or answer.probability is None:
            continue
        if answer.probability < rules.open and not answer.disputed:
            continue
        other = replace(case, map=True) if question == "appearance" else replace(case, own=True)
        if other.action == case.action:
            continue
        noun = SUBJECTS[question]
        away = abs(float(special.ndtri(np.clip(answer.probability, 1e-6, 1 - 1e-6))))
        says = f"whether sites differ in {noun} is not decided, confidence {answer.probability:.2g}"
        when = f"sites turn out to differ in {noun}"
        if answer.disputed:  # more patients do not separate two causes
            says = f"{noun} may differ too: other shifts can explain the effect of {number(answer.effect or 0.0)}"
            away = 0.0
        yield _open(says, when, other, away, case, rules)
    if diagnosis.axes[CONCEPT].hidden and (other := replace(case, own=True)).action != case.action:
        allowed = case.smallest >= rules.few
        when = "a rehearsal shows a head of its own to do better at a site than a shared one"
        says = f"whether the same labels mean the same at all sites cannot be told from profiles: {REHEARSE}"
        yield OpenQuestion(says, option(other.action, when, name_of(case.chosen)) if allowed else None)


def _about_harmonizer(item: Removal, case: AdviceDraft, rules: Rules) -> Iterator[OpenQuestion]:
    """Limits that lie within the interval of what a harmonizer removes, or leaves."""
    if item.low < rules.worth < item.high:
        away = _away(item.share, rules.worth, (item.low, item.high))
        says = f"whether {item.harmonizer} removes the {rules.worth:.0%} that make it worth it is not decided"
        when = f"{item.harmonizer} turns out to remove {'less' if case.map else 'more'}"
        yield _open(says, when, replace(case, map=not case.map), away, case, rules)
    most, least = (item.before * (1 - end) for end in (item.low, item.high))
    if case.map and least < rules.tolerated < most:
        away = _away(item.remains, rules.tolerated, (least, most))
        says = "whether one model copes with what remains is not decided"
        when = f"a trial shows that one model {'copes' if case.own else 'does not cope'} with what remains"
        yield _open(says, when, replace(case, own=not case.own), away, case, rules)


def _away(value: float, limit: float, interval: tuple[float, float]) -> float:
    """Standard deviations from a value to a limit within its 95 % interval."""
    width = value - interval[0] if limit < value else interval[1] - value
    return _Z_975 * abs(value - limit) / max(width, 1e-9)


def _open(says: str, when: str, other: AdviceDraft, away: float, case: AdviceDraft, rules: Rules) -> OpenQuestion:
    """A question so many standard deviations `away` from undecided. They grow with the root of the patients."""
    times = (_Z_975 / max(away, 1e-9)) ** 2
    if times > rules.most_times:
        decides = "a trial decides it sooner than more patients"
    else:
        patients = max(times, 1.1) * case.smallest
        decides = (
            f"about {round(patients, -1 if patients >= 100 else 0):.0f} patients a site would decide it, or a trial"
        )
    forbidden = other.own and case.smallest < rules.few
    return OpenQuestion(f"{says}: {decides}", None if forbidden else option(other.action, when, name_of(case.chosen)))
