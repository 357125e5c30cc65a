"""All findings on one comparison, as a policy has them."""

from dataclasses import dataclass

from shiftscope.checks.answers import Answers, answer, questions_of
from shiftscope.checks.axes import axes_of
from shiftscope.checks.findings import Finding
from shiftscope.checks.measured import measures_of
from shiftscope.checks.policy import Policy
from shiftscope.checks.references import Reference
from shiftscope.checks.rules import rules_of

__all__ = ["Judged", "judged"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found on one comparison.

    Attributes:
        answers: to the five questions.
        findings: questions, then axes, measures and rules.
    """

    answers: Answers
    findings: tuple[Finding, ...]


def judged(made: Reference, policy: Policy) -> Judged:
    """Hold a comparison to a policy."""
    answers = answer(made.shift, policy)
    questions = [*questions_of(made, answers, policy)]
    found = [
        *questions,
        *axes_of(made, questions, answers, policy),
        *measures_of(made, questions, policy),
        *rules_of(made.new, policy),
    ]
    return Judged(answers, tuple(_softened(finding, policy) for finding in found))


def _softened(finding: Finding, policy: Policy) -> Finding:
    """A failure that the policy does not fail on warns."""
    if finding.status == "failed" and (policy.warn_only or not policy.counts(finding.category)):
        return finding.model_copy(update={"status": "warned"})
    return finding
