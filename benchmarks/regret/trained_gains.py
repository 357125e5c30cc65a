"""Gains of whole networks beside what a rehearsal of the same federations said of them. Nothing is printed."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from outcomes import REFERENCE, Outcome
from scipy.stats import spearmanr
from tabled_outcomes import read_csv

from shiftscope.plans import RunResult

__all__ = [
    "HARMONIZER",
    "OWN",
    "PERSONALIZERS",
    "Agreement",
    "TrainedGain",
    "agreement",
    "gains_in",
    "read_gains",
    "rehearsed_gains",
    "write_gains",
]

OWN, HARMONIZER = "local", "quantile_map"
"""What is trained beside FedAvg; the harmonizer where `recommend` names none."""

PERSONALIZERS = {"tuned": ("lp_ft",), "random": ("lp_ft", "ditto")}
"""Network -> what else is; Ditto takes twice as long."""

_PERSONAL = {name for names in PERSONALIZERS.values() for name in names}

MARGIN = 0.01
"""A site that is worse by more has lost by it."""

DRAWS, SEED = 4000, 15


@dataclass(frozen=True, slots=True)
class TrainedGain:
    """One strategy on one federation.

    Attributes:
        network: "tuned" or "random".
        task: what is trained.
        federation: its name.
        strategy: as arms and cells call it.
        rehearsed: gain over FedAvg on the frozen encoder, all folds; NaN for what has no counterpart there.
        trained: the same of the whole network, with its 95 % interval from `low` to `high`.
        lost: sites that it does worse than FedAvg by more than a margin.
        sites: of the federation.
    """

    network: str
    task: str
    federation: str
    strategy: str
    rehearsed: float
    trained: float
    low: float
    high: float
    lost: int = 0
    sites: int = 0

    @property
    def family(self) -> str:
        """What the strategy is one of."""
        return {OWN: "own model", **dict.fromkeys(_PERSONAL, "personalizer")}.get(self.strategy, "harmonizer")


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well rehearsed gains go with trained ones.

    Attributes:
        count: of gains.
        correlation: Spearman's; of three gains or more.
        low, high: its 95 % interval, federations drawn anew.
        bias: mean of trained less rehearsed.
        spread: standard deviation of that, which holds the noise of both.
    """

    count: int
    correlation: float
    low: float
    high: float
    bias: float
    spread: float


def rehearsed_gains(outcome: Outcome) -> dict[str, float]:
    """Over FedAvg, of the strategies that are trained and rehearsed: own models, the advised harmonizer, a
    personalizer."""
    found = _gains(outcome)
    wanted = (OWN, outcome.about["advice"]["harmonizer"] or HARMONIZER, *_PERSONAL)
    return {name: found[name] for name in wanted if name in found}


def _gains(outcome: Outcome) -> dict[str, float]:
    """Of all strategies, on all folds."""
    gains = outcome.on_folds(range(outcome.folds)).gains.tolist()
    return dict(zip(outcome.strategies, gains, strict=True))


def gains_in(folder: Path, outcomes: Mapping[str, Outcome]) -> list[TrainedGain]:
    """All that `tune.py run` has finished there.

    Args:
        folder: NETWORK/FEDERATION/run/result.json.
        outcomes: federation -> its cells; what has none is left out.
    """
    found = []
    for path in sorted(folder.glob("*/*/run/result.json")):
        network, name = path.parts[-4], path.parts[-3]
        if name not in outcomes:
            continue
        result, rehearsed = RunResult.read(path), _gains(outcomes[name])
        for strategy, arm in result.arms.items():
            if strategy == REFERENCE:
                continue
            got, lost = arm.difference, [site.differences[strategy].mean for site in result.sites.values()]
            found.append(
                TrainedGain(
                    network,
                    outcomes[name].task,
                    name,
                    strategy,
                    rehearsed.get(strategy, float("nan")),
                    got.mean,
                    got.low,
                    got.high,
                    sum(gain is not None and gain < -MARGIN for gain in lost),
                    len(lost),
                )
            )
    return found


def agreement(gains: Sequence[TrainedGain]) -> Agreement:
    """Of these gains, those without a counterpart left out; gains of one federation share its chance, so federations
    are drawn, and not gains."""
    gains = [gain for gain in gains if np.isfinite(gain.rehearsed)]
    pairs = np.array([(gain.rehearsed, gain.trained) for gain in gains])
    places = [
        np.flatnonzero([gain.federation == name for gain in gains])
        for name in dict.fromkeys(gain.federation for gain in gains)
    ]
    rng = np.random.default_rng(SEED)
    drawn = [
        _correlation(pairs[np.concatenate([places[each] for each in rng.integers(len(places), size=len(places))])])
        for _ in range(DRAWS)
    ]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    apart = pairs[:, 1] - pairs[:, 0]
    return Agreement(
        len(gains), _correlation(pairs), float(low), float(high), float(apart.mean()), float(apart.std(ddof=1))
    )


def write_gains(gains: Iterable[TrainedGain], path: Path) -> None:
    """A row for each, four decimals."""
    rows = [
        {key: f"{value:.4f}" if isinstance(value, float) else value for key, value in asdict(gain).items()}
        for gain in gains
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_gains(path: Path) -> list[TrainedGain]:
    """What `write_gains` wrote; nothing where there is no such file yet."""
    if not path.exists():
        return []
    return [
        TrainedGain(
            *(row[key] for key in ("network", "task", "federation", "strategy")),
            *(float(row[key]) for key in ("rehearsed", "trained", "low", "high")),
            *(int(row[key]) for key in ("lost", "sites")),
        )
        for row in read_csv(path)
    ]


def _correlation(pairs: np.ndarray) -> float:
    """Spearman's; NaN where either does not vary."""
    if min(len(np.unique(column)) for column in pairs.T) < 2:
        return float("nan")
    return float(spearmanr(pairs[:, 0], pairs[:, 1]).statistic)
