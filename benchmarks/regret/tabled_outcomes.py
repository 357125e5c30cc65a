"""The outcomes of federations as the committed tables have them: scores by fold, and how sure gains over FedAvg are.

What `cells.py` wrote beside that is not in them: covariances of two strategies, early rounds, advice. Nothing is
printed.
"""

import csv
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from outcomes import REFERENCE, Outcome
from tasks import TASKS

__all__ = ["read_csv", "read_tabled"]

RATIO = 0.2 / 0.7
"""Test patients over training patients of a fold, as a plan divides them."""


def read_csv(path: Path) -> list[dict[str, str]]:
    """Its rows."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_tabled(results: Path) -> dict[str, Outcome]:
    """Every federation of both tasks, by name.

    Args:
        results: the folder of classes; that of outlines lies beside it.
    """
    folders = [results.with_name(results.name + task.suffix) for task in TASKS.values()]
    return {item.name: item for folder in folders if folder.exists() for item in _of_task(folder)}


def _of_task(folder: Path) -> list[Outcome]:
    algorithms = {row["algorithm"]: row for row in read_csv(folder / "algorithms.csv")}
    scores: dict[str, dict[tuple[str, str], Mapping[str, str]]] = defaultdict(dict)
    for row in read_csv(folder / "performance.csv"):
        scores[row["instance"]][row["site"], row["algorithm"]] = row
    return [_outcome(about, scores[about["instance"]], algorithms) for about in read_csv(folder / "instances.csv")]


def _outcome(
    about: Mapping[str, str],
    scores: Mapping[tuple[str, str], Mapping[str, str]],
    algorithms: Mapping[str, Mapping[str, str]],
) -> Outcome:
    sites = tuple(dict.fromkeys(site for site, _ in scores))
    names = tuple(sorted(dict.fromkeys(name for _, name in scores), key=lambda name: name != REFERENCE))
    folds = [key for key in next(iter(scores.values())) if key.startswith("fold")]
    by_fold = np.array([[[float(scores[site, name][fold]) for fold in folds] for name in names] for site in sites])
    errors = np.array([[float(scores[site, name]["gain_se"]) for name in names] for site in sites])
    of_fold = len(folds) * errors**2  # the mean over folds has a fold's variance, divided by their number
    covariance = np.einsum("xs,st->xst", of_fold, np.eye(len(names)))
    strategies = [
        {"name": name, "harmonizer": algorithms[name]["harmonizer"] or None, "method": algorithms[name]["method"]}
        for name in names
    ]
    patients = [int(count) for count in about["patients"].split()]
    return Outcome(
        {**about, "strategies": strategies},
        sites,
        names,
        by_fold,
        np.repeat(covariance[:, None], len(folds), axis=1),
        np.full(len(sites), RATIO),
        np.array(patients) - len(folds),
    )
