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
from shiftscope.plans import (
    Cost,
    RehearsalBudget,
    RehearsalEncoder,
    RehearsalResult,
    RoundEntry,
)
from shiftscope.progress import Report, silent
from shiftscope.training.evaluation.patient_spreads import PatientSpread
from shiftscope.training.evaluation.scores import PRIMARY
from shiftscope.training.federation.flower.messages import Payload, apart, prefixed
from shiftscope.training.federation.flower.site_nodes import Federation, Replies, reply_statuses
from shiftscope.training.federation.rehearsing_sites import keys_of
from shiftscope.training.rehearsals.coordinated_heads import average_heads, blank_shared, site_weights
from shiftscope.training.rehearsals.linear_heads import BUDGET
from shiftscope.training.rehearsals.mixing_weights import OwnWeight
from shiftscope.training.rehearsals.rehearsal_costs import RehearsalCosts
from shiftscope.training.rehearsals.rehearsal_summaries import RehearsalAccount
from shiftscope.training.rehearsals.rehearsed_strategies import (
    count_outputs,
    equivalents,
    harmonizers_of,
    left_out,
    strategies_of,
)
from shiftscope.training.rehearsals.table_rehearsals import HeadScores
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.round_progress import round_progress

__all__ = ["count_questions", "rehearse_over"]


def count_questions(harmonizers: Sequence[str]) -> int:
    """How many questions a rehearsal asks: exchanges, features, rounds, and three at the end."""
    exchanges = max((len(HARMONIZERS[name].exchanges) for name in harmonizers), default=0)
    return exchanges + 1 + len(harmonizers) + BUDGET.rounds + 2


def rehearse_over(
    grid: Grid, job: Job, engine: str, machine: Mapping[str, str], progress: Report = silent
) -> RehearsalResult:
    """Rehearse the job over `grid` and write `rehearsal.json`.

    Args:
        machine: what the result says of where it was made.
        progress: called after every question; the log says the same to other processes.

    Raises:
        EngineError: no site may take part, or none answers.
    """
    return _Rehearsal(grid, job, engine, machine, progress).result()


class _Rehearsal:
    """One rehearsal under way."""

    def __init__(self, grid: Grid, job: Job, engine: str, machine: Mapping[str, str], progress: Report) -> None:
        self.job = job
        self.engine = engine
        self.machine = machine
        self.progress = progress
        self.federation = Federation(grid, job)
        self.harmonizers = harmonizers_of(job.plan)
        self.keys = keys_of(job)
        self.costs = RehearsalCosts()
        self.same_as: dict[str, str] = {}
        self.done = 0
        self.bytes = 0
        self.notes: list[str] = []
        self.since = time.monotonic()

    def result(self) -> RehearsalResult:
        plan = self.job.plan
        described = self.federation.join()
        facts = {site: payload.facts for site, payload in described.payloads.items()}
        withheld = {site: why for site, fact in facts.items() if (why := str(fact["withheld"]))}
        taking_part = [site for site in facts if site not in withheld]
        if not taking_part:
            reasons = "; ".join(f"{site}: {why}" for site, why in withheld.items())
            raise EngineError(
                f"no site has enough patients for a rehearsal ({reasons}); collect more cases, or run shiftscope trial"
            )
        cases = {site: [int(count) for count in facts[site]["cases"]] for site in taking_part}
        references = self._references(taking_part)
        scale, features = self._features(taking_part, references)
        self.keys = [key for key in self.keys if key[1] not in self.same_as]
        self.harmonizers = tuple(name for name in self.harmonizers if name not in self.same_as)
        shared = blank_shared(self.keys, features, count_outputs(self.job.plan))
        for number in range(1, BUDGET.rounds + 1):
            answers = self._ask("train.heads", taking_part, _heads(shared, {"round": number, "scale": scale}), "heads")
            replies = {site: _tensors(site, payload, shared) for site, payload in answers.payloads.items()}
            if not replies:
                raise EngineError(f"no site sent heads in round {number} ({'; '.join(answers.failures.values())})")
            self.costs.add_round(answers.bytes, [float(each.facts["seconds"]) for each in answers.payloads.values()])
            shared = average_heads(self.keys, replies, cases)
        said = self._judged(taking_part, shared, scale)
        even = all(facts[site]["even"] for site in said)
        strategies = [
            each for each in strategies_of(self.harmonizers, plan) if not (even and each.method == "balanced")
        ]
        equivalent = equivalents(self.same_as, even)
        patients = {site: fact["patients"] for site, fact in facts.items()}
        account = RehearsalAccount(plan, strategies, said, patients, withheld, equivalent)
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
            left_out=left_out(plan),
            cost=Cost(bytes=self.bytes, seconds=time.monotonic() - self.since),
            machine=dict(self.machine),
            notes=tuple(dict.fromkeys(self.notes)),
        )
        result.write(self.job.result_path)
        return result

    def _references(self, sites: Sequence[str]) -> dict[str, dict[int, Statistics]]:
        """Harmonizer -> fold -> what the sites agreed on; one question for an exchange of all of them."""
        fitted = [name for name in self.harmonizers if HARMONIZERS[name].shares]
        agreed: dict[str, dict[int, Statistics]] = {
            name: dict.fromkeys(range(self.job.plan.folds), NOTHING) for name in fitted
        }
        for number in range(max((len(HARMONIZERS[name].exchanges) for name in fitted), default=0)):
            asked = [
                (name, fold) for name in fitted if number < len(HARMONIZERS[name].exchanges) for fold in agreed[name]
            ]
            known = {key: agreed[name][fold] for name, fold in asked for key in [f"{name}/{fold}"]}
            question = Payload(statistics=prefixed(known), facts={"asked": asked, "exchange": number})
            answers = self._ask("query.shares", sites, question, "harmonizers")
            shares = {site: apart(payload.statistics) for site, payload in sorted(answers.payloads.items())}
            for name, fold in asked:
                given = [share for found in shares.values() if (share := found.get(f"{name}/{fold}"))]
                if not given:
                    raise EngineError(
                        f"harmonizer {name}: no site has {HARMONIZERS[name].min_patients} training patients with"
                        " anything to share; the rehearsal needs larger sites"
                    )
                agreed[name][fold] = combine(HARMONIZERS[name], number, given, agreed[name][fold])
        return agreed

    def _features(
        self, sites: Sequence[str], references: Mapping[str, Mapping[int, Statistics]]
    ) -> tuple[list[float], int]:
        """Have every site see all of its cases; the scale that features are divided by, and how many there are."""
        scale, features = [1.0], 0
        for name in (None, *self.harmonizers):
            given = prefixed({str(fold): agreed for fold, agreed in references.get(name or "", {}).items()})
            question = Payload(statistics=given, facts={"harmonizer": name})
            answers = self._ask("query.features", sites, question, f"features, {name or 'images as they are'}")
            self.costs.add_features(name, [float(each.facts["seconds"]) for each in answers.payloads.values()])
            if name is None:
                facts = [payload.facts for payload in answers.payloads.values()]
                if not facts:
                    raise EngineError(f"no site has features ({'; '.join(answers.failures.values())})")
                squares = np.mean([fact["squares"] for fact in facts], axis=0)
                scale = [math.sqrt(square) or 1.0 for square in squares.tolist()]
                features = int(facts[0]["features"])
            elif same := set.intersection(*(set(each.facts["same_as"]) for each in answers.payloads.values())):
                self.same_as[name] = min(same)
        return scale, features

    def _judged(
        self, sites: Sequence[str], shared: Mapping[str, torch.Tensor], scale: Sequence[float]
    ) -> dict[str, HeadScores]:
        """Site -> its scores of all strategies."""
        facts = {"scale": scale}
        answers = self._ask("query.weights", sites, _heads(shared, facts), "each site's own heads")
        self.costs.add_own([float(each.facts["seconds"]) for each in answers.payloads.values()])
        found = {
            site: {name: _own_weights(payload.tensors[name]) for name, _, _ in self.keys}
            for site, payload in answers.payloads.items()
        }
        weights = site_weights(self.keys, found)
        asked = {
            site: Payload(
                tensors={name: heads.numpy() for name, heads in shared.items()},
                statistics={name: np.asarray(each) for name, each in of_site.items()},
                facts=facts,
            )
            for site, of_site in weights.items()
        }
        judged = self._ask("evaluate.heads", list(asked), asked, "scores")
        if not judged.payloads:
            raise EngineError(f"no site judged the heads ({'; '.join(judged.failures.values())})")
        return {site: _scores(site, payload) for site, payload in judged.payloads.items()}

    def _ask(
        self, question: str, sites: Sequence[str], payload: Payload | Mapping[str, Payload], doing: str
    ) -> Replies:
        """Ask some sites; note who cannot answer, add up the bytes, report."""
        since = time.monotonic()
        asked = dict.fromkeys(sites, payload) if isinstance(payload, Payload) else dict(payload)
        answers = self.federation.ask(question, asked)
        answers.failures = {site: why for site, why in answers.failures.items() if site in asked}
        self.notes += answers.failure_notes(f"answer ({doing})")
        self.bytes += answers.bytes
        self.done += 1
        entry = RoundEntry(
            round=self.done,
            arm=doing,
            seed=0,
            replies=reply_statuses(asked, answers.failures),
            loss=None,
            bytes=answers.bytes,
            seconds=time.monotonic() - since,
        )
        with (self.job.out / "rounds.jsonl").open("a", encoding="utf-8") as log:
            log.write(entry.model_dump_json() + "\n")
        self.progress(round_progress(entry, self.job, self.done))
        return answers


def _heads(shared: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> Payload:
    return Payload(tensors={name: heads.numpy() for name, heads in shared.items()}, facts=facts)


def _tensors(site: str, payload: Payload, expected: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A site's heads, believed where they can be.

    Raises:
        EngineError: they cannot.
    """
    for name, heads in expected.items():
        found = payload.tensors.get(name)
        if found is None or found.shape != tuple(heads.shape) or not np.isfinite(found).all():
            raise EngineError(f"site {site}: sent no heads {tuple(heads.shape)} of finite numbers for {name}")
    return {name: torch.from_numpy(payload.tensors[name]) for name in expected}


def _own_weights(rows: np.ndarray) -> list[OwnWeight | None]:
    return [OwnWeight(float(mean), float(variance)) if np.isfinite(mean) else None for mean, variance in rows]


def _scores(site: str, payload: Payload) -> HeadScores:
    """What a site said, believed where it can be.

    Raises:
        EngineError: it cannot.
    """
    names, freedom = tuple(payload.facts["strategies"]), int(payload.facts["freedom"])
    covariance = payload.tensors["covariance"].astype(np.float64)
    if covariance.shape != (len(names), 1, len(names), 1) or freedom < int(np.isfinite(covariance).any()):
        raise EngineError(f"site {site}: sent a covariance of {covariance.shape} for {len(names)} strategies")
    means, validation = (
        {name: float("nan") if value is None else float(value) for name, value in payload.facts[kind].items()}
        for kind in ("means", "validation")
    )
    return HeadScores(means, PatientSpread(names, covariance, freedom), validation)
