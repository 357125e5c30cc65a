"""Flower's FedAvg with our aggregation, an account of every reply, and a checkpoint after every round."""

import time
from collections.abc import Callable, Iterable

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg

from shiftscope.errors import EngineError
from shiftscope.harmonizers import Statistics
from shiftscope.plans import RoundEntry, SiteRound
from shiftscope.training.algorithms.aggregation import Tensors, Update
from shiftscope.training.algorithms.algorithm import Algorithm, Server
from shiftscope.training.federation.flower.messages import Payload, from_record, to_record
from shiftscope.training.federation.flower.site_nodes import Federation, Replies, reply_statuses
from shiftscope.training.runs.jobs import Arm
from shiftscope.training.runs.states import Checkpoint, save_checkpoint

__all__ = ["AccountedFedAvg"]


class AccountedFedAvg(FedAvg):  # type: ignore[misc]  # flwr is not typed
    """One strategy and seed, from where its checkpoint stands to the last round."""

    def __init__(
        self,
        federation: Federation,
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
        """Updates with exactly the tensors that were sent out, all finite; the others join the failures."""
        updates = []
        for site, payload in answers.payloads.items():
            if problem := _unsound(payload.tensors, self._asked[site].tensors):
                answers.failures[site] = problem
                continue
            spent = {**payload.facts["spent"], "up": answers.up[site], "down": answers.down[site]}
            facts = payload.facts
            updates.append(
                Update(site, payload.tensors, facts["cases"], facts["loss"], SiteRound.model_validate(spent))
            )
        return updates


def _unsound(sent: Tensors, expected: Tensors) -> str | None:
    if sent.keys() != expected.keys():
        odd = sorted(sent.keys() ^ expected.keys())
        return f"sent other tensors than the shared ones ({odd[0]} and {len(odd) - 1} more)"
    for name, tensor in sent.items():
        if tensor.shape != expected[name].shape:
            return f"sent {name} with shape {tensor.shape}, expected {expected[name].shape}"
        if not np.isfinite(tensor).all():
            return f"sent {name} with values that are not finite: its training diverged"
    return None


def _mean_loss(updates: list[Update]) -> float | None:
    """Weighted as the tensors are."""
    return float(np.average([u.loss for u in updates], weights=[u.cases for u in updates])) if updates else None
