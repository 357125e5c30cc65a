"""A coordinator that hears of an answer soon after it came, and of a node that is gone by its name: Flower's own looks
every three seconds, and its SuperLink answers for such a node without saying which."""

import time
from collections.abc import Iterable

from flwr.app import Error, Message, RecordDict
from flwr.serverapp import Grid

from shiftscope.training.federation.flower.messages import OFFLINE

__all__ = ["PromptGrid"]

_FIRST_S, _LONGEST_S, _SLOWER = 0.2, 3.0, 1.2


class PromptGrid(Grid):  # type: ignore[misc]  # flwr is not typed
    """Another grid, asked for replies at once and then less and less often.

    Args:
        grid: that carries everything.
    """

    def __init__(self, grid: Grid) -> None:
        self.grid = grid

    def set_run(self, run: object) -> None:
        """As the other grid does."""
        self.grid.set_run(run)

    @property
    def run(self) -> object:
        """The other grid's."""
        return self.grid.run

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """As the other grid does."""
        return self.grid.create_message(content, message_type, dst_node_id, group_id, ttl)

    def get_node_ids(self) -> Iterable[int]:
        """The nodes that are online."""
        found: Iterable[int] = self.grid.get_node_ids()
        return found

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Send messages; their identifiers."""
        sent: Iterable[str] = self.grid.push_messages(messages)
        return sent

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """The replies that came."""
        found: Iterable[Message] = self.grid.pull_messages(message_ids)
        return found

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """Send messages and wait for their replies; those that came when the time is up."""
        asked = [*messages]
        sent = dict(zip(self.push_messages(asked), asked, strict=False))  # none of them where there are too many bytes
        open_ids, replies = {*sent} - {None}, list[Message]()
        end, pause = None if timeout is None else time.monotonic() + timeout, _FIRST_S
        while open_ids:
            found = {reply.metadata.reply_to_message_id: reply for reply in self.pull_messages(open_ids)}
            replies += [_of_its_node(reply, sent[message_id]) for message_id, reply in found.items()]
            open_ids -= {*found}
            if not open_ids or (end is not None and time.monotonic() > end):
                break
            time.sleep(pause)
            pause = min(pause * _SLOWER, _LONGEST_S)
        return replies


def _of_its_node(reply: Message, asked: Message) -> Message:
    """A reply from the node that was asked, also where the SuperLink says that it went offline. What else the SuperLink
    says in its own name is that an answer can no longer be had: there is none."""
    if not reply.has_error() or reply.error.code != OFFLINE:
        return reply
    return Message(Error(code=reply.error.code, reason=reply.error.reason), reply_to=asked)
