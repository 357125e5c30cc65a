"""Honest documents that need no images, as plain values."""

import json
from typing import Any

from shiftscope.plans import Difference, Plan, PlannedSite, TrialCost, TrialEntry, TrialResult, TrialRung, TrialSetup
from shiftscope.records import Document

__all__ = ["POLICY", "SEED", "Values", "plain", "trial_of", "trial_setup_of"]

Values = dict[str, Any]

SEED = 20261129
"""Of the sweep of `make evidence`."""

POLICY: Values = {
    "schema": 1,
    "min_patients": 20,
    "max_unreadable": "2%",
    "scanners": ["PHANTOM *"],
    "labels": [],
    "require": ["noise"],
    "fail_on": ["appearance", "files"],
    "questions": {"appearance": {"warn": 0.1, "error": 1.0}},
    "axes": {"noise": {"error": 2.5}},
    "measures": {"brightness": {"warn": 5.0}},
}


def plain(document: Document) -> Values:
    """The values in its file."""
    return json.loads(document.to_json())


def _plan() -> Plan:
    return Plan(
        name="honest",
        task="segmentation",
        classes=(),
        model="unet",
        colour=False,
        image_size=32,
        rounds=8,
        local_steps=4,
        batch_size=4,
        learning_rate=0.01,
        seeds=(0, 1),
        harmonizer="zscore",
        personalizer="fedbn",
        sites={name: PlannedSite(fingerprint="0" * 64, patients=40, cases=44) for name in ("a", "b")},
    )


def trial_of() -> TrialResult:
    """Three strategies in two rungs."""
    gain = Difference(mean=0.05, low=0.01, high=0.09)
    told: dict[str, Any] = {"validation": 0.7, "test": 0.71, "passes": 100, "bytes": 1000, "seconds": 2.5}
    first = TrialEntry(fate="reference", harmonizer=None, algorithm="fedavg", **told)
    best = TrialEntry(fate="kept", harmonizer="zscore", algorithm="fedbn", difference=gain, verdict="helped", **told)
    last = TrialEntry(fate="dropped", harmonizer=None, algorithm="ditto", difference=gain, harmed=("b",), **told)
    names = {"fedavg": first, "zscore+fedbn": best, "ditto": last}
    rungs = (
        TrialRung(rounds=4, judged=("a", "b"), strategies=names),
        TrialRung(
            rounds=8,
            judged=("a", "b"),
            strategies={"fedavg": first, "zscore+fedbn": best.model_copy(update={"fate": "finalist"})},
        ),
    )
    return TrialResult(
        plan=_plan(),
        engine="inline",
        metric="dice",
        reference="fedavg",
        verdict="take",
        leader="zscore+fedbn",
        winner="zscore+fedbn",
        close=("fedavg",),
        ranking=("zscore+fedbn", "fedavg", "ditto"),
        keep=0.5,
        seeds=(0, 1),
        rungs=rungs,
        cost=TrialCost(passes=500, full_passes=900, bytes=5000, seconds=20.0),
        machine={"cpu": "x"},
        notes=("rung 1: site a missed a round",),
    )


def trial_setup_of() -> TrialSetup:
    """What that trial was asked to do."""
    return TrialSetup(plan=_plan(), strategies=("zscore+fedbn", "ditto"), rungs=(4, 8), keep=0.5)
