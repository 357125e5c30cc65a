"""The table in ASlib's form (Bischl et al. 2016, doi:10.1016/j.artint.2016.04.003): six CSV files and what they hold.

Nothing is printed. They hold scores, effects and costs of made federations, and no image, feature or patient.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from federations import federations
from outcomes import Outcome
from profile_inputs import InputsRow
from tasks import TASKS

from shiftscope.harmonizers import HARMONIZERS
from shiftscope.training.rehearsals.linear_heads import BUDGET
from shiftscope.training.rehearsals.rehearsed_strategies import STANDS_FOR

__all__ = ["write_aslib"]

QUESTIONS = {
    "classification": ("appearance", "structure", "label"),
    "segmentation": ("appearance", "structure", "annotation"),
}
DESCRIPTION = """scenario_id: shiftscope-regret-frozen{suffix}
performance_measures: [{metric}]
maximize: [true]
performance_type: [solution_quality]
# instances.csv: what each federation is; features.csv: what profiles say of it before any training; inputs.csv: what
# the advice's prediction sees of that; algorithms.csv: the strategies; performance.csv: {shown} at each site in each
# of five folds, which have no patient in common, and the standard error of the mean gain over FedAvg that comes from
# patients; cost.csv: what each strategy sends and computes.
"""


def write_aslib(outcomes: Sequence[Outcome], inputs: Mapping[str, InputsRow], folder: Path) -> None:
    """All six, and a description, of federations of one task: a scenario has one measure."""
    task = TASKS[outcomes[0].task]
    number = {item.name: f"f{place:03d}" for place, item in enumerate(federations())}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "description.txt").write_text(
        DESCRIPTION.format(suffix=task.suffix, metric=task.metric, shown=task.shown), encoding="utf-8"
    )
    _write(folder / "instances.csv", (_instance(number[item.name], item) for item in outcomes))
    _write(folder / "features.csv", (_features(number[item.name], item) for item in outcomes))
    _write(folder / "inputs.csv", (inputs[item.name].written(number[item.name]) for item in outcomes))
    _write(folder / "algorithms.csv", _algorithms(outcomes))
    _write(folder / "performance.csv", (row for item in outcomes for row in _performance(number[item.name], item)))
    _write(folder / "cost.csv", (row for item in outcomes for row in _cost(number[item.name], item)))


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    found = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(found[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


def _instance(number: str, outcome: Outcome) -> dict[str, Any]:
    about, seconds = outcome.about, outcome.about["seconds"]
    return {
        "instance": number,
        **{key: about[key] for key in ("name", "family", "kind", "plant", "severity", "form", "seed", "study", "task")},
        "sites": len(outcome.sites),
        "patients": " ".join(str(sum(about["patients"][site].values())) for site in outcome.sites),
        "seconds_profiles": round(seconds["profiles"], 1),
        "seconds_features": round(sum(seconds["features"].values()), 1),
        "seconds_heads": round(seconds["heads"], 1),
        "made": about["made"],
    }


def _features(number: str, outcome: Outcome) -> dict[str, Any]:
    advice = outcome.about["advice"]
    sizes = list(advice["patients"].values())
    shares = [_share(site["classes"]) for site in outcome.about["sites"].values()]
    row: dict[str, Any] = {"instance": number, "sites": len(sizes), "smallest": min(sizes), "patients": sum(sizes)}
    if outcome.task == "classification":
        row["class_share_range"] = round(max(shares) - min(shares), 3)
    for question in QUESTIONS[outcome.task]:
        answer = advice["questions"][question]
        row |= {f"{question}_{key}": _short(answer[key]) for key in ("probability", "effect", "low", "high")}
    for harmonizer in ("zscore", "quantile_map", "polarity", "quantile_spectrum"):
        removed = advice["removed"].get(harmonizer, {})
        row |= {f"{harmonizer}_{key}": _short(removed.get(key)) for key in ("share", "remains")}
    return {**row, **{f"advised_{key}": advice[key] or "" for key in ("action", "harmonizer", "personalizer")}}


def _share(classes: Mapping[str, int]) -> float:
    """Of the class that comes first by name."""
    return classes[min(classes)] / sum(classes.values())


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _every(outcomes: Sequence[Outcome]) -> dict[str, dict[str, str | None]]:
    return {each["name"]: each for outcome in outcomes for each in outcome.about["strategies"]}


def _algorithms(outcomes: Sequence[Outcome]) -> Iterator[dict[str, Any]]:
    for name, each in _every(outcomes).items():
        harmonizer, method = each["harmonizer"] or "", str(each["method"])
        same = () if harmonizer else STANDS_FOR.get(method, ())  # type: ignore[call-overload]
        runs = sum(name in outcome.strategies for outcome in outcomes)
        yield {
            "algorithm": name,
            "harmonizer": harmonizer,
            "method": method,
            "stands_for": " ".join(same),
            "instances": runs,
        }


def _performance(number: str, outcome: Outcome) -> Iterator[dict[str, Any]]:
    variances = np.einsum("xfss->xsf", outcome.covariance)
    errors = np.sqrt(np.nansum(variances, axis=2)) / outcome.folds
    for site, scores, error in zip(outcome.sites, outcome.scores, errors, strict=True):
        for name, by_fold, of_gain in zip(outcome.strategies, scores, error, strict=True):
            row = {f"fold{fold + 1}": f"{value:.3f}" for fold, value in enumerate(by_fold)}
            yield {"instance": number, "site": site, "algorithm": name, **row, "gain_se": f"{of_gain:.3f}"}


def _cost(number: str, outcome: Outcome) -> Iterator[dict[str, Any]]:
    """Of the strategy alone, in one fold: bytes of heads both ways over all rounds and sites; images that the encoder
    sees; steps of a head at each site."""
    images = sum(sum(site["classes"].values()) for site in outcome.about["sites"].values())
    steps = BUDGET.rounds * BUDGET.local_steps
    head = 4 * 2 * TASKS[outcome.task].head
    for each in outcome.about["strategies"]:
        method, harmonizer = each["method"], each["harmonizer"]
        shared = 0 if method == "local" else 2 * head * BUDGET.rounds * len(outcome.sites)
        tuned = {"local": 0, "lp_ft": round(BUDGET.tuning * steps), "shrinkage": steps}.get(method, 0)
        fitted = harmonizer is not None and HARMONIZERS[harmonizer].shares and HARMONIZERS[harmonizer].on == "pixels"
        yield {
            "instance": number,
            "algorithm": each["name"],
            "bytes": shared,
            "encoded_images": images,
            "refitted_in_each_fold": int(fitted),
            "head_steps": steps + tuned,
        }
