"""What the sites agree on before the first round: the reference of each harmonizer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from shiftscope.errors import EngineError
from shiftscope.harmonizers import HARMONIZERS, LEAST_CHANGE, NOTHING, Statistics, combine
from shiftscope.plans import Kept
from shiftscope.training.federation.flower.site_nodes import Federation, Replies
from shiftscope.training.federation.kept_values import kept_statistics
from shiftscope.training.federation.payloads import Payload
from shiftscope.training.federation.run_answers import read_change
from shiftscope.training.runs.answer_values import kept_names
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.kept_references import bytes_of_asking, keep_reference, kept_reference, read_reference
from shiftscope.training.runs.share_checks import alike, require_share

__all__ = ["Agreement", "agree_on"]

T = TypeVar("T")


@dataclass(slots=True)
class Agreement:
    """One harmonizer, ready at every site that answered.

    Attributes:
        reference: what the sites' shares were made into.
        changed: site -> mean absolute change of a training pixel.
        signals: site -> what is left there of what the model has to learn.
        bytes: payload of the questions and answers, both ways.
        kept: site -> what its policy keeps at the site: "change", "signal".
        notes: who could not answer, or said what cannot be.
    """

    reference: Statistics = field(default_factory=dict)
    changed: dict[str, float] = field(default_factory=dict)
    signals: dict[str, Kept] = field(default_factory=dict)
    bytes: int = 0
    kept: dict[str, frozenset[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def ask(
        self, federation: Federation[Job], what: str, question: str, payload: Payload, check: Callable[[Payload], T]
    ) -> tuple[dict[str, T], Replies]:
        """Ask all sites; what it takes is added up, who cannot answer, or says what cannot be, is noted.

        Args:
            check: gives an answer in its form; an `EngineError` says why it cannot be.

        Returns:
            Site -> its answer, and all that came back.
        """
        answers, said = federation.ask_all(question, payload), {}
        self.bytes += answers.bytes
        for site, answer in answers.payloads.items():
            try:
                said[site] = check(answer)
            except EngineError as problem:
                answers.failures[site] = str(problem)
        self.notes += answers.failure_notes(what)
        return said, answers


def agree_on(name: str, fold: int, job: Job, federation: Federation[Job]) -> Agreement:
    """Ask for the sites' shares, exchange by exchange, send the reference out, and see that it changes something.

    A reference that is kept from before stands, with the bytes that asking for it took: a resumed run must not change
    it, whoever is missing today.

    Args:
        fold: whose training cases the harmonizer is fitted to.

    Raises:
        EngineError: too few patients to share anything, or no pixel changed at any site.
    """
    harmonizer, made = HARMONIZERS[name], Agreement()
    path = kept_reference(job.out, name, fold, job.plan.folds)
    about = {"harmonizer": name, "fold": fold}
    if path.exists():
        made.reference, made.bytes = read_reference(path, name), bytes_of_asking(path)
    else:
        made.reference = NOTHING
        for number in range(len(harmonizer.exchanges)):
            question = Payload(statistics=made.reference, facts={**about, "exchange": number})
            said, answers = made.ask(
                federation, f"share for {name}", "query.share", question, partial(_checked_share, name)
            )
            kept = {site: kept_names(answer.facts) for site, answer in answers.payloads.items()}
            made.notes += kept_statistics(kept, [name])
            given = {site: share for site, share in said.items() if share}
            usable = alike(given)
            made.notes += [
                f"site {site} is left out of what was agreed on for {name}: it sent other statistics than the others"
                for site in given
                if site not in usable
            ]
            if not usable:
                raise EngineError(_nothing_shared(name, answers, given))
            made.reference = combine(harmonizer, number, [given[site] for site in sorted(usable)], made.reference)
        keep_reference(path, made.reference, made.bytes)
    question = Payload(statistics=made.reference, facts=about)
    changes, _ = made.ask(
        federation, f"harmonize with {name}", "query.harmonize", question, lambda answer: read_change(answer.facts)
    )
    made.changed = {site: change.changed for site, change in changes.items() if change.changed is not None}
    made.signals = {site: change.signal for site, change in changes.items() if change.signal is not None}
    made.kept = {site: change.kept for site, change in changes.items() if change.kept}
    if made.changed and max(made.changed.values()) < LEAST_CHANGE:
        raise EngineError(f'harmonizer {name}: it changed no pixel at any site; set harmonizer = "" in the plan')
    return made


def _checked_share(name: str, answer: Payload) -> Statistics:
    require_share(name, answer.statistics)
    return answer.statistics


def _nothing_shared(name: str, answers: Replies, given: Mapping[str, Statistics]) -> str:
    """Why there is no reference, and what to do."""
    if given:
        return f"harmonizer {name}: no two sites share statistics of one form ({', '.join(given)}); see what differs"
    if not answers.payloads.keys() - answers.failures.keys():
        return f"harmonizer {name}: no site could answer ({'; '.join(answers.failures.values())}); mend them and resume"
    return (
        f"harmonizer {name}: no site has {HARMONIZERS[name].min_patients} training patients with anything to share"
        " (fewer patients, or images without what it works on); choose 'zscore', which shares nothing, or collect more"
        " cases"
    )
