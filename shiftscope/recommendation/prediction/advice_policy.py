"""What each action is expected to gain over FedAvg, from what profiles say: a small model that a benchmark can refute.

An action's gain is a constant and a weighted sum of a few inputs, each weight of one sign that is known beforehand, one
such line for each kind of network. `benchmarks/regret/policy.py` fits it (ridge towards a gain of 0) on the
federations of docs/advice.md and writes the package data that is read here, with its provenance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated, ClassVar, Literal, Self, get_args

import numpy as np
from pydantic import Field, model_validator

from shiftscope.records import Document, Finite, Misfit, Name, Record, Text

__all__ = [
    "INPUTS",
    "SIGNS",
    "SIZE",
    "ActionModel",
    "AdvicePolicy",
    "GainModel",
    "InputName",
    "ModelledAction",
    "Network",
    "PolicyInputs",
    "PredictedAction",
    "Transfer",
    "load_policy",
]

Network = Literal["frozen", "pretrained", "random"]
"""What is trained: a linear head on a frozen encoder; a whole network from trained weights; one from random weights."""

ModelledAction = Literal["harmonize", "personalize", "own_model"]
"""The gain of `both` is the sum of the first two."""

PredictedAction = Literal["pool", "harmonize", "personalize", "both", "own_model"]
"""All that could be done; `own_model`: every site trains alone."""

InputName = Literal["removed", "remains", "smallest", "conflict", "structure"]

INPUTS: tuple[InputName, ...] = ("removed", "remains", "smallest", "conflict", "structure")

_OWN = {"remains": 1, "smallest": 1, "conflict": 1, "structure": 1}

SIGNS: Mapping[ModelledAction, Mapping[InputName, int]] = {
    "harmonize": {"removed": 1, "remains": -1},
    "personalize": _OWN,  # type: ignore[dict-item]
    "own_model": _OWN,  # type: ignore[dict-item]
}
"""Which inputs an action's gain rises (1) or falls (-1) with; with all others it does neither."""

SIZE = 60
"""Patients at the smallest site for which that input is 0."""

_SMALLEST, _LARGEST = 20, 400
"""Patients at the smallest site: what lies beyond was not in the benchmark, and is taken as this."""

Gain = Annotated[Finite, Field(ge=-1, le=1)]
Spread = Annotated[Finite, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class PolicyInputs:
    """What a prediction rests on.

    Attributes:
        network: what is to be trained.
        removed: what the advised harmonizer takes off the difference in features, mean over all pairs of sites, in
            squared within-site deviations per coordinate; 0 where no shift in appearance is called.
        remains: what it leaves of it.
        smallest: patients of the smallest site that takes part.
        conflict: the larger of two effects, each the lower end of its 95 % interval: what labels mean, how masks are
            drawn.
        structure: the same of the effect on structure.
    """

    network: Network
    removed: float = 0.0
    remains: float = 0.0
    smallest: int = SIZE
    conflict: float = 0.0
    structure: float = 0.0

    def values(self) -> np.ndarray:
        """(5,) as models see them, in the order of `INPUTS`: logarithms, 0 where nothing differs and of `SIZE`
        patients."""
        size = np.log2(min(max(self.smallest, _SMALLEST), _LARGEST) / SIZE)
        differ = np.log1p([self.removed, self.remains, self.conflict, self.structure])
        return np.array([differ[0], differ[1], size, differ[2], differ[3]])


@dataclass(frozen=True, slots=True)
class GainModel:
    """What is expected of one action on one federation.

    Attributes:
        mean: the gain over FedAvg, of the metric.
        half: of its 80 % interval, within which a run of the benchmark's size would measure it.
        spread: standard deviation of the true gain about `mean`.
        site_spread: the same of one site's gain.
    """

    mean: float
    half: float
    spread: float
    site_spread: float

    @property
    def unsure(self) -> tuple[float, float, float]:
        """All but the mean."""
        return self.half, self.spread, self.site_spread


class ActionModel(Record):
    """One action on one kind of network.

    Attributes:
        constant: the gain where all inputs are 0.
        weights: of the inputs; an input that is missing has none.
        half, spread, site_spread: as in `GainModel`.
        federations: on which this network was trained; of a pretrained one they tell only how it differs from a frozen
            one, whose weights it has.
    """

    network: Network
    action: ModelledAction
    constant: Gain
    weights: dict[InputName, Annotated[Finite, Field(ge=-10, le=10)]]
    half: Spread
    spread: Spread
    site_spread: Spread
    federations: Annotated[int, Field(strict=True, ge=0)]

    @model_validator(mode="after")
    def _keeps_its_signs(self) -> Self:
        for name, weight in self.weights.items():
            if weight * SIGNS[self.action].get(name, 0) < 0 or name not in SIGNS[self.action]:
                raise Misfit(f"weights.{name}", weight, f"a weight of the sign that SIGNS gives {self.action}")
        return self

    def expected(self, inputs: PolicyInputs) -> GainModel:
        """The gain for these inputs."""
        values = dict(zip(INPUTS, inputs.values().tolist(), strict=True))
        mean = self.constant + sum(weight * values[name] for name, weight in self.weights.items())
        return GainModel(float(np.clip(mean, -1, 1)), self.half, self.spread, self.site_spread)


class Transfer(Record):
    """How a gain in training differs from the one that was rehearsed on a frozen encoder.

    Attributes:
        scale: a trained gain is expected to be so many times a rehearsed one.
        spread: standard deviation about that, the noise of both taken off.
    """

    network: Network
    action: ModelledAction
    scale: Annotated[Finite, Field(ge=0, le=10)]
    spread: Spread


class AdvicePolicy(Document):
    """What was fitted, and on what.

    Attributes:
        actions: a model for each action and network.
        transfers: from a rehearsal to training, for each action and network.
        personalizers: network -> which method personalizes.
        compute: method -> factor on the optimizer steps of FedAvg, where it is not 1.
        certain: below so much certainty that nothing gains, a rehearsal is advised.
        provenance: federations, families, tables, date, machine.
    """

    SCHEMA: ClassVar[int] = 1

    actions: tuple[ActionModel, ...]
    transfers: tuple[Transfer, ...]
    personalizers: dict[Network, Name]
    compute: dict[Name, Annotated[Finite, Field(ge=0, le=100)]]
    certain: Annotated[Finite, Field(ge=0, le=1)]
    provenance: dict[Name, Text]

    @model_validator(mode="after")
    def _has_each_once(self) -> Self:
        networks = get_args(Network)
        if missing := [network for network in networks if network not in self.personalizers]:
            raise Misfit("personalizers", [*self.personalizers], f"one for {missing[0]}, too")
        wanted = {(network, action) for network in networks for action in SIGNS}
        for key, items in (("actions", self.actions), ("transfers", self.transfers)):
            found = [(item.network, item.action) for item in items]
            if len(found) != len(wanted) or set(found) != wanted:
                given = f"{len(found)}, {len(set(found))} of them different"
                raise Misfit(key, given, f"one of each action and network: {len(wanted)}")
        return self

    def model(self, network: Network, action: ModelledAction) -> ActionModel:
        """Of an action."""
        return next(item for item in self.actions if (item.network, item.action) == (network, action))

    def transfer(self, network: Network, action: ModelledAction) -> Transfer:
        """From a rehearsal to training."""
        return next(item for item in self.transfers if (item.network, item.action) == (network, action))


@cache
def load_policy() -> AdvicePolicy:
    """The policy that comes with the package."""
    source = resources.files("shiftscope.recommendation.prediction") / "policy-1.json"
    with resources.as_file(source) as path:
        return AdvicePolicy.read(path)
