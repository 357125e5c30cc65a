"""Why, in sentences with their numbers: what differs, what is expected of each action, what that rests on, and what
would change it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from shiftscope.diagnosis import AxisVerdict, Diagnosis
from shiftscope.diagnosis.texts.phrases import number
from shiftscope.measures.question_names import CONCEPT, SUBJECTS
from shiftscope.recommendation.drafts import AdviceDraft
from shiftscope.recommendation.gain_texts import NETWORKS, action_text, gain_text
from shiftscope.recommendation.harmonizing import removal_text
from shiftscope.recommendation.prediction.advice_policy import PolicyInputs

__all__ = ["reasons"]

_FARTHEST = 10.0
"""An effect is moved so far to see whether another action would be advised; the benchmark went as far."""

_MOST_PATIENTS = 400

_STEPS = 40


def reasons(draft: AdviceDraft, diagnosis: Diagnosis) -> Iterator[str]:
    """All of them: each shift that counts, then what to do about them."""
    for question in draft.called:
        yield _shift(diagnosis.axes[question], question)
    yield _expected(draft)
    if draft.chosen is not None:
        yield removal_text(draft.chosen)
    yield _rests_on(draft)
    if not draft.called:
        yield "no shift in appearance, structure, class prevalence or annotation that counts was found"
        if (concept := diagnosis.axes[CONCEPT]).effect is not None and not concept.hidden:
            yield "the same labels mean the same, as far as profiles show"
    if draft.called == ("label",):
        yield "plain FedAvg copes with different prevalence; judge each site by balanced metrics"


def _shift(answer: AxisVerdict, question: str) -> str:
    """The answer to one question with its interval and how sure it is."""
    low, high, probability = answer.low or 0.0, answer.high or 0.0, answer.probability
    sure = f"p {answer.p or 0.0:.1g}" if probability is None else f"confidence {min(probability, 0.999):.3g}"
    return (
        f"sites differ in {SUBJECTS[question]}: effect {number(answer.effect or 0.0)},"
        f" 95 % [{number(low)}, {number(high)}], {sure}"
    )


def _expected(draft: AdviceDraft) -> str:
    """What the advised action is expected to gain over FedAvg, and its nearest rival."""
    chosen, rival, sure = draft.decision.chosen, draft.decision.rival, draft.decision.certainty
    margin = draft.basis.rules.margin
    beside = f"{action_text(rival)} {gain_text(rival.gain)}, with a chance of {1 - sure:.2g} of more than {margin:g}"
    if draft.unsure:
        return (
            f"what gains most cannot be told from profiles: {beside} over {action_text(chosen)};"
            " `shiftscope rehearse` measures it on the sites' own images in minutes"
        )
    if chosen.action == "pool" and rival.gain.mean > margin:
        return f"nothing surely gains over plain FedAvg, and {beside} over it"
    if chosen.action == "pool":
        return f"nothing is expected to gain more than {margin:g} over FedAvg; the nearest is {beside}"
    gains = f"{action_text(chosen)} is expected to gain {gain_text(chosen.gain)}, over FedAvg"
    return f"{gains}; the nearest is {beside} over it"


def _rests_on(draft: AdviceDraft) -> str:
    """The inputs, and the nearest change of one of them that turns the advice."""
    inputs = draft.inputs
    parts = [NETWORKS[inputs.network]]
    if draft.basis.measured:
        parts.append("the rehearsal of these sites")
    parts.append(f"{inputs.smallest} patients at the smallest site")
    if inputs.removed or inputs.remains:
        parts.append(
            f"a difference in features of which a harmonizer removes {number(inputs.removed)} and leaves"
            f" {number(inputs.remains)}"
        )
    for value, noun in ((inputs.conflict, "conflict of labels or masks"), (inputs.structure, "structure")):
        if value:
            parts.append(f"an effect of {number(value)} or more on {noun}")
    turns = [] if draft.basis.measured else [*_turns(draft)]
    change = f"it would be {turns[0]}" if turns else "no other value of one of these would change it"
    if draft.basis.measured:
        change = "a run decides what is left open"
    return f"the prediction rests on {', '.join(parts)}; {change}"


def _turns(draft: AdviceDraft) -> Iterator[str]:
    """Another network first, then the input that has to move least on the way to its farthest value."""
    for network, words in NETWORKS.items():
        if network not in ("frozen", draft.inputs.network):
            other = draft.with_inputs(replace(draft.inputs, network=network))
            if other.action != draft.action:
                yield f"{_leads_to(other)} for {words}"
    found: list[tuple[int, str]] = []
    for words, move, now, farthest in _other_values(draft.inputs):
        for step, value in enumerate(np.linspace(now, max(now, farthest), _STEPS)[1:].tolist()):
            other = draft.with_inputs(move(value))
            if other.action != draft.action:
                found.append((step, f"{_leads_to(other)} if {words} {number(value)}"))
                break
    yield from (text for _, text in sorted(found))


def _other_values(inputs: PolicyInputs) -> Iterator[tuple[str, Callable[[float], PolicyInputs], float, float]]:
    """Each number that can be moved: in words, how, from where, and how far."""
    removed = "a harmonizer removed a difference in features of"
    yield removed, lambda value: replace(inputs, removed=value), inputs.removed, _FARTHEST
    conflict = "the effect on labels or masks were surely above"
    yield conflict, lambda value: replace(inputs, conflict=value), inputs.conflict, _FARTHEST
    structure = "the effect on structure were surely above"
    yield structure, lambda value: replace(inputs, structure=value), inputs.structure, _FARTHEST
    patients = "the patients of the smallest site were"
    yield patients, lambda value: replace(inputs, smallest=round(value)), inputs.smallest, _MOST_PATIENTS


def _leads_to(draft: AdviceDraft) -> str:
    advised = draft.advised
    return "rehearse" if advised is None else f"{action_text(advised)}, {gain_text(advised.gain)},"
