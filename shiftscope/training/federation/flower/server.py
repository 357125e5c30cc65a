"""The app of the coordinator: every strategy and seed of a job in one run, then the account."""

import json
import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import flwr
import numpy as np
import torch
from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from shiftscope.errors import EngineError, ShiftscopeError
from shiftscope.files import write_text
from shiftscope.harmonizers import NOTHING, Statistics
from shiftscope.plans import Cost, RoundEntry, RunResult
from shiftscope.progress import Report, silent
from shiftscope.training.algorithms.families import find_algorithm
from shiftscope.training.data.split_marks import require_same_splits
from shiftscope.training.evaluation.accounts import Account, SiteFacts
from shiftscope.training.evaluation.fairness import refuse_unequal
from shiftscope.training.evaluation.leaks import leak_notes
from shiftscope.training.evaluation.patient_spreads import PatientSpread
from shiftscope.training.evaluation.primary_claims import PrimaryClaim, primary_claim
from shiftscope.training.evaluation.run_summaries import summarise
from shiftscope.training.federation.flower.agreements import Agreement, agree_on
from shiftscope.training.federation.flower.deployed.prompt_grids import PromptGrid
from shiftscope.training.federation.flower.rehearsal_questions import rehearse_over
from shiftscope.training.federation.flower.site_nodes import Federation, Replies
from shiftscope.training.federation.flower.strategy import AccountedFedAvg
from shiftscope.training.federation.judged_models import judged_models
from shiftscope.training.federation.kept_values import kept_note
from shiftscope.training.federation.payloads import Payload
from shiftscope.training.federation.run_answers import (
    SiteDescription,
    read_description,
    read_spread,
)
from shiftscope.training.federation.starting_models import initial_tensors, server_of
from shiftscope.training.runs.answer_values import most_cases
from shiftscope.training.runs.array_files import require_alike
from shiftscope.training.runs.jobs import UNGATED, Arm, Job
from shiftscope.training.runs.round_progress import round_progress
from shiftscope.training.runs.states import Checkpoint, ReceivedEvaluation, load_checkpoint, save_checkpoint

__all__ = ["FAILURE", "ROUNDS", "coordinate", "machine_of", "server"]

FAILURE = "failure.json"
"""Where a coordinator in another process leaves the kind of error and the line that explains it."""

ROUNDS = "rounds.jsonl"
"""One line per finished round, for whoever follows the run."""


def coordinate(grid: Grid, job: Job, engine: str, progress: Report = silent) -> RunResult:
    """Run the job over `grid` and write `result.json`.

    Continues from the checkpoints under `job.out`, where there are any.

    Args:
        progress: called after every round; the file `rounds.jsonl` says the same to other processes.

    Raises:
        EngineError: the job cannot give a result.
    """
    return _Run(grid, job, engine, progress).result()


class _Run:
    """One job under way."""

    def __init__(self, grid: Grid, job: Job, engine: str, progress: Report) -> None:
        self.job = job
        self.progress = progress
        self.rounds_done = 0
        self.engine = engine
        self.federation = Federation(grid, job)
        self.since = time.monotonic()
        self.asked_bytes = 0
        self.earlier_s = 0.0
        self.kept: dict[str, frozenset[str]] = {}
        self.notes = job.interruptions

    def result(self) -> RunResult:
        described = self._join()
        require_same_splits(self.job.out, {site: said.split for site, said in described.items()})
        agreements = self._agreements()
        facts = {site: _facts(site, said, agreements) for site, said in described.items()}
        runs: dict[tuple[str, int], Checkpoint] = {}
        claims: list[PrimaryClaim] = []
        for analysis in self.job.plan.analyses:
            seeds = self.job.plan.every_seed[: analysis.seeds]
            runs |= self._trained([seed for seed in seeds if (self.job.arms[0].name, seed) not in runs], agreements)
            refuse_unequal(self.job, runs)
            spreads = self._spreads(seeds, runs)
            account = Account.of(self.job, runs, facts, spreads, analysis.level, self.kept)
            claims.append(primary_claim(account))
            if claims[-1].settled:
                break
        spent = sum(entry.bytes for run in runs.values() for entry in run.entries)
        spent += sum(run.evaluation_bytes for run in runs.values()) + self.asked_bytes
        cost = Cost(bytes=spent, seconds=time.monotonic() - self.since + self.earlier_s)
        keeping = [site for site in self.job.sites if account.kept_at(site)]
        self.notes += [kept_note(site, account.kept_at(site), account.few_at(site)) for site in keeping]
        result = summarise(account, claims, self.engine, cost, machine_of(self.job), self.notes)
        result.write(self.job.result_path)
        return result

    def _join(self) -> dict[str, SiteDescription]:
        """What sites say of themselves; one that says what cannot be takes no part.

        Raises:
            EngineError: no site is left.
        """
        answers, described = self.federation.join(), {}
        self.asked_bytes += answers.bytes
        for site, payload in answers.payloads.items():
            try:
                described[site] = read_description(site, payload.facts, self.job.plan)
            except EngineError as problem:
                del self.federation.nodes[site]
                self.federation.missing[site] = f"takes no part: {problem}"
        if not described:
            raise EngineError(f"no site could take part: {'; '.join(self.federation.missing.values())}")
        for site, said in described.items():
            self._keep(site, said.kept)
        return described

    def _keep(self, site: str, names: Iterable[str]) -> None:
        """Remember what a site's policy keeps at the site."""
        self.kept[site] = self.kept.get(site, frozenset()) | {*names}

    def _agreements(self) -> dict[tuple[str, int], Agreement]:
        """(harmonizer, fold) -> what the sites agreed on."""
        made = {
            (name, fold): agree_on(name, fold, self.job, self.federation)
            for name in self.job.harmonizers
            for fold in range(self.job.plan.folds)
        }
        self.asked_bytes += sum(agreement.bytes for agreement in made.values())
        self.notes += dict.fromkeys(note for agreement in made.values() for note in agreement.notes)
        for agreement in made.values():
            for site, names in agreement.kept.items():
                self._keep(site, names)
        for name in self.job.harmonizers:
            in_folds = [agreement.signals for (of, _), agreement in made.items() if of == name]
            self.notes += leak_notes(self.job.plan, name, in_folds)
        return made

    def _trained(
        self, seeds: Sequence[int], agreements: Mapping[tuple[str, int], Agreement]
    ) -> dict[tuple[str, int], Checkpoint]:
        """Every strategy, with these seeds."""
        runs = {}
        for arm in self.job.arms:
            for seed in seeds:
                agreed = agreements.get((arm.harmonizer or "", self.job.plan.fold_of(seed)))
                runs[arm.name, seed] = self._strategy(arm, seed, agreed.reference if agreed else NOTHING)
        return runs

    def _strategy(self, arm: Arm, seed: int, reference: Statistics) -> Checkpoint:
        """Train and judge one strategy with one seed."""
        algorithm = find_algorithm(arm.algorithm)
        kept, fresh = self.job.checkpoint(arm.name, seed), initial_tensors(self.job, algorithm, seed)
        if (state := load_checkpoint(kept)) is None:
            state = Checkpoint(0, fresh)
        else:
            require_alike(kept, state.shared, fresh)
        self.earlier_s += sum(entry.seconds for entry in state.entries)
        for entry in state.entries:
            self._note(entry)
        server = server_of(self.job, algorithm, seed)
        server.memory = state.memory
        strategy = AccountedFedAvg(self.federation, algorithm, arm, seed, reference, server, state, self._note)
        strategy.run()
        asked = strategy.payloads(state.shared)
        asked = {site: payload for site, payload in asked.items() if site not in state.evaluation}
        if asked:
            answers = self.federation.ask("evaluate", asked)
            said = {site: payload.facts for site, payload in answers.payloads.items()}
            judged, odd = judged_models(said, self.job, arm, state)
            answers.failures |= odd
            self.notes += answers.failure_notes(f"judge {arm.name} seed {seed}")
            if not judged and not state.evaluation:
                why = "; ".join(answers.failures.values())
                raise EngineError(f"no site could judge {arm.name} seed {seed} ({why}); mend the sites and resume")
            state.evaluation |= {site: _with_bytes(found, site, answers) for site, found in judged.items()}
            state.evaluation_bytes += answers.bytes
            save_checkpoint(self.job.checkpoint(arm.name, seed), state)
        return state

    def _spreads(self, seeds: Sequence[int], runs: Mapping[tuple[str, int], Checkpoint]) -> dict[str, PatientSpread]:
        """Site -> how strategies' differences from the first vary with its patients; none with nothing to compare.

        Each site is told which of its evaluations arrived, and whether it keeps the baseline's model by them.
        Asked again after every analysis: with more seeds there is more to say.
        """
        if len(self.job.arms) < 2:
            return {}
        asked = {site: _judged(site, seeds, runs) for site in self.federation.nodes}
        answers = self.federation.ask("query.compare", asked)
        self.asked_bytes += answers.bytes
        names = [arm.name for arm in self.job.arms[1:]]
        compared, plan = [*names, *(UNGATED + name for name in names)], self.job.plan
        spreads: dict[str, PatientSpread] = {}
        for site, answer in answers.payloads.items():
            try:
                found = read_spread(answer.facts, answer.tensors, compared, len(seeds), most_cases(plan, site))
            except EngineError as problem:
                answers.failures[site] = str(problem)
                continue
            if found is None:
                self._keep(site, ["spread"])
            else:
                spreads[site] = found
        self.notes += answers.failure_notes("compare the strategies")
        return spreads

    def _note(self, entry: RoundEntry) -> None:
        """Append to the log that whoever waits for this run follows, and report."""
        self.rounds_done += 1
        with (self.job.out / ROUNDS).open("a", encoding="utf-8") as log:
            log.write(entry.model_dump_json() + "\n")
        self.progress(round_progress(entry, self.job, self.rounds_done))


def _facts(site: str, said: SiteDescription, agreements: Mapping[tuple[str, int], Agreement]) -> SiteFacts:
    """What the site said, and how much each harmonizer changed there, on average over folds."""
    changed: dict[str, list[float]] = {}
    for (name, _), agreement in agreements.items():
        if site in agreement.changed:
            changed.setdefault(name, []).append(agreement.changed[site])
    means = {name: float(np.mean(values)) for name, values in changed.items()}
    return SiteFacts(said.patients, said.left_out, means)


def _judged(site: str, seeds: Sequence[int], runs: Mapping[tuple[str, int], Checkpoint]) -> Payload:
    arrived = {key: run.evaluation[site] for key, run in runs.items() if site in run.evaluation}
    judged = [[arm, seed, answer.kept_baseline] for (arm, seed), answer in arrived.items()]
    return Payload(facts={"seeds": list(seeds), "judged": judged})


def _with_bytes(found: ReceivedEvaluation, site: str, answers: Replies) -> ReceivedEvaluation:
    """A judgement with what asking for it cost."""
    spent = found.spent.model_copy(update={"up": answers.up[site], "down": answers.down[site]})
    return found.model_copy(update={"spent": spent})


def machine_of(job: Job) -> dict[str, str]:
    """Where a result was made."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        "device": job.device,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "flower": flwr.__version__,
    }


def main(grid: Grid, context: Context) -> None:
    """What Flower calls in a process of its own."""
    job = Job.read(Path(str(context.run_config["job"])), EngineError)
    grid, engine = (PromptGrid(grid), "deploy") if job.nodes else (grid, "flower")
    try:
        if job.questions:
            rehearse_over(grid, job, engine, machine_of(job))
        else:
            coordinate(grid, job, engine)
    except ShiftscopeError as problem:
        write_text(job.out / FAILURE, json.dumps([type(problem).__name__, str(problem)]))
        raise


server = ServerApp()
server.main()(main)
