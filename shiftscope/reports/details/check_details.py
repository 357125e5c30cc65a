"""What a check rests on: causes, every axis, measures with a limit of their own, and the rules of the delivery."""

from collections.abc import Iterator

from shiftscope.checks import CheckResult, Finding
from shiftscope.diagnosis.texts.phrases import number
from shiftscope.measures.plain_names import plain_name
from shiftscope.reports.questions import question_name
from shiftscope.reports.sheet import Grid, Lines

__all__ = ["check_details", "finding_name", "limits", "numbers"]


def check_details(result: CheckResult) -> Iterator[Lines | Grid]:
    """All that stands behind the first screen."""
    if result.because:
        yield Lines("because", result.because)
    axes = [(finding_name(finding), finding.name, finding.status, *numbers(finding)) for finding in result.of("axis")]
    if axes:
        yield Grid("axes", ("axis", "key", "status", "effect#", "95 %", "n"), axes)
    limited = [(finding.status, finding.says, limits(finding)) for finding in result.of("measure") if finding.own]
    if limited:
        yield Grid("measures with a limit", ("status", "finding", "warn, error"), limited)
    rules = [(finding_name(finding), finding.status, finding.says) for finding in result.of("rule")]
    yield Grid("the delivery itself", ("rule", "status", "finding"), rules)
    if result.caveats:
        yield Lines("caveats", result.caveats)


def finding_name(finding: Finding) -> str:
    """What a person calls what was judged: a question, an axis, a measure, or a rule."""
    if finding.kind == "question":
        return question_name(finding.name)
    return finding.name.replace("_", " ") if finding.kind == "rule" else plain_name(finding.name)


def numbers(finding: Finding) -> tuple[str, str, str]:
    """Effect, interval and patients; empty where nothing could be measured."""
    if finding.effect is None or finding.low is None or finding.high is None:
        return "", "", ""
    interval = f"{number(finding.low)} to {number(finding.high)}"
    return number(finding.effect), interval, f"{finding.n[0]}, {finding.n[1]}"


def limits(finding: Finding) -> str:
    """The limits on warnings and errors, "-" for none."""
    return ", ".join("-" if limit is None else f"{limit:g}" for limit in (finding.warn, finding.error))
