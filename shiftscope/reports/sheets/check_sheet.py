"""A check as a sheet: the outcome first, then the five questions, then what failed or could not be judged."""

from collections.abc import Iterator

from shiftscope.checks import CheckResult
from shiftscope.checks.policy import ANY
from shiftscope.diagnosis.texts.phrases import number
from shiftscope.reports.details.check_details import check_details, finding_name, limits, numbers
from shiftscope.reports.first_screen import first_that_fits, labelled, more, with_names
from shiftscope.reports.questions import QUESTIONS
from shiftscope.reports.sheet import Grid, Lines, Sheet

__all__ = ["check_sheet", "headline"]

_ROOM = (((3, 3, 3, 2), (2, 2)), ((3, 3), (2, 2)), ((3, 3), (2,)), ((3, 2), (1,)), ((2,), (1,)), ((1,), ()))
"""Lines for each finding and each note, from the most generous to the least."""

_MOST_NAMED = 4


def headline(result: CheckResult) -> str:
    """The outcome in one line: what failed, or what could not be judged."""
    status = {"failed": ("failed",), "inconclusive": ("inconclusive", "undecided"), "passed": ("warned",)}
    found = [finding_name(finding) for finding in result.reported() if finding.status in status[result.outcome]]
    joint = {"failed": ": ", "inconclusive": ": ", "passed": ", with warnings: "}[result.outcome]
    names = list(dict.fromkeys(found))
    return result.outcome + (joint + ", ".join(names) if names else "")


def check_sheet(result: CheckResult, *, verbose: bool = False) -> Sheet:
    """What came of it and why.

    Args:
        result: of a check.
        verbose: every axis, measure and rule; if not, one screen of 24 lines.
    """
    return [*_everything(result)] if verbose else first_that_fits(_screens(result))


def _everything(result: CheckResult) -> Iterator[Lines | Grid]:
    yield Lines(headline(result), [_compared(result, names=True)])
    found = [f"{finding.status}: {finding.says}" for finding in result.reported()]
    if found:
        yield Lines("findings", found)
    yield _questions(result, verbose=True)
    yield from check_details(result)


def _screens(result: CheckResult) -> Iterator[Sheet]:
    for findings, notes in _ROOM:
        yield [
            Lines(headline(result), [_compared(result, names=False)]),
            _questions(result, verbose=False),
            _notes(result, findings, notes),
        ]


def _compared(result: CheckResult, *, names: bool) -> str:
    """Who is compared with whom, and what may fail."""
    new, known = result.patients
    whom = ", ".join(f"'{site}'" for site in result.against)
    if not names and len(result.against) > _MOST_NAMED:
        whom = f"{len(result.against)} sites"
    fails = "" if ANY in result.policy.fail_on else f"; can fail on: {', '.join(result.policy.fail_on)}"
    fails = "; everything only warns" if result.policy.warn_only else fails
    text = f"'{result.site}' (n = {new}) against {whom} (n = {known}){fails}"
    return text if names else with_names(text, (result.site, *result.against))


def _questions(result: CheckResult, *, verbose: bool) -> Grid:
    """The five answers, with the least effect that would be found; `verbose` adds the patients and both limits."""
    rows = []
    for finding in result.of("question"):
        effect, interval, n = numbers(finding)
        least = "" if finding.detectable is None else number(finding.detectable)
        cells = (QUESTIONS[finding.name].name, finding.status, effect, interval, least)
        limit = finding.error if finding.error is not None else finding.warn
        rows.append((*cells, n, limits(finding)) if verbose else (*cells, "-" if limit is None else f"{limit:g}"))
    columns = ("question", "status", "effect#", "95 %", "detectable#")
    if verbose:
        title = "questions (detectable: the least effect that would be found, 80 % power)"
        return Grid(title, (*columns, "n", "warn, error"), rows)
    return Grid("", (*columns, "limit#"), rows)


def _notes(result: CheckResult, findings: tuple[int, ...], notes: tuple[int, ...]) -> Grid:
    """What did not pass and why, what lowers the trust, and what else there is."""
    found = [(finding.status, finding.says) for finding in result.reported()]
    reasons = [("because", item) for item in result.because] + [("caveat", item) for item in result.caveats]
    left = max(len(found) - len(findings), 0) + max(len(reasons) - len(notes), 0)
    fine = "; ".join(finding.says for finding in result.of("rule") if finding.status == "passed")
    shown = [*zip(found, findings, strict=False), *zip(reasons, notes, strict=False)]
    rows, before = [], ""
    for (label, text), lines in shown:
        rows.append((label * (label != before), text, lines))
        before = label
    return labelled(
        [
            *rows,
            ("delivery", fine, 1),
            ("", f"--verbose shows every axis, measure and rule{more(left, 'sentence')}", 1),
        ],
        (result.site, *result.against),
    )
