"""Verdicts and advice in the words that every sheet and the report share."""

from shiftscope.diagnosis import AxisVerdict, Diagnosis
from shiftscope.plans import name_of_strategy
from shiftscope.recommendation import Alternative, Recommendation

__all__ = ["advised", "answered", "called", "likelihood", "method", "source", "trial_of"]

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
    "collect_more": "collect more patients before anything is concluded",
}

_BESIDE = {"label": "labels differ", "annotation": "masks are drawn differently"}

_LIKELIHOODS = ((0.95, "likely"), (0.3, "cannot tell"), (0.0, "not seen"))
"""From which probability on a shift that was not called is told so."""


def called(diagnosis: Diagnosis) -> str:
    """The kind in words, and what the kind leaves out."""
    beside = [words for question, words in _BESIDE.items() if diagnosis.axes[question].called]
    joint = ", but " if diagnosis.kind == "none" else "; "
    return f"{_KINDS[diagnosis.kind]}{joint if beside else ''}{' and '.join(beside)}"


def answered(answer: AxisVerdict) -> str:
    """Whether there is a shift: yes, likely, cannot tell, not seen, not asked."""
    if answer.effect is None or answer.probability is None:
        return "not asked"
    if answer.called:
        return "yes"
    if answer.disputed:  # the effect is there; whose it is cannot be said
        return "cannot tell"
    return next(word for least, word in _LIKELIHOODS if answer.probability >= least)


def likelihood(answer: AxisVerdict) -> str:
    """The probability of a shift; nothing where it could not be asked, or where other shifts can explain the effect."""
    if answer.effect is None or answer.probability is None or answer.disputed:
        return ""
    return f"{min(answer.probability, 0.999):.3f}"


def source(answer: AxisVerdict) -> str:
    """The axis an answer rests on, and what was held equal."""
    return f"{answer.axis}, at equal {answer.held}" if answer.held else answer.axis or ""


def method(item: Recommendation | Alternative) -> str:
    """What to do, and with which methods."""
    names = [name for name in (item.harmonizer, item.personalizer) if name]
    return item.action.replace("_", " ") + (f" ({', '.join(names)})" if names else "")


def advised(item: Recommendation | Alternative) -> str:
    """What to do in words that need no glossary, with its methods."""
    names = name_of_strategy(item.harmonizer, item.personalizer)
    return _ACTIONS[item.action] + (f" ({names})" if names else "")


def trial_of(recommendation: Recommendation) -> str:
    """The command that compares the advice and its runners-up; FedAvg is in every trial and needs no name."""
    options: tuple[Recommendation | Alternative, ...] = (recommendation, *recommendation.alternatives)
    names = [name_of_strategy(item.harmonizer, item.personalizer) for item in options]
    wanted = ",".join(dict.fromkeys(filter(None, names)))
    return "shiftscope trial plan.toml" + (f" --strategies {wanted}" if wanted else "")
