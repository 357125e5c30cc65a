"""What the advice rests on, and what is decided so far."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shiftscope.diagnosis import Diagnosis, Removal
from shiftscope.profiles import Profile
from shiftscope.recommendation.advice_documents import RULES, Action, Alternative, Rules
from shiftscope.recommendation.harmonizing import choose, name_of
from shiftscope.recommendation.prediction.advice_policy import AdvicePolicy, Network, PolicyInputs
from shiftscope.recommendation.prediction.candidates import Candidate, Decision, candidates_of, decide
from shiftscope.recommendation.prediction.policy_inputs import (
    inputs_by_harmonizer,
    inputs_of,
    taking_part,
)
from shiftscope.recommendation.prediction.rehearsed_gains import MeasuredGain, sharpened

__all__ = ["AdviceBasis", "AdviceDraft", "draft_of", "option"]


@dataclass(frozen=True, slots=True)
class AdviceBasis:
    """What advice rests on beside a diagnosis and its profiles.

    Attributes:
        policy: what predicts gains.
        network: what is to be trained.
        measured: what a rehearsal measured; empty without one.
        rules: margins.
    """

    policy: AdvicePolicy
    network: Network = "pretrained"
    measured: tuple[MeasuredGain, ...] = ()
    rules: Rules = RULES


@dataclass(frozen=True, slots=True)
class AdviceDraft:
    """What the advice rests on, and what is decided so far.

    Attributes:
        basis: policy, network, rehearsal.
        called: questions that count as shifts.
        inputs: what the prediction sees.
        chosen: the harmonizer that would be used, None where none is measured.
        rivals: others that may remove as much, dearer or no better, the most first.
        candidates: what could be advised, the cheapest first.
        decision: which of them.
    """

    basis: AdviceBasis
    called: tuple[str, ...]
    inputs: PolicyInputs
    chosen: Removal | None
    rivals: tuple[Removal, ...]
    candidates: tuple[Candidate, ...]
    decision: Decision

    @property
    def unsure(self) -> bool:
        """Whether the prediction is too unsure to act on, and no rehearsal has been made yet."""
        return not self.basis.measured and self.decision.calls_for_rehearsal(self.basis.policy.certain)

    @property
    def advised(self) -> Candidate | None:
        """What is advised; None where a rehearsal is."""
        return None if self.unsure else self.decision.chosen

    @property
    def action(self) -> Action:
        """The action that follows."""
        return "rehearse" if self.unsure else _action(self.decision.chosen)

    def with_inputs(self, inputs: PolicyInputs) -> "AdviceDraft":
        """The draft if these were the inputs, from profiles alone."""
        candidates = candidates_of(self.basis.policy, inputs, name_of(self.chosen))
        decision = decide(candidates, self.basis.rules.margin)
        return replace(self, inputs=inputs, candidates=candidates, decision=decision)


def draft_of(
    diagnosis: Diagnosis, profiles: Sequence[Profile], removed: Sequence[Removal], basis: AdviceBasis
) -> AdviceDraft:
    """What follows if harmonizers remove so much."""
    chosen, rivals = choose(removed)
    inputs = inputs_of(diagnosis, profiles, chosen, basis.network)
    candidates = candidates_of(basis.policy, inputs, name_of(chosen))
    if basis.measured:
        others = inputs_by_harmonizer(inputs, removed, len(taking_part(diagnosis, profiles)))
        priors = {name: candidates_of(basis.policy, given, name) for name, given in others.items()}
        candidates = sharpened(candidates, priors, basis.measured, basis.policy, basis.network)
    called = tuple(question for question, answer in diagnosis.axes.items() if answer.called)
    decision = decide(candidates, basis.rules.margin)
    return AdviceDraft(basis, called, inputs, chosen, rivals, candidates, decision)


def option(candidate: Candidate, when: str) -> Alternative:
    """A runner-up."""
    return Alternative(
        action=_action(candidate), harmonizer=candidate.harmonizer, personalizer=candidate.personalizer, when=when
    )


def _action(candidate: Candidate) -> Action:
    if candidate.action == "own_model":
        raise ValueError("that every site trains alone is never advised for all of them")
    return candidate.action
