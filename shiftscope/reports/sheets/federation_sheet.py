"""The commands of a federation as sheets: a step that was done, who is in, and what the doctor found."""

from collections.abc import Sequence

from shiftscope.federations.doctor.health_findings import Examination
from shiftscope.federations.enrolment_answers import EnrolmentStep, FederationSites, ListedSite
from shiftscope.reports.sheet import Grid, Lines, Sheet

__all__ = ["examination_sheet", "sites_sheet", "step_sheet"]


def step_sheet(step: EnrolmentStep) -> Sheet:
    """What was done, what to compare, and what to do now."""
    facts = [f"{what}: {value}" for what, value in step.facts.items()]
    sheet = [Lines(step.done, facts)]
    if step.then:
        sheet.append(Lines("next", [f"{number}. {text}" for number, text in enumerate(step.then, 1)]))
    return sheet


def sites_sheet(sites: FederationSites) -> Sheet:
    """Who is in, then who was."""
    count = len(sites.admitted())
    running = "its SuperLink is running" if sites.running else "its SuperLink is not running"
    head = Lines(
        f"{sites.federation}: {count} {'site' if count == 1 else 'sites'} admitted; {running}",
        [f"address: {sites.address}", f"fingerprint: {sites.fingerprint}"],
    )
    columns = ("site", "status", "since", "fingerprint of its key", "certificate")
    rows = [_row(site) for site in sorted(sites.sites, key=lambda site: site.status)]
    sheet: list[Lines | Grid] = [head]
    if rows:
        sheet.append(Grid("", columns, rows))
    if sites.revoked:
        sheet.append(Lines("revoked certificates", list(sites.revoked)))
    return sheet


def examination_sheet(found: Sequence[Examination]) -> Sheet:
    """What fails and what mends it first; then everything that was looked at."""
    sheet: list[Lines | Grid] = []
    for one in found:
        bad = [finding for finding in one.findings if finding.status != "ok"]
        failures = sum(finding.status == "fail" for finding in one.findings)
        verdict = "all is well" if not bad else f"{failures} failed, {len(bad) - failures} to watch"
        mend = [f"{finding.status}: {finding.check}: {finding.found}. Remedy: {finding.remedy}." for finding in bad]
        sheet.append(Lines(f"{one.federation}, {one.place}: {verdict}", mend))
        rows = [(finding.check, finding.status, finding.found) for finding in one.findings]
        sheet.append(Grid("", ("looked at", "is", "found"), rows))
    return sheet


def _row(site: ListedSite) -> tuple[str, str, str, str, str]:
    status = f"removed {_day(site.removed)}" if site.removed is not None else site.state or "admitted"
    ended = "ended" if site.expired else "until"
    return site.site, status, _day(site.since), site.fingerprint, f"{ended} {_day(site.ends)}"


def _day(moment: str) -> str:
    return moment.partition("T")[0]
