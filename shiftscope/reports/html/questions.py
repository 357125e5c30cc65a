"""The four questions in words for people who did not write the program, and the strongest answer to each."""

from dataclasses import dataclass

from shiftscope.diagnosis import AxisVerdict
from shiftscope.diagnosis.texts.phrases import counted
from shiftscope.reports.html.material import Material
from shiftscope.reports.wording import answered, likelihood, source

__all__ = ["QUESTIONS", "AnsweredQuestion", "Question", "answers"]


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        title: its name.
        asks: what it asks.
        helps: what helps where the answer is yes.
    """

    title: str
    asks: str
    helps: str


QUESTIONS: dict[str, Question] = {
    "appearance": Question(
        "Appearance",
        "Would the same patient look different at another site: scanner, protocol, storage?",
        "harmonizing the images",
    ),
    "structure": Question(
        "Structure",
        "Do the sites see other anatomy, framing, or lesions of another size, shape or place?",
        "a model that adapts to each site",
    ),
    "label": Question(
        "Labels",
        "Is a diagnosis more common at one site than at another?",
        "metrics that count every class alike",
    ),
    "annotation": Question(
        "Annotation",
        "Are contours drawn in another way: wider, tighter, rougher?",
        "a last layer of its own for each site",
    ),
}
"""Question -> its words, in the order of the diagnosis."""


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """The answer to one question over all pairs of sites.

    Attributes:
        question: its words.
        word: yes, likely, cannot tell, not seen, not asked.
        count: how many pairs of how many are called different, in words.
        numbers: the strongest pair, with effect, interval, n and confidence; "" where it was not asked.
        rests_on: the axis, and what was held equal.
    """

    question: Question
    word: str
    count: str
    numbers: str
    rests_on: str


def answers(material: Material) -> list[AnsweredQuestion]:
    """One answer to each question, for the strongest pair."""
    if material.advice is None:
        return []
    axes = material.advice.diagnosis.axes
    return [_answer(material, name, question, axes[name]) for name, question in QUESTIONS.items()]


def _answer(material: Material, name: str, question: Question, strongest: AxisVerdict) -> AnsweredQuestion:
    advice = material.advice
    pairs = () if advice is None else advice.diagnosis.pairs
    asked = [pair for pair in pairs if pair.axes[name].effect is not None]
    if strongest.effect is None or not asked:
        return AnsweredQuestion(question, answered(strongest), "the profiles cannot answer it", "", "")
    pair = next(pair for pair in asked if pair.axes[name] == strongest)
    shift = (material.shifts or {})[pair.a, pair.b]
    effect = shift.on(strongest.axis or "")
    n = (0, 0) if effect is None else effect.n[::-1]
    sure = likelihood(strongest)
    called = sum(pair.axes[name].called for pair in asked)
    numbers = (
        f"effect {strongest.effect:.2f}, 95 % {strongest.low or 0.0:.2f} to {strongest.high or 0.0:.2f}, {counted(n)}"
        f" ({pair.a} against {pair.b}){f', confidence {sure}' if sure else ''}"
    )
    count = f"{called or 'none'} of {len(asked)} {'pair' if len(asked) == 1 else 'pairs'} of sites called different"
    return AnsweredQuestion(question, answered(strongest), count, numbers, source(strongest))
