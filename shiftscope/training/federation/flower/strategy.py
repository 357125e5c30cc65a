"""Flower's FedAvg with our aggregation, an account of every reply, and a checkpoint after every round."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg

from shiftscope.errors import EngineError
from shiftscope.harmonizers import Statistics
from shiftscope.plans import RoundEntry
from shiftscope.training.algorithms.aggregation import Tensors, Update, planned_cases
from shiftscope.training.algorithms.algorithm import Algorithm, Server
from shiftscope.training.algorithms.update_checks import (
    Distances,
    distances_of,
    farthest_of,
    require_form,
    require_reachable,
    standing_out,
)
from shiftscope.training.evaluation.fairness import off_budget
from shiftscope.training.federation.flower.messages import from_record, to_record
from shiftscope.training.federation.flower.site_nodes import Federation, Replies, reply_statuses
from shiftscope.training.federation.payloads import Payload
from shiftscope.training.federation.run_answers import read_round
from shiftscope.training.runs.answer_values import is_kept, most_cases
from shiftscope.training.runs.jobs import Arm, Job
from shiftscope.training.runs.states import Checkpoint, save_checkpoint

__all__ = ["AccountedFedAvg"]


class AccountedFedAvg(FedAvg):  # type: ignore[misc]  # flwr is not typed
    """One strategy and seed, from where its checkpoint stands to the last round."""

    def __init__(
        self,
        federation: Federation[Job],
        algorithm: Algorithm,
        arm: Arm,
        seed: int,
        reference: Statistics,
        server: Server,
        state: Checkpoint,
        note: Callable[[RoundEntry], None],
    ) -> None:
        super().__init__(min_train_nodes=1, min_evaluate_nodes=1, min_available_nodes=1)
        self.federation = federation
        self.algorithm = algorithm
        self.arm = arm
        self.seed = seed
        self.reference = reference
        self.server = server
        self.state = state
        self.note = note
        self._shared: Tensors = {}
        self._asked: dict[str, Payload] = {}
        self._since = 0.0

    def run(self) -> None:
        """The rounds that are left, by Flower's own loop."""
        left = self.algorithm.federated(self.arm.rounds) - self.state.round
        if left > 0:
            timeout = self.federation.job.timeout_s
            self.start(self.federation.grid, to_record(self.state.shared), num_rounds=left, timeout=timeout)

    def payloads(self, shared: Tensors, **facts: object) -> dict[str, Payload]:
        """What each site receives: its model of what is shared, the reference, the facts.

        Among these is the last round whose update of the site was accepted, from which it goes on.
        """
        facts = {"arm": self.arm.name, "seed": self.seed, **facts}
        return {
            site: Payload(
                self.algorithm.model_for_site(shared, self.server, site),
                self.reference,
                {**facts, "accepted": self.state.accepted(site)},
            )
            for site in self.federation.nodes
        }

    def configure_train(
        self, _server_round: int, arrays: ArrayRecord, _config: ConfigRecord, _grid: Grid
    ) -> Iterable[Message]:
        """A message to every site of the federation: nobody is sampled out. Pooled cases are trained on once."""
        self._shared = from_record(arrays)
        asked = self.payloads(self._shared, round=self.state.round + 1)
        self._asked = dict(list(asked.items())[:1]) if self.algorithm.pools else asked
        self._since = time.monotonic()
        return self.federation.messages("train", self._asked)

    def aggregate_train(self, _server_round: int, replies: Iterable[Message]) -> tuple[ArrayRecord, MetricRecord]:
        """Average what is sound, note what is not, and make the round permanent.

        Raises:
            EngineError: no site answered.
        """
        number = self.state.round + 1
        answers = self.federation.collect(replies, self._asked)
        updates = self._sound(answers)
        entry = RoundEntry(
            round=number,
            arm=self.arm.name,
            seed=self.seed,
            replies=reply_statuses([*self._asked, *self.federation.missing], answers.failures),
            loss=_mean_loss(updates),
            bytes=answers.bytes,
            seconds=time.monotonic() - self._since,
            sites={update.site: update.spent for update in updates},
            distances=self._distances({update.site: update for update in updates}),
            kept={update.site: kept for update in updates if (kept := _kept(answers.payloads[update.site]))},
        )
        if not updates:
            self.note(entry)
            why = "; ".join(f"{site}: {reason}" for site, reason in answers.failures.items())
            raise EngineError(
                f"{self.arm.name} seed {self.seed} round {number}: no site sent an update ({why});"
                " mend the sites and resume"
            )
        self.state.shared = self.algorithm.aggregate(self._shared, updates, self.server)
        self.state.memory = self.server.memory
        self.state.round = number
        self.state.entries.append(entry)
        save_checkpoint(self.federation.job.checkpoint(self.arm.name, self.seed), self.state)
        self.note(entry)
        return to_record(self.state.shared), MetricRecord({"loss": float(entry.loss or 0.0)})

    def configure_evaluate(self, *_args: object) -> Iterable[Message]:
        """Test cases are asked for once, after the last round, by the coordinator."""
        return []

    def aggregate_evaluate(self, *_args: object) -> None:
        """Nothing was asked."""

    def _sound(self, answers: Replies) -> list[Update]:
        """Updates that can be, each by itself and beside the others; the other sites join the failures."""
        updates: dict[str, Update] = {}
        for site, payload in answers.payloads.items():
            try:
                updates[site] = self._update(site, payload, answers)
            except EngineError as problem:
                answers.failures[site] = str(problem)
        odd = self._off_budget(updates) | standing_out(self._distances(updates), self._earlier())
        answers.failures |= odd
        return [update for site, update in updates.items() if site not in odd]

    def _update(self, site: str, payload: Payload, answers: Replies) -> Update:
        """What a site sent, where it can be by itself.

        A site that keeps its number of cases weighs what the plan expects of it.

        Raises:
            EngineError: it cannot.
        """
        plan, expected, number = self.server.plan, self._asked[site].tensors, self.state.round + 1
        require_form(payload.tensors, expected)
        if not self.algorithm.jumps:
            farthest = farthest_of(plan, self.arm.rounds, number)
            require_reachable(payload.tensors, expected, self.server.learnable, farthest)
        counted = plan.sites if self.algorithm.pools else (site,)
        said = read_round(payload.facts, sum(most_cases(plan, each) for each in counted))
        cases = max(1, round(sum(planned_cases(plan, each) for each in counted))) if said.cases is None else said.cases
        spent = said.spent.model_copy(update={"up": answers.up[site], "down": answers.down[site]})
        return Update(site, payload.tensors, cases, said.loss, spent)

    def _off_budget(self, updates: Mapping[str, Update]) -> dict[str, str]:
        """Sites that did something else in this round than the others."""
        plan, arm, number = self.server.plan, self.arm, self.state.round + 1
        spent = {site: update.spent for site, update in updates.items()}
        return off_budget(
            spent,
            self.algorithm.steps_in_round(number, arm.rounds, plan.local_steps),
            self.server.start,
            {site: each.passes + self.state.passes(site) for site, each in spent.items()},
            self.federation.job.declared_passes(arm.name),
        )

    def _distances(self, updates: Mapping[str, Update]) -> dict[str, Distances]:
        """How far each update lies from what its site had received."""
        learnable, changes = self.server.learnable, self.algorithm.sends_changes
        return {
            site: distances_of(update.tensors, self._asked[site].tensors, learnable, changes)
            for site, update in updates.items()
        }

    def _earlier(self) -> list[Distances]:
        """Of all updates that were accepted in earlier rounds."""
        return [distances for entry in self.state.entries for distances in entry.distances.values()]


def _kept(answer: Payload) -> tuple[str, ...]:
    """What a site's policy keeps of a round."""
    return tuple(name for name in ("cases", "loss") if is_kept(answer.facts.get(name)))


def _mean_loss(updates: Sequence[Update]) -> float | None:
    """Weighted as the tensors are, over the sites that tell theirs."""
    losses = [update.loss for update in updates if update.loss is not None]
    weights = [update.cases for update in updates if update.loss is not None]
    return float(np.average(losses, weights=weights)) if losses else None
