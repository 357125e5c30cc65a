"""What the data leave open and would change the advice, and what would decide it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from shiftscope.diagnosis import Diagnosis, Removal
from shiftscope.diagnosis.texts.concept_text import REHEARSE
from shiftscope.diagnosis.texts.phrases import number
from shiftscope.measures.question_names import CONCEPT, SUBJECTS
from shiftscope.recommendation.advice_documents import Alternative
from shiftscope.recommendation.drafts import AdviceDraft, option
from shiftscope.recommendation.gain_texts import action_text, chance_text
from shiftscope.recommendation.prediction.advice_policy import PolicyInputs

__all__ = ["OpenQuestion", "open_questions"]

_Z_975 = float(special.ndtri(0.975))  # standard deviations from the middle of a 95 % interval to its end

_TYPICAL = 1.0
"""What a harmonizer may remove where a shift in appearance is not called: scanners of real hospitals differ by .1 to
1.4 squared within-site deviations per coordinate (docs/decisions.md)."""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """One thing that is not decided.

    Attributes:
        says: what, and what would decide it.
        other: the advice if it turns out the other way; None where that is to rehearse.
    """

    says: str
    other: Alternative | None


def open_questions(diagnosis: Diagnosis, draft: AdviceDraft) -> list[OpenQuestion]:
    """All that is open and would change the advice, questions about the sites first; none after a rehearsal."""
    if draft.basis.measured:
        return []
    found = [*_about_more(draft), *_about_sites(diagnosis, draft)]
    if draft.chosen is not None and "appearance" in draft.called:
        found.extend(_about_harmonizer(draft.chosen, draft))
    return found


def _about_more(draft: AdviceDraft) -> Iterator[OpenQuestion]:
    """Whether another action gains more than the advised one, where that gains surely."""
    chosen, rival, chance = draft.decision.chosen, draft.decision.rival, 1 - draft.decision.certainty
    if draft.advised is None or chosen.action == "pool" or draft.decision.certainty >= draft.basis.policy.certain:
        return
    margin = draft.basis.rules.margin
    says = (
        f"whether {action_text(rival)} gains more than {margin:g} over {action_text(chosen)} is not decided, chance"
        f" {chance_text(chance)}: a trial decides it"
    )
    other = None if rival.action == "own_model" else option(rival, f"a trial shows more than {margin:g} beyond it")
    yield OpenQuestion(says, other)


def _about_sites(diagnosis: Diagnosis, draft: AdviceDraft) -> Iterator[OpenQuestion]:
    """Shifts that are not called and not unlikely, and labels of which profiles cannot tell what they mean."""
    for question in ("appearance", "structure", "annotation", CONCEPT):
        answer = diagnosis.axes[question]
        unlikely = answer.probability is None or answer.probability < draft.basis.rules.open
        if answer.called or (unlikely and not answer.disputed and not answer.hidden):
            continue
        most = answer.high or 0.0
        inputs = {
            "appearance": replace(draft.inputs, removed=max(draft.inputs.removed, _TYPICAL)),
            "structure": replace(draft.inputs, structure=max(draft.inputs.structure, most)),
        }.get(question, replace(draft.inputs, conflict=max(draft.inputs.conflict, most)))
        noun = SUBJECTS[question]
        if answer.hidden:
            says = f"whether the same labels mean the same at all sites cannot be told from profiles: {REHEARSE}"
            yield from _turned(says, f"a rehearsal shows that sites differ in {noun}", inputs, draft)
            continue
        says = f"whether sites differ in {noun} is not decided, confidence {answer.probability or 0.0:.2g}"
        away = abs(float(special.ndtri(np.clip(answer.probability or 0.0, 1e-6, 1 - 1e-6))))
        if answer.disputed:  # more patients do not separate two causes
            says = f"{noun} may differ too: other shifts can explain the effect of {number(answer.effect or 0.0)}"
            away = 0.0
        yield from _turned(f"{says}: {_decides(away, draft)}", f"sites turn out to differ in {noun}", inputs, draft)


def _about_harmonizer(item: Removal, draft: AdviceDraft) -> Iterator[OpenQuestion]:
    """Whether another share within the interval of what the harmonizer removes would change the advice."""
    whole = draft.inputs.removed + draft.inputs.remains
    for end, amount in ((item.low, "less"), (item.high, "more")):
        share = min(max(end, 0.0), 1.0)
        inputs = replace(draft.inputs, removed=whole * share, remains=whole * (1 - share))
        says = f"whether {item.harmonizer} removes enough is not decided: a trial decides it"
        yield from _turned(says, f"{item.harmonizer} turns out to remove {amount}", inputs, draft)


def _turned(says: str, when: str, inputs: PolicyInputs, draft: AdviceDraft) -> Iterator[OpenQuestion]:
    """The question, if the advice with these inputs is another."""
    other = draft.with_inputs(inputs)
    if other.action != draft.action:
        yield OpenQuestion(says, None if other.advised is None else option(other.advised, when))


def _decides(away: float, draft: AdviceDraft) -> str:
    """What decides a question so many standard deviations `away` from undecided. They grow with the root of the
    patients."""
    times = (_Z_975 / max(away, 1e-9)) ** 2
    if times > draft.basis.rules.most_times:
        return "a trial decides it sooner than more patients"
    patients = max(times, 1.1) * draft.inputs.smallest
    return f"about {round(patients, -1 if patients >= 100 else 0):.0f} patients a site would decide it, or a trial"
