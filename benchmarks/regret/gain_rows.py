"""What each action gained on each federation and network, beside what profiles say, from the committed tables.

Nothing is printed.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import t
from tabled_outcomes import read_csv
from tasks import TASKS
from trained_gains import MARGIN, OWN

from shiftscope.recommendation.prediction.advice_policy import ModelledAction, Network, PolicyInputs

__all__ = ["GainRow", "read_rows", "rehearsed_as"]

FOLDS = 3
"""Of a network that is trained whole: its interval has as many degrees of freedom, less one."""

PERSONALIZERS = ("lp_ft", "ditto", "shrinkage")
STANDS_FOR = {"polarity": "quantile_map", "quantile_spectrum": "quantile_map"}
"""What is rehearsed where the advised harmonizer was not."""


@dataclass(frozen=True, slots=True)
class GainRow:
    """One strategy on one federation and network.

    Attributes:
        kind: what was planted.
        action: that the strategy is one of.
        strategy: as arms and cells call it.
        inputs: what profiles say, with the network.
        gain, error: over FedAvg, and its standard error.
        lost: share of sites that lose more than the margin.
        rehearsed: the gain on the frozen encoder; NaN where it has none.
    """

    federation: str
    family: str
    task: str
    kind: str
    action: ModelledAction
    strategy: str
    inputs: PolicyInputs
    gain: float
    error: float
    lost: float
    rehearsed: float

    @property
    def network(self) -> Network:
        return self.inputs.network


def read_rows(results: Path) -> list[GainRow]:
    """All of both tasks.

    Args:
        results: the folder of classes; that of outlines lies beside it.
    """
    found: list[GainRow] = []
    for task in TASKS.values():
        folder = results.with_name(results.name + task.suffix)
        if folder.exists():
            found += _frozen(folder)
    about = {(row.federation, row.action): row for row in found}
    return [*found, *_trained(results / "tuned.csv", about)]


def rehearsed_as(harmonizer: str, strategies: Mapping[str, object]) -> str:
    """The strategy whose gain counts for a harmonizer."""
    return harmonizer if harmonizer in strategies else STANDS_FOR.get(harmonizer, "zscore")


def _frozen(folder: Path) -> Iterator[GainRow]:
    inputs = {row["instance"]: row for row in read_csv(folder / "inputs.csv")}
    scores: dict[str, dict[str, dict[str, tuple[float, float]]]] = defaultdict(lambda: defaultdict(dict))
    for row in read_csv(folder / "performance.csv"):
        mean = float(np.nanmean([float(row[f"fold{fold}"]) for fold in range(1, 6)]))
        scores[row["instance"]][row["algorithm"]][row["site"]] = mean, float(row["gain_se"])
    for about in read_csv(folder / "instances.csv"):
        of, said = scores[about["instance"]], inputs[about["instance"]]
        wanted: dict[str, ModelledAction] = {rehearsed_as(said["harmonizer"], of): "harmonize", OWN: "own_model"}
        wanted |= {name: "personalize" for name in PERSONALIZERS if name in of}
        for strategy, action in wanted.items():
            pairs = [(of[strategy][site], of["fedavg"][site]) for site in of["fedavg"]]
            gains = np.array([mine[0] - base[0] for mine, base in pairs])
            error = float(np.sqrt(np.sum([mine[1] ** 2 for mine, _ in pairs]))) / len(pairs)
            yield GainRow(
                about["name"],
                about["family"],
                about["task"],
                about["kind"],
                action,
                strategy,
                _inputs(said),
                float(gains.mean()),
                error,
                float((gains < -MARGIN).mean()),
                float(gains.mean()),
            )


def _inputs(row: Mapping[str, str]) -> PolicyInputs:
    numbers = {key: float(row[key]) for key in ("removed", "remains", "conflict", "structure")}
    return PolicyInputs(network="frozen", smallest=int(row["smallest"]), **numbers)


def _trained(path: Path, about: Mapping[tuple[str, str], GainRow]) -> Iterator[GainRow]:
    actions: dict[str, ModelledAction] = {OWN: "own_model", **dict.fromkeys(PERSONALIZERS, "personalize")}
    networks: dict[str, Network] = {"tuned": "pretrained", "random": "random"}
    for row in read_csv(path):
        action = actions.get(row["strategy"], "harmonize")
        if (row["federation"], action) not in about:
            continue
        base = about[row["federation"], action]
        yield replace(
            base,
            action=action,
            strategy=row["strategy"],
            inputs=replace(base.inputs, network=networks[row["network"]]),
            gain=float(row["trained"]),
            error=(float(row["high"]) - float(row["low"])) / 2 / float(t.ppf(0.975, FOLDS - 1)),
            lost=int(row["lost"]) / int(row["sites"]),
            rehearsed=float(row["rehearsed"]),
        )
