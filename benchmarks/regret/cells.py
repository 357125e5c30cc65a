"""Rehearse every strategy on every federation: one JSON file for each, so that a sweep that was stopped goes on.

    python benchmarks/regret/cells.py DATA OUT [--first 40] [--harmonizers zscore ...] [--backwards] [--share 0/2]

Prints a line for each federation: its place, name, seconds, FedAvg's score, the best strategy, the advice. DATA holds
the real groups; OUT gets `cells/NAME.json` and, to be deleted at will, `features/` and `profiles/`. `--backwards`
begins at the end, for a second process; `--share 0/3` takes every third federation.

A file holds what was planted, every seed, scores of each strategy at each site in each fold, the same after fewer
rounds (of classes), how differences from FedAvg vary with the patients of each fold, what `recommend` says of the
sites' profiles, and seconds.
"""

import argparse
import json
import os
import platform
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from early_rounds import EARLY
from encoded import Encoded
from encoders import ENCODER
from federations import federations
from outline_tables import OutlineTables
from sources import SEED
from specs import Federation, SiteSpec
from tables import FederationTables, folds_of

from shiftscope.files import write_text
from shiftscope.harmonizers import HARMONIZERS
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.plans import Plan, propose_plan
from shiftscope.profiles import Options, Profile, profile_site
from shiftscope.recommendation import Advice, advise
from shiftscope.recommendation.harmonizing import choose, name_of
from shiftscope.training.rehearsals.linear_heads import BUDGET
from shiftscope.training.rehearsals.rehearsals_in_memory import rehearse_in_memory
from shiftscope.training.rehearsals.rehearsed_strategies import Rehearsed, count_outputs, harmonizers_of, strategies_of
from shiftscope.training.rehearsals.table_rehearsals import HeadScores

__all__ = ["run", "scores_of", "spread_of"]

HARMONIZED = {
    "classification": ("zscore", "percentile", "clahe", "quantile_map", "combat"),
    "segmentation": ("zscore", "quantile_map"),
}
"""Of the sweep: heads of outlines take ten times as long, so one that shares nothing, and one fitted in each fold."""

FOLDS = 5
DIGITS = 4


def run(federation: Federation, encoded: Encoded, out: Path, harmonizers: Sequence[str]) -> dict[str, Any]:
    """All cells of one federation, as they are written. Outlines are not tried after fewer rounds: it would double the
    time."""
    since = time.perf_counter()
    members = {site: encoded.members(spec) for site, spec in federation.sites.items()}
    profiles = [_profile(site, spec, encoded, out) for site, spec in federation.sites.items()]
    advice = advise(profiles)
    profiled = time.perf_counter()
    plan = propose_plan(profiles, advice.recommendation, "regret").model_copy(
        update={"folds": FOLDS, "seeds": tuple(range(FOLDS)), "model": "linear", "encoder": ENCODER}
    )
    if plan.task != federation.task:
        raise ValueError(f"{federation.name}: the plan of its profiles is of {plan.task}, expected {federation.task}")
    parts = {site: folds_of(each.site(site), plan) for site, each in members.items()}
    outlined = federation.task == "segmentation"
    tables = (OutlineTables if outlined else FederationTables)(federation, encoded, parts)
    swept = tuple(name for name in harmonizers if name in harmonizers_of(plan)) if outlined else tuple(harmonizers)
    tried, outputs = _tried(swept, advice), count_outputs(plan)
    rows = tables.of((None, *tried))
    ready = time.perf_counter()
    strategies = strategies_of(tried, plan)
    said = rehearse_in_memory(rows, strategies, outputs)
    done = time.perf_counter()
    early = {
        rounds: rehearse_in_memory(rows, strategies, outputs, replace(BUDGET, rounds=rounds))
        for rounds in (() if outlined else EARLY)
    }
    tried_early = time.perf_counter()
    return {
        **{key: value for key, value in asdict(federation).items() if key != "sites"},
        "sites": {site: _site(spec, members[site].labels) for site, spec in federation.sites.items()},
        "encoder": {"model": ENCODER, "sha256": plan.weights_sha256},
        "budget": {"folds": FOLDS, **asdict(BUDGET)},
        "swept": list(swept),
        "strategies": [_strategy(each) for each in strategies],
        "scores": {site: scores_of(found) for site, found in said.items()},
        "spread": {site: spread_of(found) for site, found in said.items()},
        "early": {
            rounds: {site: scores_of(each) for site, each in by_site.items()} for rounds, by_site in early.items()
        },
        "ratio": {site: float(each["test"].sum() / each["train"].sum()) for site, each in parts.items()},
        "patients": {site: {part: _people(rows[site]["plain"], part) for part in parts[site]} for site in rows},
        "advice": _advice(advice, plan),
        "seconds": {
            "profiles": profiled - since,
            "features": tables.seconds,
            "heads": done - ready,
            "early": tried_early - done,
            "whole": tried_early - since,
        },
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "base_seed": SEED,
        "made": time.strftime("%Y-%m-%d"),
    }


def _tried(harmonizers: Sequence[str], advice: Advice) -> tuple[str, ...]:
    """Those of the sweep, and the one that advice would use, so that the advice is scored and no other strategy for
    it."""
    advised = name_of(choose(advice.diagnosis.removed)[0])
    more = (advised,) if advised not in harmonizers else ()
    return tuple(name for name in HARMONIZERS if name in (*harmonizers, *more))


def _profile(site: str, spec: SiteSpec, encoded: Encoded, out: Path) -> Profile:
    """As the site would send it; measured once, whatever federation it is in."""
    path = out / "profiles" / f"{spec.key}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        profile, _ = profile_site(encoded.members(spec).site("site"), load_extractor(), Options())
        profile.write(path)
    return Profile.read(path).model_copy(update={"site": site})


def _site(spec: SiteSpec, labels: Sequence[str]) -> dict[str, Any]:
    names, counts = np.unique(labels, return_counts=True)
    return {**asdict(spec), "classes": dict(zip(names.tolist(), counts.tolist(), strict=True))}


def _strategy(each: Rehearsed) -> dict[str, str | None]:
    return {"name": each.name, "harmonizer": each.harmonizer, "method": each.method}


def scores_of(found: HeadScores) -> dict[str, list[float]]:
    """Strategy -> the metric in each fold."""
    return {name: _short(by_fold) for name, by_fold in found.by_fold.items()}


def spread_of(found: HeadScores) -> dict[str, Any]:
    """Covariances of differences from FedAvg, a fold after the other, lower triangles row by row."""
    spread = found.spread_by_fold
    if spread is None:
        raise SystemExit("a rehearsal in memory says how differences vary in each fold; this one does not")
    rows, columns = np.tril_indices(len(spread.strategies))
    folds = range(spread.covariance.shape[1])
    return {
        "freedom": spread.freedom,
        "covariance": [_short(spread.covariance[:, fold, :, fold][rows, columns]) for fold in folds],
    }


def _short(values: np.ndarray) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]


def _people(table: Any, part: str) -> int:
    """Patients in a part, mean over folds."""
    inside = getattr(table, part)
    return round(float(np.mean([len(set(table.patients[fold])) for fold in inside])))


def _advice(advice: Advice, plan: Plan) -> dict[str, Any]:
    """What is known before any training: what a selector may look at."""
    diagnosis, recommendation = advice.diagnosis, advice.recommendation
    keys = {"probability", "effect", "low", "high", "called"}
    return {
        "kind": diagnosis.kind,
        "questions": {question: answer.model_dump(include=keys) for question, answer in diagnosis.axes.items()},
        "removed": {item.harmonizer: {"share": item.share, "remains": item.remains} for item in diagnosis.removed},
        "action": recommendation.action,
        "harmonizer": recommendation.harmonizer,
        "personalizer": recommendation.personalizer,
        "patients": {size.site: size.patients for size in advice.sites},
        "margin": plan.margin,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--first", type=int, help="only so many federations of the list")
    parser.add_argument("--only", nargs="*", help="federations by name")
    parser.add_argument("--harmonizers", nargs="*", help="others than those of the sweep")
    parser.add_argument("--share", default="0/1", help="K/N: every N-th federation, from the K-th on")
    parser.add_argument("--backwards", action="store_true", help="from the last one on: for a second process")
    options = parser.parse_args()
    start, step = map(int, options.share.split("/"))
    encoded = Encoded(options.data, options.out / "features")
    chosen = list(enumerate(federations()))[: options.first][start::step]
    for place, federation in reversed(chosen) if options.backwards else chosen:
        path = options.out / "cells" / f"{federation.name}.json"
        if path.exists() or (options.only and federation.name not in options.only):
            continue
        try:
            found = run(federation, encoded, options.out, options.harmonizers or HARMONIZED[federation.task])
        except Exception:  # noqa: BLE001 - the sweep goes on; what failed is run again by the next call
            print(f"{place:4d} {federation.name}: failed\n{traceback.format_exc()}", flush=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(found))
        print(f"{place:4d} {federation.name}: {_line(found)}", flush=True)


def _line(found: dict[str, Any]) -> str:
    means = {
        each["name"]: float(np.mean([found["scores"][site][each["name"]] for site in found["scores"]]))
        for each in found["strategies"]
    }
    best = max(means, key=lambda name: means[name])
    took = found["seconds"]
    advice = found["advice"]
    return (
        f"{took['whole']:.1f} s (profiles {took['profiles']:.1f}, heads {took['heads']:.1f}, early"
        f" {took['early']:.1f}), fedavg {means['fedavg']:.3f}, best {best} {means[best]:.3f}, {advice['kind']}:"
        f" {advice['action']} {advice['harmonizer']}"
    )


if __name__ == "__main__":
    main()
