"""The strongest answer to each of the five questions, as a card of the report."""

from dataclasses import dataclass

from shiftscope.diagnosis import Diagnosis
from shiftscope.diagnosis.texts.phrases import counted
from shiftscope.reports.html.material import Material, strongest_pair
from shiftscope.reports.questions import QUESTIONS, Question
from shiftscope.reports.wording import answered, effect_text, interval_text, likelihood, source

__all__ = ["AnswerCard", "answer_cards"]


@dataclass(frozen=True, slots=True)
class AnswerCard:
    """The answer to one question over all pairs of sites.

    Attributes:
        question: its name and what it asks.
        answer: yes, likely, cannot tell, not seen, not asked.
        count: how many pairs of how many are called different, in words.
        numbers: the strongest pair, with effect, interval, n and confidence; "" where it was not asked.
        rests_on: the axis, and what was held equal.
    """

    question: Question
    answer: str
    count: str
    numbers: str
    rests_on: str


def answer_cards(material: Material) -> list[AnswerCard]:
    """One answer to each question, for the strongest pair."""
    if material.advice is None:
        return []
    diagnosis = material.advice.diagnosis
    return [_card(material, name, question, diagnosis) for name, question in QUESTIONS.items()]


def _card(material: Material, name: str, question: Question, diagnosis: Diagnosis) -> AnswerCard:
    strongest = diagnosis.axes[name]
    asked = _asked(material, name, diagnosis)
    if strongest.effect is None or not asked:
        return AnswerCard(question, answered(strongest), "the profiles cannot answer it", "", "")
    sure = likelihood(strongest)
    called = sum(pair.axes[name].called for pair in diagnosis.pairs)
    numbers = (
        f"effect {effect_text(strongest)}, 95 % {interval_text(strongest)}{_whose(material, name, diagnosis)}"
        f"{f', confidence {sure}' if sure else ''}"
    )
    count = f"{called or 'none'} of {asked} {'pair' if asked == 1 else 'pairs'} of sites called different"
    return AnswerCard(question, answered(strongest), count, numbers, source(strongest))


def _asked(material: Material, name: str, diagnosis: Diagnosis) -> int:
    """Pairs that the question was asked of. Of many sites not all pairs need be listed."""
    listed = sum(pair.axes[name].effect is not None for pair in diagnosis.pairs)
    return listed if material.overview is None else max(listed, material.overview.effects.asked(name))


def _whose(material: Material, name: str, diagnosis: Diagnosis) -> str:
    """The patients and the pair behind the strongest answer; "" where the pair is not listed."""
    pair, strongest = strongest_pair(diagnosis, name), diagnosis.axes[name]
    if pair is None:
        return ""
    effect = (material.shifts or {})[pair.a, pair.b].on(strongest.axis or "", strongest.classes)
    n = (0, 0) if effect is None else effect.n[::-1]
    return f", {counted(n)} ({pair.a} against {pair.b})"
