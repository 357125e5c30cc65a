"""A run whose answers are had again without training, forged or through a gate on their way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flwr.app import Message
from recorded_runs import Recorded, apart, arms_for, go_on, job_for
from small_hospitals import segmented

from shiftscope.plans import RunResult
from shiftscope.training.arms import arm_of
from shiftscope.training.federation.flower.inline import InlineGrid
from shiftscope.training.federation.flower.messages import pack, refuse, unpack
from shiftscope.training.federation.payloads import Payload

__all__ = ["Forge", "Passing", "Replayed", "honest_run"]

Forge = Callable[[Payload], Payload]
"""Honest answer -> what is sent instead."""

Passing = Callable[[str, str, Payload, Payload], Payload | str]
"""(site, question, what was asked, honest answer) -> what arrives, or why nothing does."""


@dataclass(frozen=True)
class Replayed:
    """What sites answered in an honest run of one round."""

    recorded: Recorded

    def forged(self, out: Path, question: str, forge: Forge, who: str) -> RunResult:
        """The same job, with one question forged by some sites, told by the letters of their names."""

        def passing(site: str, kind: str, _asked: Payload, answer: Payload) -> Payload:
            return forge(answer) if kind == question and site in who else answer

        return self.again(out, passing).result

    def again(self, out: Path, passing: Passing) -> Recorded:
        """The same job, each answer on its way through `passing`."""
        answers = {(site, kind, _key(asked)): answer for site, kind, asked, answer in self.recorded.log}
        sites = self.recorded.job.sites

        class Grid(InlineGrid):
            def _deliver(self, message: Message) -> Message:
                at = self.contexts[message.metadata.dst_node_id].node_config["partition-id"]
                site, kind, asked = sites[int(at)], message.metadata.message_type, unpack(message.content)
                arrives = passing(site, kind, asked, answers[site, kind, _key(asked)])
                if isinstance(arrives, str):
                    return refuse(message, arrives)
                return Message(pack(arrives), reply_to=message)

        job = self.recorded.job.model_copy(update={"out": out})
        job.write(job.path)
        return go_on(job, Grid)


def _key(asked: Payload) -> str:
    return str([asked.facts.get(name) for name in ("arm", "seed", "round", "harmonizer", "fold", "exchange")])


def honest_run(root: Path, names: Sequence[str] = ("fedavg", "scaffold")) -> Replayed:
    """Four sites, one round of these algorithms, and of FedAvg behind a harmonizer."""
    data = segmented(root / "data", {"a": 1.0, "b": 2.0, "c": 0.6, "d": 1.4}, size=16)
    plan = apart(data, rounds=1)
    arms = [*arms_for(plan, names), arm_of(plan, "mapped", "fedavg", "quantile_map")]
    return Replayed(go_on(job_for(plan, data, root / "honest", arms)))
