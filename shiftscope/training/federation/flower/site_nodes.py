"""The sites as the coordinator reaches them: ask all, know who answered what."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from flwr.app import Message
from flwr.serverapp import Grid

from shiftscope.errors import EngineError
from shiftscope.printable_text import shown
from shiftscope.training.federation.flower.messages import failure_of, pack, size_of, unpack, weight_of
from shiftscope.training.federation.payloads import Payload

__all__ = ["Federation", "Replies", "WorkerDied", "reply_statuses"]

DEATHS = {"ActorDiedError", "ActorUnavailableError", "RayActorError", "WorkerCrashedError", "OutOfMemoryError"}
"""Ray's names for a worker process that is gone, a kill by the system for want of memory among them."""

JOIN_S = 120.0
"""The least to wait for nodes and their first answer: processes start, libraries load, images are read."""


class WorkerDied(EngineError):
    """A process that served the sites is gone.

    Flower's simulation goes on without replacing it and fails, at once, whatever it hands to the dead: in every later
    round other sites than the one to blame. Nothing from then on means anything, so the engine has to start anew.
    """


@dataclass(slots=True)
class Replies:
    """What came back for one question.

    Attributes:
        payloads: site -> its answer, sorted by site.
        failures: site -> why there is none.
        up, down: site -> payload bytes it sent and received.
    """

    payloads: dict[str, Payload] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    up: dict[str, int] = field(default_factory=dict)
    down: dict[str, int] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Payload of all sites, both ways."""
        return sum(self.up.values()) + sum(self.down.values())

    def failure_notes(self, what: str) -> list[str]:
        """A sentence for every site that did not do `what`, and why."""
        return [f"site {site} did not {what}: {why}" for site, why in self.failures.items()]


class Asked(Protocol):
    """Who is asked, and how long for; a `Job` is one."""

    @property
    def sites(self) -> Sequence[str]:
        """By name."""

    @property
    def timeout_s(self) -> float:
        """How long the slowest is waited for."""

    @property
    def nodes(self) -> Mapping[str, str]:
        """Site -> its node in a federation; none where nodes say who they are."""


AskedJob = TypeVar("AskedJob", bound=Asked)


class Federation(Generic[AskedJob]):
    """Names for Flower's nodes, and the bookkeeping of questions and answers."""

    def __init__(self, grid: Grid, job: AskedJob) -> None:
        self.grid = grid
        self.job = job
        self.nodes: dict[str, int] = {}
        self.missing: dict[str, str] = {}

    def join(self) -> Replies:
        """Ask every node who it is.

        Afterwards `nodes` maps the sites to nodes, and `missing` says why a site of the job is not among them.

        Raises:
            EngineError: fewer nodes than sites, or no site can take part.
            WorkerDied: an error says that a process is gone.
        """
        ids = self._node_ids()
        patience = max(JOIN_S, self.job.timeout_s)
        asked = [self._message("query.describe", Payload(), node, patience) for node in ids]
        replies = self.grid.send_and_receive(asked, timeout=patience)
        answers, reasons = Replies(), []
        for reply in replies:
            if reply.has_error():
                reasons.append(self._reason(reply))
                continue
            try:
                payload = unpack(reply.content)
                site = self._new_site(payload, reply.metadata.src_node_id)
            except EngineError as problem:
                reasons.append(str(problem))
                continue
            self.nodes[site] = reply.metadata.src_node_id
            answers.payloads[site] = payload
            answers.up[site] = size_of(reply.content)
        self.nodes = dict(sorted(self.nodes.items()))
        why = "; ".join(reasons) or f"no answer within {patience:g} s"
        absent = [site for site in self.job.sites if site not in self.nodes]
        self.missing = {site: f"never joined: {self._why_absent(site, ids, why)}" for site in absent}
        if not self.nodes:
            raise EngineError(f"no site could take part: {why}")
        return answers

    def enter(self) -> None:
        """Take the nodes of a federation's sites as they are online, and ask them nothing yet."""
        ids = self._node_ids()
        self.nodes = {site: int(node) for site, node in sorted(self.job.nodes.items()) if int(node) in ids}
        absent = [site for site in self.job.sites if site not in self.nodes]
        self.missing = {site: f"never joined: {self._why_absent(site, ids, '')}" for site in absent}

    def ask(self, question: str, payloads: Mapping[str, Payload]) -> Replies:
        """Send each site its payload and collect the answers; sites that never joined count as failures."""
        present = self.present(payloads)
        sent = self.messages(question, present)
        return self.collect(self.grid.send_and_receive(sent, timeout=self.job.timeout_s), present)

    def ask_all(self, question: str, payload: Payload) -> Replies:
        """Send the same payload to every site and collect the answers."""
        return self.ask(question, dict.fromkeys(self.nodes, payload))

    def present(self, payloads: Mapping[str, Payload]) -> dict[str, Payload]:
        """What is meant for sites that joined, in their order."""
        return {site: payloads[site] for site in self.nodes if site in payloads}

    def messages(self, question: str, payloads: Mapping[str, Payload]) -> list[Message]:
        """One message per site."""
        return [
            self._message(question, payload, self.nodes[site], self.job.timeout_s) for site, payload in payloads.items()
        ]

    def collect(self, replies: Iterable[Message], asked: Mapping[str, Payload]) -> Replies:
        """Sort replies by site; who did not reply, or with an error, is among the failures.

        Raises:
            WorkerDied: an error says that a process is gone.
        """
        by_node = {reply.metadata.src_node_id: reply for reply in replies}
        answers = Replies(
            failures=dict(self.missing), down={site: weight_of(payload) for site, payload in asked.items()}
        )
        for site in asked:
            reply = by_node.get(self.nodes[site])
            if reply is None:
                answers.failures[site] = f"no answer within {self.job.timeout_s:g} s"
            elif reply.has_error():
                answers.failures[site] = self._reason(reply)
            else:
                try:
                    answers.payloads[site] = unpack(reply.content)
                    answers.up[site] = size_of(reply.content)
                except EngineError as problem:
                    answers.failures[site] = str(problem)
        return answers

    def _reason(self, reply: Message) -> str:
        """Why a site failed. What sites of a federation say of processes is theirs, and ends nobody's run."""
        reason = failure_of(reply.error)
        if reason in DEATHS and not self.job.nodes:
            raise WorkerDied(f"a worker process died ({reason}), most often for want of memory")
        return reason

    def _message(self, question: str, payload: Payload, node: int, seconds: float) -> Message:
        """A question that nobody takes up once it is no longer waited for."""
        return Message(pack(payload), dst_node_id=node, message_type=question, ttl=seconds)

    def _new_site(self, payload: Payload, node: int) -> str:
        """The site that a node says it is; in a federation each site's key has one node, which cannot be another's.

        Raises:
            EngineError: it is none of the job's, or another node is it.
        """
        name = payload.facts.get("site")
        if name not in self.job.sites or name in self.nodes or int(self.job.nodes.get(str(name), node)) != node:
            raise EngineError(f"a node calls itself {shown(name)}, expected a site of the job that has not joined")
        return str(name)

    def _node_ids(self) -> list[int]:
        """The nodes to ask: in a federation those of the job's sites that are online, else one for each site."""
        known, deadline = set(map(int, self.job.nodes.values())), time.monotonic() + JOIN_S
        while True:
            online = self.grid.get_node_ids()
            ids = sorted(known.intersection(online) if known else online)
            if len(ids) >= len(self.job.sites):
                return ids
            if time.monotonic() > deadline:
                if known and ids:
                    return ids
                raise EngineError(
                    f"{len(ids)} of {len(self.job.sites)} nodes reported within {JOIN_S:g} s; expected one per site"
                )
            time.sleep(0.1)

    def _why_absent(self, site: str, asked: Sequence[int], why: str) -> str:
        """Why a site is not among those that joined, as far as it is known."""
        if site in self.job.nodes and int(self.job.nodes[site]) not in asked:
            return f"its SuperNode was not online within {JOIN_S:g} s"
        return why


def reply_statuses(sites: Iterable[str], failures: Mapping[str, str]) -> dict[str, str]:
    """Site -> "ok" or "failed: reason", for the sites that were asked."""
    return {site: f"failed: {failures[site]}" if site in failures else "ok" for site in sites}
