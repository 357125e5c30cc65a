"""The axes behind the questions, each against its own limit or its question's."""

from collections.abc import Iterator, Mapping, Sequence

from shiftscope.checks.answers import Answers, effect_text
from shiftscope.checks.findings import Finding, Status
from shiftscope.checks.policy import JUDGED, Policy
from shiftscope.checks.references import Reference
from shiftscope.diagnosis import LIMITS
from shiftscope.diagnosis.texts.phrases import names
from shiftscope.shifts import Effect, EffectBatch

__all__ = ["axes_of"]


def axes_of(made: Reference, questions: Sequence[Finding], answers: Answers, policy: Policy) -> Iterator[Finding]:
    """A finding for each axis that was compared, or is required and could not be.

    An axis with a limit of its own is held to it: "the effect exceeds the limit" at a Bonferroni level over all limits
    of axes and measures. One without goes with its question where that does not pass. Where it does, the axis may
    still have moved by more than the question's limit, at a Bonferroni level over all axes: something changed, but
    nothing says that it is a shift of this kind. Then it warns.
    """
    effects = [effect for axis in JUDGED if (effect := made.shift.on(axis)) is not None]
    if effects:
        batch = EffectBatch.of(effects)
        over = {level: _over(batch, policy, level) for level in ("warn", "error")}
        asked = {question.name: question for question in questions}
        for effect, interval, detectable in zip(
            effects, batch.intervals.tolist(), batch.detectable.tolist(), strict=True
        ):
            if effect.axis in policy.axes:
                own, status = True, _by_own_limit(effect.axis, over)
            else:
                question = asked[JUDGED[effect.axis]]
                status = _with_question(effect, interval[0], question, answers)
                own = status == "passed" and (over["error"][effect.axis] or over["warn"][effect.axis])
                status = "warned" if own else status
            yield _finding(effect, (interval[0], interval[1]), status, own, detectable, policy)
    for axis in made.missing(policy):
        yield _absent(axis, made)


def _over(batch: EffectBatch, policy: Policy, level: str) -> Mapping[str, bool]:
    """Axis -> whether its effect surely exceeds its limit at a level; never, where there is none."""
    limits = []
    for effect in batch.effects:
        limit = policy.axes.get(effect.axis) or policy.questions[JUDGED[effect.axis]]
        limits.append(limit.warn if level == "warn" else limit.error)
    sure = batch.exceeds([limit or 0.0 for limit in limits]).tolist()
    claims = len(policy.axes) + len(policy.measures)
    return {
        effect.axis: limit is not None
        and confidence > 1 - LIMITS.alpha / (claims if effect.axis in policy.axes else len(batch.effects))
        for effect, confidence, limit in zip(batch.effects, sure, limits, strict=True)
    }


def _by_own_limit(axis: str, over: Mapping[str, Mapping[str, bool]]) -> Status:
    if over["error"][axis]:
        return "failed"
    return "warned" if over["warn"][axis] else "passed"


def _with_question(effect: Effect, low: float, question: Finding, answers: Answers) -> Status:
    """What goes with a question that did not pass: the axis that made its case, and those that clear its limit."""
    if question.status not in ("failed", "warned", "undecided"):
        return "passed"
    at_warn = question.status == "warned" or question.error is None
    limit, verdict = (question.warn, answers.warn) if at_warn else (question.error, answers.error)
    strongest = verdict.axes[question.name].axis == effect.axis
    return question.status if strongest or low > (limit or 0.0) else "passed"


def _finding(
    effect: Effect, interval: tuple[float, float], status: Status, own: bool, detectable: float, policy: Policy
) -> Finding:
    category = JUDGED[effect.axis]
    limit = policy.axes.get(effect.axis) or policy.questions[category]
    low, high = interval
    return Finding(
        kind="axis",
        name=effect.axis,
        category=category,
        status=status,
        own=own,
        effect=effect.value,
        low=low,
        high=high,
        n=effect.n,
        warn=limit.warn,
        error=limit.error,
        detectable=detectable,
        says=effect_text(effect, low, high),
    )


def _absent(axis: str, made: Reference) -> Finding:
    lacking = names(made.lacking(axis, [made.new, *made.compared]))
    return Finding(
        kind="axis",
        name=axis,
        category=JUDGED[axis],
        status="inconclusive",
        n=made.patients,
        says=(
            f"{axis} is required and could not be compared: not measured, or of fewer than {LIMITS.enough} patients,"
            f" at {lacking or 'both'} ({made.new.patients} new patients); bring it, or leave it out of require"
        ),
    )
