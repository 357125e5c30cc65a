"""The strongest answer to each of the five questions, as a card of the report."""

from dataclasses import dataclass

from shiftscope.diagnosis import AxisVerdict
from shiftscope.diagnosis.texts.phrases import counted
from shiftscope.reports.html.material import Material
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
    axes = material.advice.diagnosis.axes
    return [_card(material, name, question, axes[name]) for name, question in QUESTIONS.items()]


def _card(material: Material, name: str, question: Question, strongest: AxisVerdict) -> AnswerCard:
    advice = material.advice
    pairs = () if advice is None else advice.diagnosis.pairs
    asked = [pair for pair in pairs if pair.axes[name].effect is not None]
    if strongest.effect is None or not asked:
        return AnswerCard(question, answered(strongest), "the profiles cannot answer it", "", "")
    pair = next(pair for pair in asked if pair.axes[name] == strongest)
    shift = (material.shifts or {})[pair.a, pair.b]
    effect = shift.on(strongest.axis or "", strongest.classes)
    n = (0, 0) if effect is None else effect.n[::-1]
    sure = likelihood(strongest)
    called = sum(pair.axes[name].called for pair in asked)
    numbers = (
        f"effect {effect_text(strongest)}, 95 % {interval_text(strongest)}, {counted(n)}"
        f" ({pair.a} against {pair.b}){f', confidence {sure}' if sure else ''}"
    )
    count = f"{called or 'none'} of {len(asked)} {'pair' if len(asked) == 1 else 'pairs'} of sites called different"
    return AnswerCard(question, answered(strongest), count, numbers, source(strongest))
