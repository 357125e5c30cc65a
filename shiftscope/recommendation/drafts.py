"""What the advice rests on, and what is decided so far."""

from dataclasses import dataclass

from shiftscope.diagnosis import Removal
from shiftscope.recommendation.advice_documents import Action, Alternative

__all__ = ["PERSONALIZER", "AdviceDraft", "option"]

PERSONALIZER = "fedper"

_ACTIONS: dict[tuple[bool, bool], Action] = {
    (False, False): "pool",
    (True, False): "harmonize",
    (False, True): "personalize",
    (True, True): "both",
}


@dataclass(frozen=True, slots=True)
class AdviceDraft:
    """What the advice rests on, and what is decided so far.

    Attributes:
        called: questions that count as shifts.
        smallest: patients of the smallest site that takes part.
        chosen: the harmonizer that would be used, None where none is measured.
        rivals: others that may remove as much, dearer or no better, the most first.
        map: whether a harmonizer is advised.
        own: whether models of their own are advised.
        withheld: whether they would be, had the sites more patients.
    """

    called: tuple[str, ...]
    smallest: int
    chosen: Removal | None = None
    rivals: tuple[Removal, ...] = ()
    map: bool = False
    own: bool = False
    withheld: bool = False

    @property
    def action(self) -> Action:
        """The action that follows."""
        return _ACTIONS[self.map, self.own]


def option(action: Action, when: str, harmonizer: str) -> Alternative:
    """A runner-up with this action."""
    return Alternative(
        action=action,
        harmonizer=harmonizer if action in ("harmonize", "both") else None,
        personalizer=PERSONALIZER if action in ("personalize", "both") else None,
        when=when,
    )
