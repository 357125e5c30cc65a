"""The advice's policy fitted on what was measured, also without the family that is judged. Nothing is printed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from gain_rows import GainRow
from scipy.optimize import lsq_linear
from scipy.special import ndtr, ndtri
from scipy.stats import chi2
from trained_gains import MARGIN

from shiftscope.recommendation.prediction.advice_policy import (
    INPUTS,
    SIGNS,
    ActionModel,
    AdvicePolicy,
    InputName,
    ModelledAction,
    Network,
    PolicyInputs,
    Transfer,
)

__all__ = ["COMPUTE", "fit_policy", "without_each_family"]

PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Of squared weights, against squared errors of which each family's mean counts once."""

LEVEL = 0.8
Z_90 = float(ndtri(0.9))  # standard deviations from the middle of an 80 % interval to its end

CERTAIN = 0.7
"""Below so much certainty that nothing gains, a rehearsal is advised."""

COMPUTE = {"ditto": 2.0}
PERSONALIZERS: Mapping[Network, tuple[str, ...]] = {
    "frozen": ("lp_ft",),
    "pretrained": ("lp_ft",),
    "random": ("lp_ft", "ditto"),
}
"""Of which the best of the benchmark is taken; Ditto was trained from random weights alone."""

STEEPEST = 10.0
"""A trained gain is at most so many times a rehearsed one."""

LEAST_TRANSFER = 0.01
"""Noise alone is more, of three folds."""

LEAST_SPREAD = 0.005
"""Nothing is known better than that."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Constant and weights of one action."""

    constant: float
    weights: dict[InputName, float]

    def at(self, inputs: PolicyInputs) -> float:
        values = dict(zip(INPUTS, inputs.values().tolist(), strict=True))
        return self.constant + sum(weight * values[name] for name, weight in self.weights.items())


def fit_policy(
    rows: Sequence[GainRow], provenance: Mapping[str, str], inputs: Sequence[InputName] = INPUTS
) -> AdvicePolicy:
    """All actions on all networks.

    Args:
        rows: of `read_rows`.
        provenance: kept beside the numbers.
        inputs: that may have a weight; fewer for an ablation.
    """
    personalizers = {network: _personalizer(rows, network) for network in PERSONALIZERS}
    models, transfers = [], []
    for network in PERSONALIZERS:
        for action in SIGNS:
            transfer = _transfer(rows, network, action, personalizers[network])
            transfers.append(transfer)
            models.append(_model(rows, network, action, personalizers[network], transfer, inputs))
    return AdvicePolicy(
        actions=tuple(models),
        transfers=tuple(transfers),
        personalizers=personalizers,
        compute=COMPUTE,
        certain=CERTAIN,
        provenance=dict(provenance),
    )


def without_each_family(rows: Sequence[GainRow], inputs: Sequence[InputName] = INPUTS) -> dict[str, AdvicePolicy]:
    """Family -> the policy that never saw it."""
    families = sorted({row.family for row in rows})
    return {
        family: fit_policy([row for row in rows if row.family != family], {"without": family}, inputs)
        for family in families
    }


def _personalizer(rows: Sequence[GainRow], network: Network) -> str:
    """The best mean over families, on the federations that have them all; the first where none has."""
    names = PERSONALIZERS[network]
    by_name = {
        name: {row.federation: row for row in rows if row.network == network and row.strategy == name} for name in names
    }
    shared = [federation for federation in by_name[names[0]] if all(federation in found for found in by_name.values())]

    def mean(name: str) -> float:
        chosen = [by_name[name][federation] for federation in shared]
        return float(_weights(chosen) @ [row.gain for row in chosen]) if chosen else 0.0

    return max(names, key=mean)


def _of(rows: Sequence[GainRow], network: Network, action: ModelledAction, personalizer: str) -> list[GainRow]:
    wanted = {personalizer} if action == "personalize" else None
    return [
        row
        for row in rows
        if (row.network, row.action) == (network, action) and (wanted is None or row.strategy in wanted)
    ]


def _weights(rows: Sequence[GainRow]) -> np.ndarray:
    """(n,) that add up to 1, each family alike."""
    families = [row.family for row in rows]
    return np.array([1 / families.count(family) for family in families]) / max(1, len(set(families)))


def _model(
    rows: Sequence[GainRow],
    network: Network,
    action: ModelledAction,
    personalizer: str,
    transfer: Transfer,
    inputs: Sequence[InputName],
) -> ActionModel:
    """Of networks from trained weights few were trained whole: they are taken as frozen ones, and what training adds on
    average and scatters about that."""
    source: Network = "random" if network == "random" else "frozen"
    chosen = _of(rows, source, action, personalizer)
    penalty = _penalty(chosen, action, inputs)
    fitted = _fit(chosen, action, penalty, inputs)
    elsewhere = _predicted_elsewhere(chosen, action, penalty, inputs)
    residuals = np.array([row.gain for row in chosen]) - elsewhere
    weights = _weights(chosen)
    noise = float(weights @ [row.error**2 for row in chosen])
    spread = _spread(float(weights @ residuals**2), noise, len(chosen))
    half = _quantile(np.abs(residuals), weights, _conformal(len(chosen)))
    lost = float(weights @ [row.lost for row in chosen])
    constant, trained = fitted.constant, chosen
    if network == "pretrained":
        trained = tuned = _of(rows, "pretrained", action, personalizer)
        more = _shrunken_mean(np.array([row.gain - fitted.at(row.inputs) for row in tuned]))
        constant += more
        spread = float(np.hypot(spread, transfer.spread))
        apart = np.abs([row.gain - fitted.at(row.inputs) - more for row in tuned])
        half = max(half, _quantile(apart, _weights(tuned), _conformal(len(tuned))))
        lost = float(_weights(tuned) @ [row.lost for row in tuned])
    about = [fitted.at(row.inputs) + constant - fitted.constant for row in chosen]
    return ActionModel(
        network=network,
        action=action,
        constant=_short(constant),
        weights={name: _short(weight) for name, weight in fitted.weights.items() if abs(weight) >= 5e-5},
        half=_short(max(half, Z_90 * spread)),
        spread=_short(spread),
        site_spread=_short(_site_spread(np.array(about), weights, lost)),
        federations=len({row.federation for row in trained}),
    )


def _short(value: float) -> float:
    return round(float(value), 4)


def _fit(rows: Sequence[GainRow], action: ModelledAction, penalty: float, inputs: Sequence[InputName]) -> Fitted:
    """Ridge towards 0, the constant too, each weight of its sign."""
    names = [name for name in INPUTS if name in SIGNS[action] and name in inputs]
    signs = np.array([SIGNS[action][name] for name in names], dtype=float)
    places = [INPUTS.index(name) for name in names]
    table = np.array([row.inputs.values()[places] * signs for row in rows]).reshape(len(rows), len(names))
    table = np.column_stack([np.ones(len(rows)), table])
    root = np.sqrt(_weights(rows))
    size = table.shape[1]
    found = lsq_linear(
        np.vstack([root[:, None] * table, np.sqrt(penalty / 100) * np.eye(size)]),
        np.concatenate([root * [row.gain for row in rows], np.zeros(size)]),
        bounds=(np.array([-1.0, *np.zeros(size - 1)]), np.ones(size)),
    ).x
    return Fitted(float(found[0]), dict(zip(names, (found[1:] * signs).tolist(), strict=True)))


def _predicted_elsewhere(
    rows: Sequence[GainRow], action: ModelledAction, penalty: float, inputs: Sequence[InputName]
) -> np.ndarray:
    """(n,) what is expected of each federation by a fit on all other families."""
    found = np.zeros(len(rows))
    for family in {row.family for row in rows}:
        fitted = _fit([row for row in rows if row.family != family], action, penalty, inputs)
        for place, row in enumerate(rows):
            if row.family == family:
                found[place] = fitted.at(row.inputs)
    return found


def _penalty(rows: Sequence[GainRow], action: ModelledAction, inputs: Sequence[InputName]) -> float:
    """That with which families predict each other best."""
    weights, gains = _weights(rows), np.array([row.gain for row in rows])
    return min(
        PENALTIES,
        key=lambda penalty: float(weights @ (gains - _predicted_elsewhere(rows, action, penalty, inputs)) ** 2),
    )


def _conformal(count: int) -> float:
    """The share of so many residuals that an interval must hold to hold the next one with `LEVEL` (Vovk et al. 2005,
    doi:10.1007/b106715)."""
    return min(1.0, LEVEL * (count + 1) / count)


def _quantile(values: np.ndarray, weights: np.ndarray, level: float) -> float:
    order = np.argsort(values)
    place = int(np.searchsorted(np.cumsum(weights[order]), level * (1 - 1e-9)))
    return float(values[order][min(place, len(values) - 1)])


def _transfer(rows: Sequence[GainRow], network: Network, action: ModelledAction, personalizer: str) -> Transfer:
    """How far training goes from a rehearsal: a share of it, by least squares, and what is left beside noise."""
    if network == "frozen":
        return Transfer(network=network, action=action, scale=1.0, spread=0.0)
    strategy = "lp_ft" if action == "personalize" else personalizer
    chosen = [row for row in _of(rows, network, action, strategy) if np.isfinite(row.rehearsed)]
    rehearsed, trained = (np.array([getattr(row, key) for row in chosen]) for key in ("rehearsed", "gain"))
    scale = float(np.clip(rehearsed @ trained / (rehearsed @ rehearsed), 0, STEEPEST)) if rehearsed.any() else 0.0
    noise = float(np.mean([row.error**2 for row in chosen]))
    noise += scale**2 * _noise_of_rehearsals(rows, action, strategy)
    spread = _spread(float(np.mean((trained - scale * rehearsed) ** 2)), noise, len(chosen))
    return Transfer(network=network, action=action, scale=_short(scale), spread=_short(max(spread, LEAST_TRANSFER)))


def _shrunken_mean(values: np.ndarray) -> float:
    """Their mean, as far as it is told from 0 (James and Stein 1961)."""
    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    return mean * max(0.0, 1 - error**2 / mean**2) if mean else 0.0


def _spread(square: float, noise: float, count: int) -> float:
    """The standard deviation beside noise: of few squares the upper end of a one-sided 80 % interval of their mean, so
    that little data do not look like little spread."""
    upper = square * count / float(chi2.ppf(1 - LEVEL, count))
    return max(LEAST_SPREAD, float(np.sqrt(max(0.0, upper - noise))))


def _noise_of_rehearsals(rows: Sequence[GainRow], action: ModelledAction, strategy: str) -> float:
    return float(np.mean([row.error**2 for row in _of(rows, "frozen", action, strategy)]))


def _site_spread(means: np.ndarray, weights: np.ndarray, lost: float) -> float:
    """With which about so many sites lose more than the margin as did."""
    tried = np.geomspace(0.01, 0.3, 200)
    expected = np.array([float(weights @ ndtr((-MARGIN - means) / spread)) for spread in tried])
    return float(tried[np.argmin(np.abs(expected - lost))])
