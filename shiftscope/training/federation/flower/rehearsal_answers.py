"""The sites of a rehearsal as its coordinator asks them: who takes part, who no longer does and why, what it took."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from flwr.serverapp import Grid

from shiftscope.errors import EngineError
from shiftscope.plans import RoundEntry
from shiftscope.printable_text import on_one_line
from shiftscope.progress import Report
from shiftscope.training.federation.flower.site_nodes import Federation, Replies, reply_statuses
from shiftscope.training.federation.payloads import Payload
from shiftscope.training.rehearsals.reply_checks import RehearsingFacts, checked_facts, checked_seconds
from shiftscope.training.runs.answer_values import few_names, kept_names
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.round_progress import round_progress

__all__ = ["AskedSites", "SiteAnswers"]

MISSED = 3
"""Questions in a row after which a site is asked no more."""

T = TypeVar("T")


@dataclass(slots=True)
class SiteAnswers(Generic[T]):
    """What came of one question.

    Attributes:
        said: site -> its answer, checked.
        seconds: what it took each of them.
        failures: site -> why there is none.
        kept: site -> names of what its policy keeps at the site.
        few: site -> those of them that too few patients stand behind.
        bytes: payload of all sites, both ways.
    """

    said: dict[str, T] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    kept: dict[str, tuple[str, ...]] = field(default_factory=dict)
    few: dict[str, tuple[str, ...]] = field(default_factory=dict)
    bytes: int = 0


class AskedSites:
    """Who takes part, and the bookkeeping of questions.

    Attributes:
        taking_part: sites that are asked.
        withheld: sites that never were, or no longer are -> why.
        notes: for the result.
        bytes: of all questions so far.
    """

    def __init__(self, grid: Grid, job: Job, progress: Report) -> None:
        self.job = job
        self.progress = progress
        self.federation = Federation(grid, job)
        self.taking_part: list[str] = []
        self.withheld: dict[str, str] = {}
        self.notes: list[str] = []
        self.bytes = 0
        self._missed: Counter[str] = Counter()
        self._done = 0

    def join(self) -> dict[str, RehearsingFacts]:
        """What sites say of themselves; those that withhold nothing take part."""
        answers = self._checked(
            self.federation.join(), lambda site, all_: checked_facts(site, all_.facts, self.job.plan)
        )
        self.bytes += answers.bytes
        self.leave_out({**self.federation.missing, **answers.failures})
        self.withheld |= {site: facts.withheld for site, facts in answers.said.items() if facts.withheld}
        self.taking_part = [site for site in answers.said if site not in self.withheld]
        self.require_any("has enough patients for a rehearsal; collect more cases, or run shiftscope trial")
        return answers.said

    def leave_out(self, why: Mapping[str, str]) -> None:
        """Ask these sites no more; what they have sent before stands."""
        for site, reason in why.items():
            if site not in self.withheld:
                self.withheld[site] = on_one_line(reason)
                self.notes.append(f"site {on_one_line(site)} was left out of the rehearsal: {self.withheld[site]}")
        self.taking_part = [site for site in self.taking_part if site not in self.withheld]

    def require_any(self, what: str) -> None:
        """See that somebody takes part still.

        Raises:
            EngineError: no site does what.
        """
        if not self.taking_part:
            reasons = "; ".join(f"{on_one_line(site)}: {why}" for site, why in self.withheld.items())
            raise EngineError(f"no site {what} ({reasons})")

    def ask(
        self, question: str, payload: Payload | Mapping[str, Payload], doing: str, check: Callable[[Payload], T]
    ) -> SiteAnswers[T]:
        """Ask all that take part, report, and write the question to the log.

        A site that sends what cannot be is left out, and so is one that has missed three questions in a row.

        Args:
            payload: one for all, or site -> its own.
            check: gives the answer in its form; an `EngineError` says why it cannot be.
        """
        since = time.monotonic()
        each = dict.fromkeys(self.taking_part, payload) if isinstance(payload, Payload) else payload
        asked = {site: each[site] for site in self.taking_part}
        answers = self._checked(self.federation.ask(question, asked), lambda _, reply: check(reply))
        answers.failures = {site: why for site, why in answers.failures.items() if site in asked}
        self.notes += [f"site {site} did not answer ({doing}): {why}" for site, why in answers.failures.items()]
        self._missed = Counter({site: self._missed[site] + 1 for site in answers.failures})
        self.leave_out({site: why for site, why in answers.failures.items() if self._missed[site] >= MISSED})
        self.bytes += answers.bytes
        self._done += 1
        entry = RoundEntry(
            round=self._done,
            arm=doing,
            seed=0,
            replies=reply_statuses(asked, answers.failures),
            loss=None,
            bytes=answers.bytes,
            seconds=time.monotonic() - since,
        )
        with (self.job.out / "rounds.jsonl").open("a", encoding="utf-8") as log:
            log.write(entry.model_dump_json() + "\n")
        self.progress(round_progress(entry, self.job, self._done))
        return answers

    def _checked(self, replies: Replies, check: Callable[[str, Payload], T]) -> SiteAnswers[T]:
        failures = {site: on_one_line(why) for site, why in replies.failures.items()}
        answers: SiteAnswers[T] = SiteAnswers(failures=failures, bytes=replies.bytes)
        odd = {}
        for site, payload in replies.payloads.items():
            try:
                answers.said[site] = check(site, payload)
                answers.kept[site], answers.few[site] = kept_names(payload.facts), few_names(payload.facts)
                answers.seconds.append(checked_seconds(payload.facts))
            except EngineError as problem:
                odd[site] = str(problem)
        self.leave_out(odd)
        answers.failures |= odd
        return answers
