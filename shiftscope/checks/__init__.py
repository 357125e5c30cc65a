"""Is a new delivery still what it was: a profile against a baseline, held to a policy."""

from collections.abc import Iterable, Sequence

from shiftscope.checks.answers import Answers, answer, questions_of
from shiftscope.checks.axes import axes_of
from shiftscope.checks.findings import BadFile, CheckResult, Finding, outcome_of
from shiftscope.checks.measured import measures_of
from shiftscope.checks.policy import Limit, Policy
from shiftscope.checks.policy_files import read_policy
from shiftscope.checks.references import Reference, refer
from shiftscope.checks.rules import rules_of
from shiftscope.diagnosis import LIMITS
from shiftscope.diagnosis.attribution import evidence_of
from shiftscope.diagnosis.caveats import caveats
from shiftscope.diagnosis.comparisons import Comparisons
from shiftscope.diagnosis.verdicts import QUESTIONS, judge
from shiftscope.errors import Unreadable
from shiftscope.profiles import Profile

__all__ = ["BadFile", "CheckResult", "Finding", "Limit", "Policy", "check", "read_policy"]


def check(
    new: Profile,
    baselines: Sequence[Profile],
    policy: Policy | None = None,
    source: str = "",
    failures: Iterable[Unreadable] = (),
) -> CheckResult:
    """Hold a new profile against a baseline of its own site, or against other sites.

    Args:
        new: the new profile.
        baselines: one, or several, which stand for the federation (`references`); their order does not matter.
        policy: the limits; None for the defaults.
        source: what was checked, as its owner calls it.
        failures: files that could not be used, where they are known.

    Raises:
        ProfileError: no baseline, or two of one site.
        NotComparable: profiles measured in different ways.
    """
    policy = policy or Policy()
    made = refer(new, baselines, policy)
    answers = answer(made.shift, policy)
    questions = [*questions_of(made, answers, policy)]
    found = [
        *questions,
        *axes_of(made, questions, answers, policy),
        *measures_of(made, questions, policy),
        *rules_of(made.new, policy),
    ]
    findings = tuple(_softened(finding, policy) for finding in found)
    return CheckResult(
        site=made.new.site,
        against=tuple(profile.site for profile in made.baselines),
        source=source,
        outcome=outcome_of(findings, policy),
        patients=made.patients,
        findings=findings,
        because=tuple(_because(made, questions)),
        caveats=tuple(_caveats(made, answers)),
        excluded=new.excluded,
        files=tuple(BadFile(path=str(item.path), reason=item.reason, detail=item.detail) for item in failures),
        policy=policy,
    )


def _softened(finding: Finding, policy: Policy) -> Finding:
    """A failure that the policy does not fail on warns."""
    if finding.status == "failed" and (policy.warn_only or not policy.counts(finding.category)):
        return finding.model_copy(update={"status": "warned"})
    return finding


def _because(made: Reference, questions: Sequence[Finding]) -> list[str]:
    """Why shifts were called, each cause once; between single sites, so that it names them."""
    called = {question.name for question in questions if question.status in ("failed", "warned")}
    if not called:
        return []
    verdicts = dict(zip(made.pairs, judge(list(made.pairs.values())), strict=True))
    known = {profile.site: profile for profile in (made.new, *made.compared)}
    compared = Comparisons(made.pairs, verdicts, known)
    told = [item for item in evidence_of(compared) if item.question in called and compared.called(item.question)]
    return [item.says for item in sorted(told, key=lambda item: QUESTIONS.index(item.question))]


def _caveats(made: Reference, answers: Answers) -> list[str]:
    """What lowers the confidence; sides that are too small are told by the findings, single baselines here."""
    told = caveats([made.new, *made.compared], [answers.error] if made.shift.effects else [], LIMITS, made.standing)
    few = [
        f"'{profile.site}' is left out of the reference: n = {profile.patients}, {made.short[profile.site][1]} needed"
        for profile in made.baselines
        if profile.site in made.short and made.compared
    ]
    return [*made.left_out, *few, *told]
