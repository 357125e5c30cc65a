"""Verdicts and advice in the words that every sheet and the report share."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from shiftscope.diagnosis import AxisVerdict, Diagnosis
from shiftscope.diagnosis.texts.concept_text import REHEARSE
from shiftscope.diagnosis.texts.phrases import number
from shiftscope.measures.plain_names import plain_name
from shiftscope.measures.question_names import CONCEPT
from shiftscope.plans import name_of_strategy
from shiftscope.recommendation import Alternative, Recommendation
from shiftscope.recommendation.advice_documents import PredictedGain

__all__ = [
    "advised",
    "answered",
    "called",
    "effect_text",
    "interval_text",
    "likelihood",
    "method",
    "methods",
    "next_command",
    "source",
    "trial_of",
]

_KINDS = {
    "none": "no shift in appearance or structure that counts",
    "appearance": "the sites differ in appearance",
    "structural": "the sites differ in structure",
    "mixed": "the sites differ in appearance and in structure",
    "insufficient": "too few patients to tell",
}

_ACTIONS = {
    "pool": "train one model together on the images as they are",
    "harmonize": "harmonize the images, then train one model together",
    "personalize": "let every site keep a part of the model of its own",
    "both": "harmonize the images, and let every site keep a part of the model of its own",
    "rehearse": "rehearse first: what gains most cannot be told from profiles",
    "collect_more": "collect more patients before anything is concluded",
}

_ALSO = {
    "label": "class prevalence differs",
    "annotation": "masks are drawn differently",
    CONCEPT: "the same labels mean something else",
}

_LIKELIHOODS = ((0.95, "likely"), (0.3, "cannot tell"), (0.0, "not seen"))
"""From which probability on a shift that was not called is said to be so."""

_SUREST = 0.99
"""No answer is said to be surer."""


def called(diagnosis: Diagnosis) -> str:
    """The kind in words, and what the kind leaves out."""
    also = [text for question, text in _ALSO.items() if diagnosis.axes[question].called]
    joint = ", but " if diagnosis.kind == "none" else "; "
    return f"{_KINDS[diagnosis.kind]}{joint if also else ''}{' and '.join(also)}"


def answered(answer: AxisVerdict) -> str:
    """Whether there is a shift: yes, likely, cannot tell, not seen, not asked."""
    if answer.effect is None:
        return "not asked"
    if answer.called:
        return "yes"
    if answer.disputed or answer.hidden:  # the effect is there and whose it is cannot be said, or it would not be seen
        return "cannot tell"
    if answer.probability is None:
        return "not seen"
    return next(text for least, text in _LIKELIHOODS if answer.probability >= least)


def likelihood(answer: AxisVerdict) -> str:
    """The probability of a shift; nothing where it could not be asked, or where other shifts can explain the effect."""
    if answer.effect is None or answer.probability is None or answer.disputed:
        return ""
    return number(min(answer.probability, _SUREST))


def effect_text(answer: AxisVerdict) -> str:
    """The effect; nothing where it could not be asked."""
    return "" if answer.effect is None else number(answer.effect)


def interval_text(answer: AxisVerdict) -> str:
    """Its 95 % interval."""
    return "" if answer.effect is None else f"{number(answer.low or 0.0)} to {number(answer.high or 0.0)}"


def source(answer: AxisVerdict) -> str:
    """What an answer rests on, and what was held equal."""
    name = plain_name(answer.axis or "")
    if answer.classes:
        return f"{' against '.join(answer.classes)}, {name}"
    return f"{name}, at equal {answer.held}" if answer.held else name


def method(item: Recommendation | Alternative | PredictedGain) -> str:
    """What to do, and with which methods."""
    names = [name for name in (item.harmonizer, item.personalizer) if name]
    return item.action.replace("_", " ") + (f" ({', '.join(names)})" if names else "")


def advised(item: Recommendation | Alternative) -> str:
    """What to do in words that need no glossary, with its methods."""
    names = name_of_strategy(item.harmonizer, item.personalizer)
    return _ACTIONS[item.action] + (f" ({names})" if names else "")


def methods(item: Recommendation | Alternative) -> str:
    """What to do in words that need no glossary."""
    return _ACTIONS[item.action]


def trial_of(recommendation: Recommendation, plan: str = "plan.toml") -> str:
    """The command that compares the advice and its runners-up; FedAvg is in every trial and needs no name."""
    options: tuple[Recommendation | Alternative, ...] = (recommendation, *recommendation.alternatives)
    names = [name_of_strategy(item.harmonizer, item.personalizer) for item in options]
    wanted = ",".join(dict.fromkeys(filter(None, names)))
    return f"shiftscope trial {shlex.quote(plan)}" + (f" --strategies {wanted}" if wanted else "")


def next_command(recommendation: Recommendation, plan: str | None) -> Sequence[str]:
    """What to type next, a command an item; nothing before more patients are collected.

    Args:
        recommendation: a trial comes first where it leaves something open, a rehearsal where that would decide it all;
            where it is to rehearse, what was rehearsed makes new advice.
        plan: the file of the plan, None where none was written.
    """
    if recommendation.action == "collect_more":
        return ()
    file = "plan.toml" if plan is None else plan
    advise = "shiftscope recommend ..."
    if recommendation.network != "pretrained":  # what is advised where nothing is said
        advise += f" --network {recommendation.network}"
    first = [f"{advise} -o plan.toml"] if plan is None else []
    if recommendation.action == "rehearse":
        rehearse = f"shiftscope rehearse {shlex.quote(file)} --data SITE=DIR ..."
        found = shlex.quote(f"runs/{Path(file).stem}-rehearsal/rehearsal.json")  # it names the network, too
        return [*first, rehearse, f"shiftscope recommend ... --rehearsal {found} -o {shlex.quote(file)}"]
    run = f"shiftscope train {shlex.quote(file)}"
    if recommendation.undecided:
        rehearsed = all(REHEARSE in text for text in recommendation.undecided)
        run = f"shiftscope rehearse {shlex.quote(file)}" if rehearsed else trial_of(recommendation, file)
    return [*first, f"{run} --data SITE=DIR ..."]
