"""What the advice's prediction sees of each federation, from the profiles of its sites. Nothing is printed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from federations import federations
from outcomes import Outcome

from shiftscope.diagnosis import diagnose
from shiftscope.profiles import Profile
from shiftscope.recommendation.harmonizing import choose, name_of
from shiftscope.recommendation.prediction.advice_policy import PolicyInputs
from shiftscope.recommendation.prediction.policy_inputs import inputs_of

__all__ = ["InputsRow", "inputs_of_cells"]


@dataclass(frozen=True, slots=True)
class InputsRow:
    """Of one federation.

    Attributes:
        name: of it.
        harmonizer: that would be used.
        inputs: of a frozen encoder; they are the same for another network.
    """

    name: str
    harmonizer: str
    inputs: PolicyInputs

    def written(self, instance: str) -> dict[str, Any]:
        """A row of inputs.csv."""
        found = self.inputs
        numbers = {key: f"{getattr(found, key):.4g}" for key in ("removed", "remains", "conflict", "structure")}
        return {"instance": instance, "harmonizer": self.harmonizer, "smallest": found.smallest, **numbers}


def inputs_of_cells(outcomes: Sequence[Outcome], out: Path) -> dict[str, InputsRow]:
    """Federation -> its inputs, diagnosed by today's code.

    Args:
        outcomes: of the federations that are asked for.
        out: the folder of `cells.py`, with the profiles of all their sites.
    """
    wanted = {outcome.name for outcome in outcomes}
    found = {}
    for federation in federations():
        if federation.name in wanted:
            paths = {site: out / "profiles" / f"{spec.key}.json" for site, spec in federation.sites.items()}
            profiles = [Profile.read(path).model_copy(update={"site": site}) for site, path in paths.items()]
            diagnosis = diagnose(profiles)
            chosen, _ = choose(diagnosis.removed)
            inputs = inputs_of(diagnosis, profiles, chosen, "frozen")
            found[federation.name] = InputsRow(federation.name, name_of(chosen), inputs)
    return found
