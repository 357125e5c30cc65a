"""Outcomes of federations whose truth was made up."""

from collections.abc import Sequence

import numpy as np
from early_rounds import EARLY
from outcomes import Outcome
from profile_inputs import InputsRow

from shiftscope.recommendation.prediction.advice_policy import PolicyInputs

__all__ = ["NAMES", "inputs_of", "outcome"]

NAMES = ("fedavg", "local", "shrinkage", "quantile_map", "quantile_map+local")


def outcome(
    gains: dict[str, float],
    noise: float = 0.0,
    seed: int = 0,
    kind: str = "none",
    family: str = "a family",
    harmonizer: str | None = None,
    personalizer: str | None = None,
    study: str = "",
    task: str = "classification",
) -> Outcome:
    """Three sites and five folds of one FedAvg of .8, and of strategies that gain this much, with chance in each."""
    rng = np.random.default_rng(seed)
    gain = np.array([gains.get(name, 0.0) for name in NAMES])
    drawn = rng.normal(0, noise, (3, len(NAMES), 5)) if noise else np.zeros((3, len(NAMES), 5))
    drawn[:, 0] = 0
    covariance = np.zeros((3, 5, len(NAMES), len(NAMES)))
    covariance[:, :] = np.diag([0, *[noise**2] * (len(NAMES) - 1)])
    about = {
        "name": f"{kind}-{family}-{seed}",
        "family": family,
        "kind": kind,
        "task": task,
        "study": study,
        "swept": ["quantile_map"],
        "advice": {
            "action": "pool",
            "harmonizer": harmonizer,
            "personalizer": personalizer,
            "patients": dict.fromkeys("abc", 60),
            "questions": {
                question: dict.fromkeys(("probability", "effect", "low", "high"), 0.5)
                for question in ("appearance", "structure", "label", "annotation")
            },
            "removed": {"zscore": {"share": 0.5, "remains": 1.0}},
        },
        "strategies": [
            {"name": name, "harmonizer": "quantile_map" if "map" in name else None, "method": method_of(name)}
            for name in NAMES
        ],
        "sites": {site: {"classes": {"abnormal": 30, "normal": 30}} for site in "abc"},
        "patients": {site: {"train": 42, "val": 6, "test": 12} for site in "abc"},
        "seconds": {"profiles": 1.0, "features": {"plain": 1.0}, "heads": 1.0, "whole": 3.0},
        **dict.fromkeys(("plant", "form", "made", "machine"), "made up"),
        **dict.fromkeys(("severity", "seed"), 0),
    }
    scores = 0.8 + gain[None, :, None] + drawn
    early = {rounds: scores - 0.2 / rounds for rounds in EARLY if task == "classification"}
    return Outcome(about, ("a", "b", "c"), NAMES, scores, covariance, np.full(3, 0.25), np.full(3, 55), early)


def inputs_of(found: Sequence[Outcome], removed: float = 1.5, conflict: float = 0.0) -> dict[str, InputsRow]:
    """What profiles say of each: that a map removes so much."""
    inputs = PolicyInputs(network="frozen", removed=removed, remains=0.25, conflict=conflict)
    return {item.name: InputsRow(item.name, "quantile_map", inputs) for item in found}


def method_of(name: str) -> str:
    """How the heads of a strategy were made: behind a map alone by FedAvg, as in the tables."""
    last = name.split("+")[-1]
    return "fedavg" if last == "quantile_map" else last
