"""What a diagnosis comes to, question by question.

The project's own trials say what the name of a shift does not (docs/decisions.md): a harmonizer is worth it only if it
removes something; a model has to adapt to what remains only if that is far more than real scanners leave; sites that
draw their masks differently, or mean something else by a label, each need a head of their own; and with few patients
personalization costs more than it gives.
"""

from collections.abc import Sequence
from dataclasses import replace

from shiftscope.diagnosis import Diagnosis, Removal
from shiftscope.measures.question_names import CONCEPT
from shiftscope.profiles import Profile
from shiftscope.recommendation.advice_documents import Rules
from shiftscope.recommendation.drafts import AdviceDraft
from shiftscope.recommendation.harmonizing import after_harmonizing, choose

__all__ = ["decide", "taking_part"]

_CONFLICTS = {
    "structure": "no harmonizer changes anatomy: it takes a model of its own for each site",
    "annotation": "how each site draws is learned by a head of its own",
    CONCEPT: "what a label means at each site is learned by a head of its own",
}


def taking_part(diagnosis: Diagnosis, profiles: Sequence[Profile]) -> list[Profile]:
    """Sites that are compared."""
    left_out = {site for site, verdict in diagnosis.by_site.items() if verdict.kind == "insufficient"}
    return [profile for profile in profiles if profile.site not in left_out]


def decide(
    diagnosis: Diagnosis, profiles: Sequence[Profile], removed: Sequence[Removal], rules: Rules
) -> tuple[AdviceDraft, list[str]]:
    """What follows if harmonizers remove so much, and why, beyond the answers themselves."""
    called = tuple(question for question, answer in diagnosis.axes.items() if answer.called)
    chosen, rivals = choose(removed, rules)
    case = AdviceDraft(called, min(profile.patients for profile in taking_part(diagnosis, profiles)), chosen, rivals)
    sentences: list[str] = []
    if "appearance" in called:
        case, sentences = after_harmonizing(case, rules)
    case, more = _after_conflicts(case, rules)
    return case, [*sentences, *more]


def _after_conflicts(case: AdviceDraft, rules: Rules) -> tuple[AdviceDraft, list[str]]:
    """Whether tasks conflict so that sites need models of their own, whether they have the patients for it, and why."""
    conflicts = [question for question in _CONFLICTS if question in case.called]
    sentences = [_CONFLICTS[question] for question in conflicts]
    wants = case.own or bool(conflicts)
    withheld = wants and case.smallest < rules.few
    if withheld:
        sentences.append(
            f"a model of its own for each site costs more than it gives below {rules.few} patients:"
            f" {case.smallest} at the smallest site"
        )
    return replace(case, own=wants and not withheld, withheld=withheld), sentences
