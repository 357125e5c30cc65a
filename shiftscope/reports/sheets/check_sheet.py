"""A check as a sheet: the outcome first, then what failed, then the numbers."""

from shiftscope.checks import CheckResult, Finding
from shiftscope.checks.policy import ANY
from shiftscope.diagnosis.texts.phrases import number
from shiftscope.reports.sheet import Grid, Lines, Sheet

__all__ = ["check_sheet", "headline"]


def headline(result: CheckResult) -> str:
    """The outcome in one line: what failed, or what could not be judged."""
    status = {"failed": ("failed",), "inconclusive": ("inconclusive", "undecided"), "passed": ("warned",)}
    named = [finding.name for finding in result.reported() if finding.status in status[result.outcome]]
    joint = {"failed": ": ", "inconclusive": ": ", "passed": ", with warnings: "}[result.outcome]
    return result.outcome + (joint + ", ".join(dict.fromkeys(named)) if named else "")


def check_sheet(result: CheckResult) -> Sheet:
    """What came of it and why."""
    blocks: list[Lines | Grid] = [Lines(headline(result), [_sides(result)])]
    told = [f"{finding.status}: {finding.says}" for finding in result.reported()]
    if told:
        blocks.append(Lines("findings", told))
    if result.because:
        blocks.append(Lines("because", result.because))
    questions = [(*_named(finding), _seen_from(finding), _limits(finding)) for finding in result.of("question")]
    columns = ("question", "status", "effect#", "95 %", "n", "seen from#", "warn, error")
    blocks.append(Grid("questions (seen from: the least that would be seen, 80 % power)", columns, questions))
    axes = [_named(finding) for finding in result.of("axis")]
    if axes:
        blocks.append(Grid("axes", ("axis", "status", "effect#", "95 %", "n"), axes))
    limited = [(finding.status, finding.says, _limits(finding)) for finding in result.of("measure") if finding.own]
    if limited:
        blocks.append(Grid("measures with a limit", ("status", "finding", "warn, error"), limited))
    rules = [(finding.name, finding.status, finding.says) for finding in result.of("rule")]
    blocks.append(Grid("the delivery itself", ("rule", "status", "finding"), rules))
    if result.caveats:
        blocks.append(Lines("caveats", result.caveats))
    return blocks


def _sides(result: CheckResult) -> str:
    new, known = result.patients
    against = ", ".join(f"'{site}'" for site in result.against)
    fails = "" if ANY in result.policy.fail_on else f"; can fail on: {', '.join(result.policy.fail_on)}"
    fails = "; everything only warns" if result.policy.warn_only else fails
    return f"'{result.site}' (n = {new}) against {against} (n = {known}){fails}"


def _named(finding: Finding) -> tuple[str, ...]:
    if finding.effect is None or finding.low is None or finding.high is None:
        return finding.name, finding.status, "", "", ""
    return (
        finding.name,
        finding.status,
        number(finding.effect),
        f"{number(finding.low)} to {number(finding.high)}",
        f"{finding.n[0]}, {finding.n[1]}",
    )


def _seen_from(finding: Finding) -> str:
    return "" if finding.detectable is None else number(finding.detectable)


def _limits(finding: Finding) -> str:
    return ", ".join("-" if limit is None else f"{limit:g}" for limit in (finding.warn, finding.error))
