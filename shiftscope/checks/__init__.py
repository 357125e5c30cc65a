"""Whether a new delivery is still what it was: a profile against a baseline, held to a policy.

In: a new profile, one baseline of the site itself or several of other sites, and a `Policy` of limits.
Out: `check -> CheckResult`: findings on the five questions, the axes, the measures and the rules, and the outcome:
passed, failed or inconclusive. It judges as `diagnosis` does, with the policy's limits for margins.
"""

from collections.abc import Iterable, Sequence

from shiftscope.checks.answers import Answers
from shiftscope.checks.findings import BadFile, CheckResult, Finding, outcome_of
from shiftscope.checks.judging import judged
from shiftscope.checks.one_baseline import reliances, unsettled
from shiftscope.checks.policy import Limit, Policy
from shiftscope.checks.policy_files import read_policy
from shiftscope.checks.references import Reference, refer
from shiftscope.diagnosis import LIMITS
from shiftscope.diagnosis.causes.attribution import evidence_of
from shiftscope.diagnosis.judged_pairs import Comparisons
from shiftscope.diagnosis.texts.caveats import is_blind, pair_caveats, site_caveats
from shiftscope.diagnosis.texts.standout_text import standouts, unchecked
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
    found = judged(made, policy)
    resting = reliances(made, found, policy)
    findings = unsettled(found.findings, resting)
    return CheckResult(
        site=made.new.site,
        against=tuple(profile.site for profile in made.baselines),
        source=source,
        outcome=outcome_of(findings, policy),
        patients=made.patients,
        findings=findings,
        because=tuple(_because(made, found.findings)),
        caveats=(*_caveats(made, found.answers), *(item.says for item in resting)),
        excluded=new.excluded,
        files=tuple(BadFile(path=str(item.path), reason=item.reason, detail=item.detail) for item in failures),
        policy=policy,
    )


def _because(made: Reference, findings: Sequence[Finding]) -> list[str]:
    """Why shifts were called, each cause once; between single sites, so that it names them."""
    called = {item.name for item in findings if item.kind == "question" and item.status in ("failed", "warned")}
    if not called:
        return []
    verdicts = dict(zip(made.pairs, judge(list(made.pairs.values())), strict=True))
    known = {profile.site: profile for profile in (made.new, *made.compared)}
    compared = Comparisons(made.pairs, verdicts, known)
    evidence = [item for item in evidence_of(compared) if item.question in called and compared.called(item.question)]
    return [item.says for item in sorted(evidence, key=lambda item: QUESTIONS.index(item.question))]


def _caveats(made: Reference, answers: Answers) -> list[str]:
    """What lowers the confidence; the findings name sites that are too small, this names single baselines."""
    blind = bool(made.shift.effects) and is_blind(answers.error)
    known = [
        *site_caveats([made.new, *made.compared], LIMITS),
        *pair_caveats(int(blind), 1),
        *standouts(made.outlyingness),
    ]
    few = [
        f"'{profile.site}' is left out of the reference: n = {profile.patients}, {made.short[profile.site][1]} needed"
        for profile in made.baselines
        if profile.site in made.short and made.compared
    ]
    return [
        *made.left_out,
        *few,
        *known,
        *_lacking(made),
        *(unchecked(made.compared, "baselines") if len(made.compared) > 1 else []),
    ]


def _lacking(made: Reference) -> list[str]:
    """Baselines without an axis that the others have."""
    axes: dict[str, list[str]] = {}
    for axis, sites in made.usual().items():
        for site in sites:
            axes.setdefault(site, []).append(axis)
    whom = "most baselines have" if len(made.compared) > 2 else "the other baseline has"
    return [
        f"'{site}' has no {', '.join(lacked)}, which {whom}: it is not compared there" for site, lacked in axes.items()
    ]
