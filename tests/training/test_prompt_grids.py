"""Replies as a SuperLink hands them out: some late, some in its own name."""

from collections.abc import Iterable, Iterator

import pytest
from flwr.app import ConfigRecord, Error, Message, RecordDict
from flwr.common.constant import SUPERLINK_NODE_ID, ErrorCode
from flwr.serverapp import Grid

from shiftscope.training.federation.flower.deployed import prompt_grids
from shiftscope.training.federation.flower.deployed.prompt_grids import PromptGrid
from shiftscope.training.federation.flower.inline import task_identity
from shiftscope.training.federation.flower.messages import failure_of


@pytest.fixture(autouse=True)
def _task() -> Iterator[None]:
    with task_identity():
        yield


class SuperLink(Grid):
    """Node 11 answers, 12 goes offline, 13 says nothing, a message to 14 cannot be sent, and
    one to 15 has expired."""

    def __init__(self) -> None:
        self.asked: dict[str, Message] = {}
        self.pulls = 0

    def set_run(self, run: object) -> None: ...

    @property
    def run(self) -> object:
        return None

    def create_message(self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str) -> Message:
        raise NotImplementedError

    def get_node_ids(self) -> Iterable[int]:
        return [11, 12, 13, 14, 15]

    def push_messages(self, messages: Iterable[Message]) -> list[str | None]:
        out: list[str | None] = []
        for message in messages:
            node = message.metadata.dst_node_id
            message.metadata.__dict__["_message_id"] = f"to {node}"
            out.append(None if node == 14 else f"to {node}")
            self.asked[f"to {node}"] = message
        return out

    def pull_messages(self, message_ids: Iterable[str]) -> list[Message]:
        self.pulls += 1
        wanted, found = {*message_ids}, []
        if "to 11" in wanted:
            found.append(Message(RecordDict({"facts": ConfigRecord({"n": 1})}), reply_to=self.asked["to 11"]))
        if "to 12" in wanted and self.pulls > 1:
            found.append(self._says(ErrorCode.NODE_UNAVAILABLE, "to 12"))
        if "to 15" in wanted:
            found.append(self._says(ErrorCode.MESSAGE_UNAVAILABLE, "to 15"))
        return found

    def _says(self, code: int, asked: str) -> Message:
        """In its own name."""
        reply = Message(Error(code=code, reason="unavailable"), reply_to=self.asked[asked])
        reply.metadata.__dict__["_src_node_id"] = SUPERLINK_NODE_ID
        return reply

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> list[Message]:
        raise NotImplementedError


def test_replies_are_of_the_nodes_that_were_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_grids, "_FIRST_S", 0.01)
    asked = (Message(RecordDict(), dst_node_id=node, message_type="query.scores") for node in (11, 12, 13, 14, 15))
    answered, expired, gone = PromptGrid(SuperLink()).send_and_receive(asked, timeout=0.2)
    assert answered.metadata.src_node_id == 11
    assert answered.content["facts"] == ConfigRecord({"n": 1})
    assert expired.metadata.src_node_id == SUPERLINK_NODE_ID
    assert gone.metadata.src_node_id == 12
    assert failure_of(gone.error) == "its SuperNode went offline"


def test_nothing_is_waited_for_where_nothing_could_be_sent() -> None:
    class Full(SuperLink):
        def push_messages(self, messages: Iterable[Message]) -> list[str | None]:
            del messages
            return []

    asked = [Message(RecordDict(), dst_node_id=11, message_type="query.scores")]
    assert PromptGrid(Full()).send_and_receive(asked, timeout=60) == []
