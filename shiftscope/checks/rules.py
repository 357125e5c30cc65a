"""Rules on the new profile alone: its files, its scanners, its classes. Counts need no null."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from shiftscope.checks.findings import Finding, Status
from shiftscope.checks.policy import Policy
from shiftscope.errors import NO_FAULTS
from shiftscope.profiles import Profile
from shiftscope.profiles.profile_document import CELL, OTHER, Count

__all__ = ["rules_of"]

_SCANNER = "scanner"


def rules_of(profile: Profile, policy: Policy) -> Iterator[Finding]:
    """A finding for each rule that applies."""
    yield _unreadable(profile, policy)
    if policy.scanners:
        yield _scanners(profile, policy)
    if policy.labels:
        yield _labels(profile, policy)


def _unreadable(profile: Profile, policy: Policy) -> Finding:
    left_out = sum(count for reason, count in profile.excluded.items() if reason not in NO_FAULTS)
    files = profile.cases + left_out
    allowed = policy.unreadable_allowed(files)
    reasons = ", ".join(f"{reason} {count}" for reason, count in profile.excluded.items() if reason not in NO_FAULTS)
    says = f"{left_out} of {files} files left out{f' ({reasons})' if reasons else ''}; {allowed} allowed"
    status: Status = "failed" if left_out > allowed else "passed"
    if profile.privacy is not None:
        status, says = "skipped", "files left out: a private profile does not count them"
    return Finding(
        kind="rule",
        name="unreadable",
        category="files",
        status=status,
        effect=left_out,
        low=left_out,
        high=left_out,
        unit="files",
        n=(files, 0),
        error=allowed,
        says=says,
    )


def _scanners(profile: Profile, policy: Policy) -> Finding:
    """Maker and model of each patient's scanner, letters of either case."""
    counts = profile.acquisition.get(_SCANNER, {})
    patterns = [pattern.lower() for pattern in policy.scanners]
    strange = {
        name: count for name, count in counts.items() if not any(fnmatchcase(name.lower(), item) for item in patterns)
    }
    low, high = (sum(_range(count, profile.patients)[end] for count in strange.values()) for end in (0, 1))
    listed = ", ".join(f"'{name}' ({count} of {profile.patients} patients)" for name, count in strange.items())
    listed += "; 'other' are scanners of fewer than 10 patients, and unknown ones" if OTHER in strange else ""
    status: Status = "failed" if strange else "passed"
    says = (
        f"scanners that are not allowed: {listed}"
        if strange
        else f"scanners: all of {profile.patients} patients allowed"
    )
    known = [count for count in counts.values() if isinstance(count, int)]
    if not counts:
        status, says = "inconclusive", f"scanners: known of none of {profile.patients} patients; only DICOM names them"
    elif not strange and len(known) == len(counts) and sum(known) < profile.patients:
        status = "warned"
        says = f"scanners: known of {sum(known)} of {profile.patients} patients, of them all allowed"
    return Finding(
        kind="rule",
        name="scanners",
        category="appearance",
        status=status,
        effect=low if counts else None,
        low=low if counts else None,
        high=min(high, profile.patients) if counts else None,
        unit="patients",
        n=(profile.patients, 0),
        error=0,
        says=says,
    )


def _range(count: Count, most: int) -> tuple[int, int]:
    """The fewest and the most patients that a published count can be."""
    if isinstance(count, int):
        return count, count
    return 1, CELL - 1 if count == f"<{CELL}" else most


def _labels(profile: Profile, policy: Policy) -> Finding:
    missing = [label for label in policy.labels if label not in profile.labels]
    listed = ", ".join(f"'{label}'" for label in missing)
    status: Status = "failed" if missing else "passed"
    says = (
        f"classes without a patient: {listed} (of {profile.labelled} patients with a label)"
        if missing
        else f"classes: all {len(policy.labels)} required are there ({profile.labelled} patients with a label)"
    )
    if missing and profile.privacy is not None:
        status = "inconclusive"
        says = (
            f"classes not published: {listed}; a private profile hides small ones"
            f" ({profile.labelled} patients with a label)"
        )
    return Finding(
        kind="rule",
        name="labels",
        category="label",
        status=status,
        effect=len(missing),
        low=len(missing),
        high=len(missing),
        unit="classes",
        n=(profile.labelled, 0),
        error=0,
        says=says,
    )
