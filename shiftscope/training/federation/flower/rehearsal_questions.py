"""The coordinator of a rehearsal over Flower: question by question, until all strategies are judged."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from flwr.serverapp import Grid

from shiftscope.errors import EngineError
from shiftscope.harmonizers import HARMONIZERS, NOTHING, Statistics, combine
from shiftscope.plans import Cost, RehearsalBudget, RehearsalEncoder, RehearsalResult
from shiftscope.progress import Report, silent
from shiftscope.training.evaluation.scores import PRIMARY
from shiftscope.training.federation.flower.rehearsal_answers import AskedSites
from shiftscope.training.federation.kept_values import kept_in_rehearsal, kept_scores, kept_statistics
from shiftscope.training.federation.payloads import Payload, apart, prefixed
from shiftscope.training.federation.rehearsing_sites import PLAIN, keys_of
from shiftscope.training.rehearsals.coordinated_heads import TableKey, average_heads, blank_shared, site_weights
from shiftscope.training.rehearsals.linear_heads import BUDGET
from shiftscope.training.rehearsals.rehearsal_costs import RehearsalCosts
from shiftscope.training.rehearsals.rehearsal_summaries import RehearsalAccount
from shiftscope.training.rehearsals.rehearsed_strategies import (
    Rehearsed,
    count_outputs,
    equivalents,
    harmonizers_of,
    left_out,
    strategies_of,
)
from shiftscope.training.rehearsals.reply_checks import (
    SiteFeatures,
    checked_features,
    checked_heads,
    checked_scores,
    checked_shares,
    checked_weights,
    usual,
)
from shiftscope.training.rehearsals.table_rehearsals import HeadScores, SharedHeads
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.share_checks import alike

__all__ = ["count_questions", "rehearse_over"]


def count_questions(harmonizers: Sequence[str]) -> int:
    """How many questions a rehearsal asks: exchanges, features, rounds, and two at the end."""
    exchanges = max((len(HARMONIZERS[name].exchanges) for name in harmonizers), default=0)
    return exchanges + 1 + len(harmonizers) + BUDGET.rounds + 2


def rehearse_over(
    grid: Grid, job: Job, engine: str, machine: Mapping[str, str], progress: Report = silent
) -> RehearsalResult:
    """Rehearse the job over `grid` and write `rehearsal.json`.

    A site that sends what cannot be, or fails where its answer is needed, is left out of the rest; a harmonizer that
    no site can be seen behind is left out for all. Both are told in the result.

    Args:
        machine: what the result says of where it was made.
        progress: called after every question; the log says the same to other processes.

    Raises:
        EngineError: no site may take part, or none is left.
    """
    return _Rehearsal(grid, job, engine, machine, progress).result()


class _Rehearsal:
    """One rehearsal under way.

    Attributes:
        harmonizers: that are rehearsed, so far.
        dropped: those that could not be on these data -> why.
        same_as: those behind which features are the same as behind another, or as `PLAIN` -> which.
    """

    def __init__(self, grid: Grid, job: Job, engine: str, machine: Mapping[str, str], progress: Report) -> None:
        self.job = job
        self.engine = engine
        self.machine = machine
        self.sites = AskedSites(grid, job, progress)
        self.harmonizers = harmonizers_of(job.plan)
        self.dropped: dict[str, str] = {}
        self.same_as: dict[str, str] = {}
        self.costs = RehearsalCosts()
        self.since = time.monotonic()

    @property
    def keys(self) -> list[TableKey]:
        """All tables that heads are trained on."""
        return [key for key in keys_of(self.job) if key[1] is None or key[1] in self.harmonizers]

    def result(self) -> RehearsalResult:
        plan = self.job.plan
        facts = self.sites.join()
        scale, features = self._features(self._references())
        shared = blank_shared(self.keys, features, count_outputs(plan))
        trained: set[str] = set()
        for number in range(1, BUDGET.rounds + 1):
            replies = self._round(number, shared, scale)
            shared = average_heads(self.keys, replies, {site: facts[site].cases for site in replies})
            trained |= replies.keys()
        even = all(facts[site].even for site in trained)
        every = strategies_of(self.harmonizers, plan)
        said = self._judged(every, shared, scale)
        strategies = [each for each in every if not (even and each.method == "balanced")]
        patients = {site: fact.patients for site, fact in facts.items()}
        equivalent = equivalents(self.same_as, even)
        kept = {site: fact.kept for site, fact in facts.items() if fact.kept}
        account = RehearsalAccount(plan, strategies, said, patients, self.sites.withheld, equivalent, kept)
        rehearsed = account.rehearsed({each.name: self.costs.of(each, self.keys) for each in strategies})
        best = account.best(rehearsed)
        result = RehearsalResult(
            plan=plan,
            engine=self.engine,
            metric=PRIMARY[plan.task],
            encoder=RehearsalEncoder(model=str(plan.encoder), sha256=str(plan.weights_sha256)),
            budget=RehearsalBudget(folds=plan.folds, rounds=BUDGET.rounds, local_steps=BUDGET.local_steps),
            strategies=rehearsed,
            sites=account.sites(best),
            best=best,
            equal=account.equal_to(best),
            left_out=left_out(plan) | self.dropped,
            cost=Cost(bytes=self.sites.bytes, seconds=time.monotonic() - self.since),
            machine=dict(self.machine),
            notes=tuple(dict.fromkeys([*self.sites.notes, *map(kept_in_rehearsal, kept, kept.values())])),
        )
        result.write(self.job.result_path)
        return result

    def _references(self) -> dict[str, dict[int, Statistics]]:
        """Harmonizer -> fold -> what the sites agreed on; one question for an exchange of all of them."""
        folds = range(self.job.plan.folds)
        fitted = [name for name in self.harmonizers if HARMONIZERS[name].shares]
        agreed: dict[str, dict[int, Statistics]] = {name: dict.fromkeys(folds, NOTHING) for name in fitted}
        for number in range(max((len(HARMONIZERS[name].exchanges) for name in fitted), default=0)):
            waiting = [name for name in fitted if number < len(HARMONIZERS[name].exchanges)]
            asked = [(name, fold) for name in waiting if name not in self.dropped for fold in folds]
            known = {f"{name}/{fold}": agreed[name][fold] for name, fold in asked}
            question = Payload(statistics=prefixed(known), facts={"asked": asked, "exchange": number})
            answers = self.sites.ask(
                "query.shares", question, "harmonizers", lambda reply: checked_shares(apart(reply.statistics))
            )
            self.sites.notes += kept_statistics(answers.kept, waiting)
            for name, fold in asked:
                given = {site: found for site, all_ in answers.said.items() if (found := all_.get(f"{name}/{fold}"))}
                agreed[name][fold] = self._combined(name, number, given, agreed[name][fold])
        return agreed

    def _combined(self, name: str, number: int, shares: Mapping[str, Statistics], reference: Statistics) -> Statistics:
        """The reference after an exchange; a harmonizer to which no site has anything to add is dropped."""
        harmonizer, usable = HARMONIZERS[name], alike(shares)
        odd = shares.keys() - usable
        self.sites.leave_out(dict.fromkeys(odd, f"it sent other statistics for {name} than the other sites"))
        if not usable:
            self._drop(name, f"no site has {harmonizer.min_patients} training patients with anything to share for it")
            return reference
        return combine(harmonizer, number, [shares[site] for site in sorted(usable)], reference)

    def _features(self, references: Mapping[str, Mapping[int, Statistics]]) -> tuple[list[float], int]:
        """Have every site see all of its cases; the scale that features are divided by, and how many there are."""
        answers = self._viewed(None, {})
        found = usual(answers)
        self.sites.leave_out(dict.fromkeys(answers.keys() - found, "it has other features than most sites"))
        self.sites.require_any("has features as most have; see that all have the same encoder")
        for name in self.harmonizers:
            behind = self._viewed(name, references.get(name, {}))
            same = set.intersection(*(set(each.same_as) for each in behind.values())) if behind else set()
            if bases := [base for base in (PLAIN, *self.harmonizers) if base in same and base != name]:
                self.same_as[name] = bases[0]
                self.harmonizers = tuple(other for other in self.harmonizers if other != name)
        self.sites.require_any("has features of all images")
        squares = np.mean([each.squares for site, each in found.items() if site in self.sites.taking_part], axis=0)
        return [math.sqrt(square) or 1.0 for square in squares.tolist()], next(iter(found.values())).features

    def _viewed(self, name: str | None, references: Mapping[int, Statistics]) -> dict[str, SiteFeatures]:
        """What sites say of their features behind a harmonizer; who fails alone is left out, else the harmonizer is."""
        given = prefixed({str(fold): agreed for fold, agreed in references.items()})
        question = Payload(statistics=given, facts={"harmonizer": name})
        doing = f"features, {name or 'images as they are'}"
        answers = self.sites.ask("query.features", question, doing, lambda reply: checked_features(reply.facts))
        self.costs.add_features(name, answers.seconds)
        if name and not answers.said:
            self._drop(name, f"no site could see its images behind it ({'; '.join(answers.failures.values())})")
        else:
            self.sites.leave_out(answers.failures)
        return answers.said

    def _drop(self, name: str, why: str) -> None:
        self.dropped[name] = why
        self.harmonizers = tuple(other for other in self.harmonizers if other != name)

    def _round(self, number: int, shared: Mapping[str, torch.Tensor], scale: Sequence[float]) -> dict[str, SharedHeads]:
        """The sites' heads; who misses a round may come back in the next."""
        question = _heads(shared, {"round": number, "scale": scale})
        answers = self.sites.ask("train.heads", question, "heads", lambda reply: checked_heads(reply.tensors, shared))
        self.costs.add_round(answers.bytes, answers.seconds)
        if not answers.said:
            raise EngineError(f"no site sent heads in round {number} ({'; '.join(answers.failures.values())})")
        return dict(answers.said)

    def _judged(
        self, strategies: Sequence[Rehearsed], shared: Mapping[str, torch.Tensor], scale: Sequence[float]
    ) -> dict[str, HeadScores]:
        """Site -> its scores of all strategies."""
        question, keys = _heads(shared, {"scale": scale}), self.keys
        doing = "each site's own heads"
        own = self.sites.ask(
            "query.weights", question, doing, lambda reply: checked_weights(reply.facts, reply.tensors, keys)
        )
        self.costs.add_own(own.seconds)
        self.sites.leave_out(own.failures)
        asked = {
            site: Payload(question.tensors, {name: np.asarray(each) for name, each in of_site.items()}, question.facts)
            for site, of_site in site_weights(keys, own.said).items()
        }
        judged = self.sites.ask(
            "evaluate.heads", asked, "scores", lambda reply: checked_scores(reply.facts, reply.tensors, strategies)
        )
        self.sites.leave_out(judged.failures)
        self.sites.require_any("has judged the heads")
        few = {site: (*own.few[site], *judged.few.get(site, ())) for site in own.few}
        self.sites.notes += kept_scores(own.kept, judged.kept, few)
        return judged.said


def _heads(shared: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> Payload:
    return Payload(tensors={name: heads.numpy() for name, heads in shared.items()}, facts=facts)
