"""Questions that were handed out to sites, until the sites have them."""

from dataclasses import dataclass

__all__ = ["HandedOut", "HandedOutAnswer"]

_MOST_BYTES = 1_000_000
"""Of an answer that is kept: a question's head, whose arrays a site asks for afterwards."""


@dataclass(frozen=True, slots=True)
class HandedOutAnswer:
    """What the SuperLink answered.

    Attributes:
        headers: as they are passed on.
        content: the body.
    """

    headers: tuple[tuple[bytes, bytes], ...]
    content: bytes


class HandedOut:
    """The last question of each site that it did not confirm yet.

    A SuperLink hands a question out once, whether the site gets it or not: where the network loses it, the site would
    wait for the next one, and the coordinator for as long as the plan lets a round wait. So it is given again until the
    site confirms it, or begins anew.
    """

    def __init__(self) -> None:
        self._kept: dict[str, HandedOutAnswer] = {}

    def unconfirmed(self, identity: str, answer: HandedOutAnswer) -> HandedOutAnswer:
        """What the site, known by its key, is given: this answer, or where it holds no question the last one that the
        site did not confirm.
        """
        if not answer.content:
            return self._kept.get(identity, answer)
        if len(answer.content) <= _MOST_BYTES:
            self._kept[identity] = answer
        return answer

    def forget(self, identity: str) -> None:
        """The site has it, or does not go on with it."""
        self._kept.pop(identity, None)
