"""What a check found: findings with their numbers, and the outcome."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from shiftscope.checks.policy import Category, Policy
from shiftscope.dataframes import Tabular
from shiftscope.records import Document, Real, Record

__all__ = ["BadFile", "CheckResult", "Finding", "Kind", "Outcome", "Status", "outcome_of"]

Status = Literal["passed", "warned", "failed", "undecided", "inconclusive", "skipped"]
"""`undecided`: the effect is there, but other shifts between the same sites can explain it. `inconclusive`: asked for
and could not be judged. `skipped`: nobody asked for it, and nobody has it, or it could not have been seen."""

Kind = Literal["question", "axis", "measure", "rule"]
Outcome = Literal["passed", "failed", "inconclusive"]


class Finding(Record):
    """One thing that was judged.

    Attributes:
        kind: what it is about.
        name: a question, an axis, a measure, or a rule: "unreadable", "scanners", "labels".
        category: what it counts as in `fail_on`.
        status: what came of it.
        own: whether it stands for itself; an axis or a measure that does not goes with its question.
        effect: of a question or an axis: squared distance in within-site standard deviations; of a measure: the new
            mean less the baseline's, in `unit`; of a rule: a count of files, patients or classes. None where nothing
            could be measured.
        low: lower end of its 95 % interval; of a count, the fewest it can be.
        high: upper end; of a count, the most it can be.
        unit: of `effect`.
        n: new patients, and those of the baselines together; of a rule, what was counted among, and 0.
        warn: the limit above which it warns, None for none.
        error: the limit above which it fails, None for none.
        detectable: smallest effect that would have been detected at these n with 80 % power.
        needed: patients a site that would decide it, where they are too few and that is known.
        says: the sentence.
    """

    kind: Kind
    name: str
    category: Category
    status: Status
    own: bool = True
    effect: Real | None = None
    low: Real | None = None
    high: Real | None = None
    unit: str = "squared within-site SD"
    n: tuple[int, int] = (0, 0)
    warn: Real | None = None
    error: Real | None = None
    detectable: Real | None = None
    needed: int | None = None
    says: str


class BadFile(Record):
    """One file that could not be used. Known at the site only.

    Attributes:
        path: of the file.
        reason: a key of `REASONS`.
        detail: what was found.
    """

    path: str
    reason: str
    detail: str


class CheckResult(Document, Tabular):
    """All that `shiftscope check` says. With `files` it names files of the site, and stays there.

    Attributes:
        site: whose new profile it is, as it is called in all sentences.
        against: the baselines it was compared with.
        source: the file or folder that was checked.
        outcome: passed, failed or inconclusive.
        patients: new ones, and those of the baselines together.
        findings: questions, then axes, measures and rules.
        because: why shifts were called, in sentences, each cause once.
        caveats: what lowers the confidence, in sentences.
        excluded: files left out, by reason.
        files: the same by name, where a folder was checked.
        policy: the limits.
    """

    SCHEMA: ClassVar[int] = 1
    MOST_BYTES: ClassVar[int] = 16_000_000

    site: str
    against: tuple[str, ...]
    source: str
    outcome: Outcome
    patients: tuple[int, int]
    findings: tuple[Finding, ...]
    because: tuple[str, ...]
    caveats: tuple[str, ...]
    excluded: dict[str, int]
    files: tuple[BadFile, ...]
    policy: Policy

    def headline(self) -> str:
        """The outcome, of whom against whom."""
        return f"{self.outcome}: {self.site}, {self.patients[0]} patients, against {self.whom}"

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each finding, without the sentences."""
        keys = ("kind", "name", "category", "status", "effect", "low", "high", "unit", "warn", "error")
        return [{key: getattr(finding, key) for key in keys} for finding in self.findings]

    @property
    def whom(self) -> str:
        """The baselines in a sentence."""
        if len(self.against) > 1:
            return f"{len(self.against)} other sites"
        return f"'{self.against[0]}'"

    def of(self, *kinds: Kind) -> list[Finding]:
        """Findings of some kinds, in order."""
        return [finding for finding in self.findings if finding.kind in kinds]

    def reported(self) -> list[Finding]:
        """Findings that did not pass and stand for themselves."""
        return [finding for finding in self.findings if finding.own and finding.status not in ("passed", "skipped")]


def outcome_of(findings: Sequence[Finding], policy: Policy) -> Outcome:
    """The outcome of the findings in the policy's categories: what could not be judged outranks what failed."""
    statuses = {finding.status for finding in findings if policy.counts(finding.category)}
    if "inconclusive" in statuses:
        return "inconclusive"
    if "failed" in statuses:
        return "failed"
    return "inconclusive" if "undecided" in statuses else "passed"
