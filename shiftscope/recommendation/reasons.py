"""Why, in sentences with their numbers: what differs, what is expected of each action, what that rests on, and what
would change it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from shiftscope.diagnosis import AxisVerdict, Diagnosis
from shiftscope.diagnosis.texts.phrases import number
from shiftscope.measures.question_names import CONCEPT, SUBJECTS
from shiftscope.recommendation.drafts import AdviceDraft
from shiftscope.recommendation.gain_texts import NETWORKS, action_text, chance_text, gain_text
from shiftscope.recommendation.harmonizing import removal_text
from shiftscope.recommendation.prediction.advice_policy import InputName, PolicyInputs

__all__ = ["reasons"]

_MOVED: tuple[tuple[InputName, float, float, str, str, str], ...] = (
    ("removed", 0.0, 10.0, "a harmonizer removed a difference in features", "of", "of"),
    ("conflict", 0.0, 10.0, "the effect on labels or masks", "could be as low as", "were surely above"),
    ("structure", 0.0, 10.0, "the effect on structure", "could be as low as", "were surely above"),
    ("smallest", 20.0, 400.0, "the patients of the smallest site", "were", "were"),
)
"""Inputs that are moved to see whether another action would be advised: how far down and up, as far as the benchmark
went, and what is said of a smaller and of a larger value."""

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
    chance = chance_text(1 - sure)
    gained = "" if rival.action == "pool" else f" {gain_text(rival.gain)}"
    beside = f"{action_text(rival)}{gained}, with a chance of {chance} of more than {margin:g}"
    if draft.unsure:
        return (
            f"what gains most cannot be told from profiles: {beside} over {action_text(chosen)};"
            " `shiftscope rehearse` measures it on the sites' own images in minutes"
        )
    if chosen.action == "pool" and rival.action == "own_model" and rival.surely_gains:
        return (
            f"no federation surely gains over plain FedAvg, and {beside} over it: the rehearsal says which sites gain"
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
            f"a difference in features of which, on average over all pairs of sites, a harmonizer removes"
            f" {number(inputs.removed)} and leaves {number(inputs.remains)}"
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
    """Another network first, then the input that has to move least on the way to its least or its farthest value."""
    for network, words in NETWORKS.items():
        if network not in ("frozen", draft.inputs.network):
            other = draft.with_inputs(replace(draft.inputs, network=network))
            if other.action != draft.action:
                yield f"{_leads_to(other)} for {words}"
    found: list[tuple[int, str]] = []
    for words, name, now, end in _other_values(draft.inputs):
        for step, value in enumerate(np.linspace(now, end, _STEPS)[1:].tolist()):
            other = draft.with_inputs(_moved(draft.inputs, name, value))
            if other.action != draft.action:
                found.append((step, f"{_leads_to(other)} if {words} {number(value)}"))
                break
    yield from (text for _, text in sorted(found))


def _other_values(inputs: PolicyInputs) -> Iterator[tuple[str, InputName, float, float]]:
    """Each number that can be moved, up and down: in words, which, from where, and how far."""
    for name, least, farthest, subject, lower, higher in _MOVED:
        now = getattr(inputs, name)
        if now < farthest:
            yield f"{subject} {higher}", name, now, farthest
        if now > least:
            yield f"{subject} {lower}", name, min(now, farthest), least


def _moved(inputs: PolicyInputs, name: InputName, value: float) -> PolicyInputs:
    changed: dict[str, Any] = {name: round(value) if name == "smallest" else value}
    return replace(inputs, **changed)


def _leads_to(draft: AdviceDraft) -> str:
    advised = draft.advised
    if advised is None:
        return "rehearse"
    if advised.action == "pool":
        return action_text(advised)
    return f"{action_text(advised)}, {gain_text(advised.gain)},"
