"""Measures a person can read, in their own units: the new mean against the baselines'."""

from collections.abc import Iterator, Mapping, Sequence

from shiftscope.checks.findings import Finding, Status
from shiftscope.checks.policy import Category, Limit, Policy, category_of
from shiftscope.checks.references import Reference
from shiftscope.diagnosis import LIMITS
from shiftscope.diagnosis.causes.measure_differences import measure_differences
from shiftscope.diagnosis.texts.phrases import counted, number
from shiftscope.measures.measure_groups import CAUSES
from shiftscope.profiles import Summary
from shiftscope.stats import welch

__all__ = ["measures_of"]

_QUESTIONS = {name: question for question, causes in CAUSES.items() for names in causes.values() for name in names}


def measures_of(made: Reference, questions: Sequence[Finding], policy: Policy) -> Iterator[Finding]:
    """Every measure that both sites publish, and those that a policy limits and a site lacks.

    A measure with a limit is judged by it: the whole interval of the difference, at a Bonferroni level over all limits
    of axes and measures, lies beyond it. One without goes with its question, where it differs (docs/diagnosis.md,
    "Attribution").
    """
    if not made.pairs:
        return
    reference = made.compared[0].model_copy(update={"measures": made.measures()})
    moved = {
        difference.measure: question.status
        for question in questions
        if question.status in ("failed", "warned") and question.name in CAUSES
        for cause in measure_differences(question.name, reference, made.new).values()
        for difference in cause
    }
    for name, question in _QUESTIONS.items():
        category = category_of(question)
        limit = policy.measures.get(name)
        here, there = made.new.measures.get(name), reference.measures.get(name)
        if here is not None and there is not None:
            yield _compared(name, category, (here, there), limit, moved, policy)
        elif limit is not None:
            yield _absent(name, category, made, limit)


def _compared(
    name: str,
    category: Category,
    summaries: tuple[Summary, Summary],
    limit: Limit | None,
    moved: Mapping[str, Status],
    policy: Policy,
) -> Finding:
    here, there = summaries
    numbers = ((here.n, there.n), (here.mean, there.mean), (here.sd, there.sd))
    gap, low, high = welch(*numbers)
    status: Status = moved.get(name, "passed")
    if limit is not None:
        tail = LIMITS.alpha / (len(policy.axes) + len(policy.measures))
        _, least, most = welch(*numbers, level=1 - 2 * tail)
        beyond = max(least, -most)  # how far the nearer end of the interval lies from 0
        status = "passed"
        if limit.error is not None and beyond > limit.error:
            status = "failed"
        elif limit.warn is not None and beyond > limit.warn:
            status = "warned"
    unit = "" if here.unit == "1" else f" {here.unit}"
    return Finding(
        kind="measure",
        name=name,
        category=category,
        status=status,
        own=limit is not None,
        effect=gap,
        low=low,
        high=high,
        unit=here.unit,
        n=(here.n, there.n),
        warn=limit.warn if limit else None,
        error=limit.error if limit else None,
        says=(
            f"{name}: {number(here.mean)} against {number(there.mean)}{unit}, difference {number(gap)}, 95 %"
            f" [{number(low)}, {number(high)}], {counted((there.n, here.n))}"
        ),
    )


def _absent(name: str, category: Category, made: Reference, limit: Limit) -> Finding:
    lacking = f"'{made.new.site}'" if name not in made.new.measures else made.whom
    return Finding(
        kind="measure",
        name=name,
        category=category,
        status="inconclusive",
        unit="",
        n=made.patients,
        warn=limit.warn,
        error=limit.error,
        says=(
            f"{name} has a limit and is not measured at {lacking}, n = {made.new.patients}; bring it, or take the limit"
            " off"
        ),
    )
