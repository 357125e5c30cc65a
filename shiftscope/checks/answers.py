"""The five questions, held to a policy's limits."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from shiftscope.checks.findings import Finding, Status
from shiftscope.checks.policy import JUDGED, Policy, category_of
from shiftscope.checks.references import Reference
from shiftscope.diagnosis import LIMITS, AxisVerdict, Limits, Verdict
from shiftscope.diagnosis.texts.phrases import counted, number
from shiftscope.diagnosis.verdicts import QUESTIONS, judge
from shiftscope.measures.plain_names import plain_name
from shiftscope.measures.question_names import CONCEPT, SUBJECTS
from shiftscope.shifts import Effect, Shift

__all__ = ["Answers", "answer", "effect_text", "questions_of"]

_OPEN = 0.3
"""Probability from which a question that did not fail is said to be open, as in docs/diagnosis.md."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The verdicts at both levels of the policy.

    Attributes:
        error: judged by what fails.
        warn: judged by what warns.
    """

    error: Verdict
    warn: Verdict

    def at(self, question: str, policy: Policy) -> AxisVerdict:
        """The answer at the highest level that the policy has."""
        return (self.error if policy.questions[question].error is not None else self.warn).axes[question]


def answer(shift: Shift, policy: Policy) -> Answers:
    """Judge one comparison by the policy's limits as margins.

    A level that a question does not have is judged by its other one, and not used. "Above error" implies "above warn",
    so the two levels share one family-wise error.
    """
    return Answers(*(judge([shift], _limits(policy, level))[0] for level in ("error", "warn")))


def _limits(policy: Policy, level: str) -> Limits:
    margin = {}
    for question in QUESTIONS:
        limit = policy.questions[question]
        first, second = (limit.error, limit.warn) if level == "error" else (limit.warn, limit.error)
        margin[question] = first if first is not None else second or 0.0
    return replace(LIMITS, margin=margin)


def questions_of(made: Reference, answers: Answers, policy: Policy) -> Iterator[Finding]:
    """A finding for each question."""
    required = {JUDGED[axis] for axis in made.missing(policy)}
    for question in QUESTIONS:
        yield _question(question, made, answers, policy, required)


def _question(question: str, made: Reference, answers: Answers, policy: Policy, required: Collection[str]) -> Finding:
    limit = policy.questions[question]
    category = category_of(question)
    at_error, at_warn = answers.error.axes[question], answers.warn.axes[question]
    found = answers.at(question, policy)
    effect = None if found.axis is None else made.shift.on(found.axis, found.classes)
    if effect is None:
        return Finding(
            kind="question",
            name=question,
            category=category,
            status="inconclusive" if not made.pairs or category in required else "skipped",
            warn=limit.warn,
            error=limit.error,
            needed=None if made.pairs else max(needed for _, needed in made.short.values()),
            says=_not_asked(question, made),
        )
    status: Status = "passed"
    if limit.error is not None and at_error.called:
        status = "failed"
    elif limit.warn is not None and at_warn.called:
        status = "warned"
    elif found.disputed:
        status = "undecided"
    elif found.hidden:
        status = "skipped"
    strictest = limit.warn if limit.warn is not None else limit.error or 0.0
    broken = limit.error if status == "failed" else strictest
    needed = effect.patients_needed(effect.value, strictest) if (found.probability or 0.0) >= _OPEN else None
    if status != "passed" or (needed or 0) <= min(effect.n):  # then more patients would not decide it
        needed = None
    return Finding(
        kind="question",
        name=question,
        category=category,
        status=status,
        effect=found.effect,
        low=found.low,
        high=found.high,
        n=effect.n,
        warn=limit.warn,
        error=limit.error,
        detectable=found.detectable,
        needed=needed,
        says=_says(question, status, broken or 0.0, needed, found, effect),
    )


def _not_asked(question: str, made: Reference) -> str:
    noun = SUBJECTS[question]
    if not made.pairs:
        few = "; ".join(
            f"'{site}' has n = {n}, {needed} are needed" for site, (n, needed) in sorted(made.short.items())
        )
        return f"{noun}: too few patients to decide: {few}"
    lacking = "do not know the same two classes" if question == CONCEPT else "have no axis in common that shows it"
    return f"{noun}: not asked, because '{made.new.site}' and {made.whom} {lacking}"


def _says(question: str, status: Status, limit: float, needed: int | None, found: AxisVerdict, effect: Effect) -> str:
    low, high = found.low or 0.0, found.high or 0.0
    numbers, noun = effect_text(effect, low, high), SUBJECTS[question]
    if found.classes:
        numbers = f"{' against '.join(found.classes)}, {numbers}"
    confidence = f"confidence {found.probability or 0.0:.2g}"
    if status in ("failed", "warned"):
        return f"{noun} differs: {numbers}, limit {limit:g}"
    if status == "undecided":
        return f"{noun}: {numbers}; the other shifts between the two can explain it, so nothing is decided"
    if status == "skipped":
        return f"{noun}: {numbers}; labels that meant nothing would not have been seen either, so nothing is said"
    if needed is not None:
        return f"{noun}: {numbers}; cannot be decided, {confidence}; about {needed} patients a site would decide it"
    if low > limit and not found.classes:
        return f"{noun}: {numbers}; it is there, but not known to be a shift in {noun}, {confidence}"
    detectable = (
        f"; {number(found.detectable)} or more would have been detected (80 % power)" if found.detectable else ""
    )
    return f"no shift in {noun} that counts: {numbers}{detectable}"


def effect_text(effect: Effect, low: float, high: float) -> str:
    """The axis and its numbers, as they stand in a sentence."""
    held = f" at equal {effect.held}" if effect.held else ""
    numbers = f"effect {number(effect.value)}, 95 % [{number(low)}, {number(high)}], {counted(effect.n[::-1])}"
    return f"{plain_name(effect.axis)}{held}, {numbers}"
