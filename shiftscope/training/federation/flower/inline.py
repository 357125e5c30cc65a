"""Flower's own strategy and client app in this process: for tests, debugging and benchmarks."""

import logging
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from flwr.app import Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid

from shiftscope.plans import RunResult
from shiftscope.progress import Report, silent
from shiftscope.training.federation.flower.client import client, participant
from shiftscope.training.federation.flower.rehearsal_questions import rehearse_over
from shiftscope.training.federation.flower.server import coordinate, machine_of
from shiftscope.training.runs.jobs import Job

__all__ = ["InlineGrid", "rehearse_inline", "run_inline", "task_identity"]

RUN_ID = 1
FIRST_NODE = 100


class InlineGrid(Grid):  # type: ignore[misc]  # flwr is not typed
    """Delivers a message by calling the client app; the answer is there at once.

    Attributes:
        log: every message and reply that passed, for tests that ask what left a site; None to keep none.
    """

    def __init__(self, job: Job, app: ClientApp = client, log: list[tuple[Message, Message]] | None = None) -> None:
        self.app = app
        self.log = log
        self.contexts = {
            FIRST_NODE + number: Context(
                run_id=RUN_ID,
                node_id=FIRST_NODE + number,
                node_config={"partition-id": number, "num-partitions": len(job.sites)},
                state=RecordDict(),
                run_config={"job": str(job.path)},
            )
            for number in range(len(job.sites))
        }
        self._waiting: dict[str, Message] = {}

    def set_run(self, run: object) -> None:
        """There is one run."""

    @property
    def run(self) -> object:
        """Flower's class has it; nothing here reads it, and Flower's public interface makes no such record."""
        raise NotImplementedError("an inline grid has no run record")

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """As Flower's grids do."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def get_node_ids(self) -> Iterable[int]:
        """One node per site, in the order of the job."""
        return list(self.contexts)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Deliver at once; replies wait to be pulled."""
        ids = []
        for message in messages:
            message.metadata.__dict__["_message_id"] = str(uuid.uuid4())
            reply = self._deliver(message)
            if self.log is not None:
                self.log.append((message, reply))
            self._waiting[message.metadata.message_id] = reply
            ids.append(message.metadata.message_id)
        return ids

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """The replies to these messages."""
        return [self._waiting.pop(identifier) for identifier in message_ids]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:  # noqa: ARG002 - never waits
        """Push, then pull."""
        return self.pull_messages(self.push_messages(messages))

    def _deliver(self, message: Message) -> Message:
        try:
            return self.app(message, self.contexts[message.metadata.dst_node_id])
        except Exception as problem:  # noqa: BLE001 - a dead client is an answer, as in Flower's own workers
            return Message(Error(code=2, reason=f"{type(problem)}"), reply_to=message)


@contextmanager
def task_identity() -> Iterator[None]:
    """Flower numbers messages by the process's task; outside its own processes that is ours to set."""
    from flwr.supercore.task_identity import TaskIdentity

    before = (TaskIdentity._task_id, TaskIdentity._run_id, TaskIdentity._node_id)
    TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, RUN_ID, 1
    try:
        yield
    finally:
        TaskIdentity._task_id, TaskIdentity._run_id, TaskIdentity._node_id = before


def run_inline(job: Job, progress: Report = silent) -> RunResult:
    """The whole job, one site after the other, in this process and one thread."""
    with _alone():
        return coordinate(InlineGrid(job), job, "inline", progress)


def rehearse_inline(job: Job, progress: Report = silent) -> None:
    """The whole rehearsal likewise."""
    with _alone():
        rehearse_over(InlineGrid(job), job, "inline", machine_of(job), progress)


@contextmanager
def _alone() -> Iterator[None]:
    """Flower without its own lines, and no site kept afterwards."""
    chatter = logging.getLogger("flwr")
    level = chatter.level
    chatter.setLevel(logging.ERROR)
    try:
        with task_identity():
            yield
    finally:
        chatter.setLevel(level)
        participant.cache_clear()
