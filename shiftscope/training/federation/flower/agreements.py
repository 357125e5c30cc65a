"""What the sites agree on before the first round: the reference of each harmonizer."""

from dataclasses import dataclass, field

from shiftscope.errors import EngineError
from shiftscope.harmonizers import HARMONIZERS, LEAST_CHANGE, NOTHING, Statistics, combine
from shiftscope.plans import Kept
from shiftscope.training.federation.flower.messages import Payload
from shiftscope.training.federation.flower.site_nodes import Federation, Replies
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.kept_references import bytes_of_asking, keep_reference, kept_reference, read_reference

__all__ = ["Agreement", "agree_on"]


@dataclass(slots=True)
class Agreement:
    """One harmonizer, ready at every site that answered.

    Attributes:
        reference: what the sites' shares were made into.
        changed: site -> mean absolute change of a training pixel.
        signals: site -> what is left there of what the model has to learn.
        bytes: payload of the questions and answers, both ways.
        notes: who could not answer.
    """

    reference: Statistics = field(default_factory=dict)
    changed: dict[str, float] = field(default_factory=dict)
    signals: dict[str, Kept] = field(default_factory=dict)
    bytes: int = 0
    notes: list[str] = field(default_factory=list)

    def ask(self, federation: Federation, what: str, question: str, payload: Payload) -> Replies:
        """Ask all sites; what it takes is added up, who cannot answer is noted."""
        answers = federation.ask_all(question, payload)
        self.bytes += answers.bytes
        self.notes += answers.failure_notes(what)
        return answers


def agree_on(name: str, fold: int, job: Job, federation: Federation) -> Agreement:
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
            answers = made.ask(federation, f"share for {name}", "query.share", question)
            shares = [answers.payloads[site].statistics for site in sorted(answers.payloads)]
            if not any(shares):
                raise EngineError(_nothing_shared(name, answers))
            made.reference = combine(harmonizer, number, shares, made.reference)
        keep_reference(path, made.reference, made.bytes)
    question = Payload(statistics=made.reference, facts=about)
    answers = made.ask(federation, f"harmonize with {name}", "query.harmonize", question)
    facts = {site: payload.facts for site, payload in answers.payloads.items()}
    made.changed = {site: float(fact["changed"]) for site, fact in facts.items()}
    made.signals = {site: Kept.model_validate(fact["kept"]) for site, fact in facts.items() if fact["kept"]}
    if made.changed and max(made.changed.values()) < LEAST_CHANGE:
        raise EngineError(f'harmonizer {name}: it changed no pixel at any site; set harmonizer = "" in the plan')
    return made


def _nothing_shared(name: str, answers: Replies) -> str:
    """Why there is no reference, and what to do."""
    if not answers.payloads:
        return f"harmonizer {name}: no site could answer ({'; '.join(answers.failures.values())}); mend them and resume"
    return (
        f"harmonizer {name}: no site has {HARMONIZERS[name].min_patients} training patients with anything to share"
        " (fewer patients, or images without what it works on); choose 'zscore', which shares nothing, or collect more"
        " cases"
    )
